"""The metrics of a process over HTTP, on a port of their own: what is behind the public one is the customers'."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry, start_http_server
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from recoup.clock import Clock
from recoup.errors import ConnectionFailed
from recoup.ledger import Ledger
from recoup.metrics import REGISTRY
from recoup.observing.standing import LedgerCollector
from recoup.settings import MetricsSettings

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Observed:
    """Where metrics are served."""

    host: str
    port: int


@contextmanager
def observed(host: str, port: int | None, ledger: Ledger, clock: Clock) -> Iterator[Observed | None]:
    """Serve ``/metrics`` while the block runs; nothing where no port is set, and a free one for 0.

    Raises:
        ConnectionFailed: the port is taken.
    """
    if port is None:
        yield None
        return
    registry = CollectorRegistry()
    registry.register(REGISTRY)
    registry.register(LedgerCollector(ledger, clock))
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise ConnectionFailed(
            f"Metrics cannot be served at {host}:{port}: {error.strerror}; choose another port under metrics"
        ) from error
    where = Observed(host, server.server_port)
    _log.info("metrics", host=where.host, port=where.port)
    try:
        yield where
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def temporal_runtime(settings: MetricsSettings) -> Runtime | None:
    """What serves the Temporal SDK's own metrics; nothing where no port is set.

    Raises:
        ConnectionFailed: the port is taken.
    """
    if settings.temporal_port is None:
        return None
    address = f"{settings.host}:{settings.temporal_port}"
    try:
        return Runtime(telemetry=TelemetryConfig(metrics=PrometheusConfig(bind_address=address)))
    except (RuntimeError, ValueError) as error:
        raise ConnectionFailed(
            f"The Temporal SDK's metrics cannot be served at {address}: {error}; choose another metrics.temporal_port"
        ) from error
