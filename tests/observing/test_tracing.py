"""Traces of a whole stack: what belongs together has one trace, from the webhook to the charge, and nothing personal is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pytest_httpserver import HTTPServer

from recoup.demo.cases import Cases
from recoup.demo.driver import Driver
from recoup.demo.run import cast_of
from recoup.demo.stack import Plan, Stack
from recoup.errors import ConfigurationError
from recoup.observing import tracing
from recoup.settings import TracingSettings
from recoup.worlds import load_world

WORLD = Path(__file__).parents[1] / "demo" / "one_customer.yaml"


async def _played(place: Path, endpoint: str) -> None:
    """One failed renewal, won by the first retry."""
    environment = {"RECOUP_TRACING__ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    stack = Stack(Plan(place, WORLD, environment=environment))
    try:
        await stack.start()
        async with cast_of(stack, load_world(WORLD)) as cast:
            await Driver(stack.control, Cases(stack.client), cast.people, cast.until).run()
    finally:
        await stack.stop()


def _spans(collector: HTTPServer) -> tuple[list[tuple[str, Any]], bytes]:
    """Every span with the process that sent it, and all that was sent."""
    bodies = [request.get_data() for request, _ in collector.log]
    spans = []
    for body in bodies:
        for sender in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {each.key: each.value.string_value for each in sender.resource.attributes}
            spans += [(named["service.name"], span) for scope in sender.scope_spans for span in scope.spans]
    return spans, b"".join(bodies)


@pytest.mark.stack
async def test_a_charge_has_the_trace_of_the_webhook_that_led_to_it(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    """The request that collects hangs under its activity, the case's run and the webhook of the failure; no name, address or body is sent."""
    httpserver.expect_request("/v1/traces", method="POST").respond_with_data(b"")
    await _played(tmp_path / "stack", httpserver.url_for(""))
    spans, sent = _spans(httpserver)
    by_id = {span.span_id: (process, span) for process, span in spans}
    process, span = next((p, s) for p, s in spans if s.name == "POST /v1/invoices/{id}/pay")
    way = [(process, span.name)]
    while span.parent_span_id:
        process, span = by_id[span.parent_span_id]
        way.append((process, span.name))
    assert way == [
        ("recoup-worker", "POST /v1/invoices/{id}/pay"),
        ("recoup-worker", "RunActivity:payments.attempt"),
        ("recoup-worker", "StartActivity:payments.attempt"),
        ("recoup-starter", "StartWorkflow:RecoveryCase"),
        ("recoup-starter", "webhook invoice.payment_failed"),
    ]
    assert not [word for word in (b"Mary", b"mary@example.com", b"sk_test", b"Team plan") if word in sent]
    assert not [span.name for _, span in spans if span.events]
    # FastAPI's own spans would have the paths, and with them the secrets of links.
    kinds = {span.name.partition(":")[0].split()[0] for process, span in spans if process == "recoup-starter"}
    assert kinds <= {"webhook", "StartWorkflow", "SignalWorkflow", "GET"}, kinds


def test_nothing_is_traced_where_nobody_wants_it() -> None:
    """Without an endpoint Temporal's client gets nothing more, and no provider is set."""
    with tracing.traced(TracingSettings(), "worker") as interceptors:
        assert interceptors == []
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint without the packages is refused in one sentence."""
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.sdk.trace", None)
    wanted = TracingSettings(endpoint="http://127.0.0.1:4318")
    with (
        pytest.raises(ConfigurationError, match=r"install recoup\[tracing\]"),
        tracing.traced(wanted, "worker"),
    ):
        pass
