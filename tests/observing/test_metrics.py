"""Metrics: what is served, that it is right, and that it names nobody."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from recoup.errors import ConnectionFailed
from recoup.ledger import Ledger
from recoup.ledger._store import Transaction
from recoup.observing import observed, temporal_runtime
from recoup.rules.case import Outcome, Stage
from recoup.settings import MetricsSettings, Settings
from starter import assemble
from tests.ledger.builders import NOW, a_case, reserved
from tests.web.conftest import *  # noqa: F403
from tests.web.doubles import FakeBilling, FakeGateway, StandingClock

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scraped(port: int) -> Samples:
    """Everything that is served, by name and labels."""
    text = httpx2.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    assert "cus_" not in text
    assert "in_1" not in text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_gauges_say_how_the_cases_stand(ledger: Ledger, clock: StandingClock) -> None:
    """Open cases by stage, amounts by currency, what is late and what has no result; ended cases and paused ones are left out."""
    ledger.cases.open(a_case("in_1", amount=4900, currency="usd"), NOW)
    ledger.cases.open(a_case("in_2", subscription="sub_2", amount=100, currency="jpy"), NOW)
    ledger.cases.open(a_case("in_3", subscription="sub_3", amount=50, currency="usd"), NOW)
    ledger.cases.close("in_3", Outcome.RECOVERED_BY_RETRY, "it was collected", NOW)
    due = clock.now() - timedelta(minutes=16)
    ledger.cases.note("in_1", Stage.WAITING, NOW, next_kind="attempt", next_at=due, next_because="day 1")
    ledger.cases.note("in_2", Stage.PAUSED, NOW, next_kind="attempt", next_at=due, next_because="paused")
    row = reserved(ledger, clock.now() - timedelta(hours=2))
    ledger.attempts.mark_sent(row.id, clock.now() - timedelta(hours=2))
    with observed("127.0.0.1", 0, ledger, clock) as where:
        assert where is not None
        found = scraped(where.port)
    assert found[("recoup_cases_open", (("stage", "waiting"),))] == 1
    assert found[("recoup_cases_open", (("stage", "paused"),))] == 1
    assert found[("recoup_amount_open", (("currency", "usd"),))] == 4900
    assert found[("recoup_amount_open", (("currency", "jpy"),))] == 100
    assert found[("recoup_cases_late", ())] == 1
    assert found[("recoup_attempts_unsettled", ())] == 1
    assert found[("recoup_webhook_age_seconds", ())] == -1
    assert found[("recoup_ledger_up", ())] == 1


def test_events_count_once_they_are_kept(ledger: Ledger, clock: StandingClock) -> None:
    """Each kind as often as it was written; what was there already, or was rolled back, does not count."""
    key = ("recoup_events_total", (("kind", "case_opened"),))
    with observed("127.0.0.1", 0, ledger, clock) as where:
        assert where is not None
        before = scraped(where.port).get(key, 0)
        for _ in range(2):
            ledger.cases.open(a_case("in_1"), NOW)

        def given_up(tx: Transaction) -> None:
            tx.event("case_opened", NOW)
            tx.flush()
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            ledger._store.write(given_up)
        assert scraped(where.port)[key] == before + 1


def test_the_starter_serves_them_beside_its_public_port(
    settings: Settings,
    ledger: Ledger,
    gateway: FakeGateway,
    billing: FakeBilling,
    clock: StandingClock,
    free_port: int,
) -> None:
    """The public port has no such page; requests are timed by their route, whatever the path and the method."""
    wanted = settings.model_copy(update={"metrics": MetricsSettings(starter_port=free_port)})
    with TestClient(assemble(wanted, ledger, gateway, billing, clock)) as client:
        assert client.get("/metrics").status_code == 404
        client.get("/u/some-token-of-somebody")
        client.request("BREW", "/healthz")
        found = scraped(free_port)
    counts = {labels for name, labels in found if name == "recoup_request_seconds_count"}
    assert (("method", "GET"), ("route", "/u/{token}"), ("status", "404")) in counts
    assert {dict(labels)["method"] for labels in counts} <= {"GET", "POST", "HEAD", "OPTIONS", "other"}


def test_a_ledger_that_is_away_is_told(tmp_path: Path, clock: StandingClock) -> None:
    """A ledger that cannot be read: the scrape answers all the same, and says so."""
    lost = Ledger.connect(f"sqlite:///{tmp_path}/without-tables.db")
    with observed("127.0.0.1", 0, lost, clock) as where:
        assert where is not None
        found = scraped(where.port)
    assert found[("recoup_ledger_up", ())] == 0
    assert ("recoup_cases_late", ()) not in found


def test_a_taken_port_is_said(ledger: Ledger, clock: StandingClock) -> None:
    """One sentence with the address, for the app's as for the SDK's; without a port nothing is served."""
    with observed("127.0.0.1", 0, ledger, clock) as where:
        assert where is not None
        with (
            pytest.raises(ConnectionFailed, match=f"127.0.0.1:{where.port}"),
            observed("127.0.0.1", where.port, ledger, clock),
        ):
            pass
        with pytest.raises(ConnectionFailed, match="temporal_port"):
            temporal_runtime(MetricsSettings(temporal_port=where.port))
    with observed("127.0.0.1", None, ledger, clock) as nothing:
        assert nothing is None
    assert temporal_runtime(MetricsSettings()) is None
