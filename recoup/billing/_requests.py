"""Stripe over HTTP, each request a span of its own where traces are sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import trace
from stripe import RequestsClient

_tracer = trace.get_tracer("recoup")


class TracedRequests(RequestsClient):
    """The SDK's client over ``requests``; nothing is different where nobody traces."""

    def request(  # type: ignore[override]  # the SDK's own classes disagree here
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """One try of a call. The path has ids alone; queries and bodies are left out."""
        path = urlsplit(url).path
        with _tracer.start_as_current_span(
            f"{method.upper()} {_shape(path)}",
            kind=trace.SpanKind.CLIENT,
            attributes={"http.request.method": method.upper(), "url.path": path},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            answer = super().request(method, url, headers, post_data)
            span.set_attribute("http.response.status_code", answer[1])
            if (number := answer[2].get("Request-Id")) is not None:
                span.set_attribute("stripe.request_id", number)
            if answer[1] >= 400:
                span.set_status(trace.StatusCode.ERROR)
            return answer


def _shape(path: str) -> str:
    """The path with its ids left out, so that calls of one kind have one name."""
    return "/".join(
        "{id}" if "_" in part and any(map(str.isdigit, part)) else part for part in path.split("/")
    )
