"""Traces over OpenTelemetry, from the webhook over the case to the call that charges; off until ``tracing.endpoint`` is set.

Spans carry Stripe's and Temporal's ids, paths without their queries, and names of steps. A case lives for weeks, so its spans are sent as they
happen (the Temporal SDK's ``TracingInterceptor``), not when the workflow ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace

import recoup
from recoup.errors import ConfigurationError
from recoup.settings import TracingSettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from temporalio.client import Interceptor

TRACER = "recoup"


@contextmanager
def traced(settings: TracingSettings, process: str) -> Iterator[list[Interceptor]]:
    """Send the traces of this process while the block runs; what Temporal's client needs for them.

    Raises:
        ConfigurationError: the package that sends them is missing.
    """
    if settings.endpoint is None:
        yield []
        return
    provider = _provider(settings.endpoint, process)
    from temporalio.contrib.opentelemetry import TracingInterceptor

    trace.set_tracer_provider(provider)
    try:
        yield [TracingInterceptor(provider.get_tracer(TRACER))]
    finally:
        provider.shutdown()


def _provider(endpoint: str, process: str) -> TracerProvider:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import SpanLimits, TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise ConfigurationError(
            "tracing.endpoint is set, and traces cannot be sent: install recoup[tracing]"
        ) from None
    named = {"service.name": f"recoup-{process}", "service.version": recoup.__version__}
    # Without events: they would hold whole error texts and stack traces, which belong into the log.
    provider = TracerProvider(resource=Resource.create(named), span_limits=SpanLimits(max_events=0))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")))
    return provider
