"""Observing a running Recoup: its metrics over HTTP, for Prometheus."""

from recoup.observing.serving import Observed, observed, temporal_runtime

__all__ = ["Observed", "observed", "temporal_runtime"]
