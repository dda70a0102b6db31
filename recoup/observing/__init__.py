"""Observing a running Recoup: its metrics over HTTP, for Prometheus, and its traces over OpenTelemetry."""

from recoup.observing.serving import Observed, observed, temporal_runtime
from recoup.observing.tracing import traced

__all__ = ["Observed", "observed", "temporal_runtime", "traced"]
