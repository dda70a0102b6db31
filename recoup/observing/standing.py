"""How the cases stand, read from the ledger whenever somebody asks: the same whichever process answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from recoup.clock import Clock
from recoup.errors import RecoupError
from recoup.ledger import Ledger
from recoup.ledger.standing import Standing

LATE = timedelta(minutes=15)
"""A case whose next step was due so long ago is late: no worker runs, or something holds it up."""
UNSETTLED = timedelta(hours=1)
"""An attempt without a result for so long, other than a bank debit's."""

_log = structlog.get_logger(__name__)


class LedgerCollector(Collector):
    """Reads the ledger at each scrape; where it does not answer, ``recoup_ledger_up`` is 0 and nothing else is told."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger, self._clock = ledger, clock

    def describe(self) -> Iterable[Metric]:
        """Nothing is read when it is registered."""
        return []

    def collect(self) -> Iterable[Metric]:
        """The gauges."""
        now = self._clock.now()
        try:
            standing = self._ledger.standing.read(late_before=now - LATE, unsettled_before=now - UNSETTLED)
        except RecoupError as error:
            _log.warning("metrics_not_read", reason=str(error))
            yield GaugeMetricFamily("recoup_ledger_up", "Whether the ledger answers.", value=0)
            return
        yield GaugeMetricFamily("recoup_ledger_up", "Whether the ledger answers.", value=1)
        for make in _GAUGES:
            yield make(standing)
        yield GaugeMetricFamily(
            "recoup_webhook_age_seconds",
            "Seconds since Stripe's newest webhook came; -1 where none has come yet.",
            value=(now - standing.webhook_at).total_seconds() if standing.webhook_at else -1,
        )


def _open(standing: Standing) -> Metric:
    gauge = GaugeMetricFamily("recoup_cases_open", "Open cases, by stage.", labels=["stage"])
    for stage, count in standing.open_by_stage.items():
        gauge.add_metric([stage], count)
    return gauge


def _amount(standing: Standing) -> Metric:
    gauge = GaugeMetricFamily(
        "recoup_amount_open", "What open cases are about, in minor units, by currency.", labels=["currency"]
    )
    for currency, amount in standing.open_by_currency.items():
        gauge.add_metric([currency], amount)
    return gauge


def _late(standing: Standing) -> Metric:
    return GaugeMetricFamily(
        "recoup_cases_late",
        "Open cases whose next step was due more than 15 minutes ago.",
        value=standing.late,
    )


def _unsettled(standing: Standing) -> Metric:
    return GaugeMetricFamily(
        "recoup_attempts_unsettled",
        "Attempts without a result for more than an hour, bank debits left out.",
        value=standing.unsettled,
    )


def _deliveries(standing: Standing) -> Metric:
    gauge = GaugeMetricFamily(
        "recoup_deliveries_waiting",
        "Deliveries that have to be tried again, by destination.",
        labels=["destination"],
    )
    for destination, count in standing.deliveries_waiting.items():
        gauge.add_metric([destination], count)
    return gauge


_GAUGES: tuple[Callable[[Standing], Metric], ...] = (_open, _amount, _late, _unsettled, _deliveries)
