"""What is counted and timed in each process, for Prometheus. Labels hold kinds, routes and codes: nobody's id, no amount.

``docs/metrics.md`` explains every metric (held by a test). Where they are served says :mod:`recoup.observing`.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY = CollectorRegistry()
"""Recoup's own; the library's global one would bring metrics that nobody asked for."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

EVENTS = Counter("recoup_events_total", "Events that the ledger took, by kind.", ["kind"], registry=REGISTRY)
ACTIVITIES = Histogram(
    "recoup_activity_seconds",
    "How long activities took, by name and result.",
    ["activity", "result"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
REQUESTS = Histogram(
    "recoup_request_seconds",
    "How long requests to the web process took, by route, method and status.",
    ["route", "method", "status"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
