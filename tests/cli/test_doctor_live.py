"""``recoup doctor --live``: what stands still in a running system is named, with what to do."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from recoup.clock import SystemClock
from recoup.doctor import Finding, _live
from recoup.ledger import Ledger
from recoup.rules.case import Stage
from recoup.settings import load_settings
from recoup.temporal.bootstrap import prepare
from recoup.temporal.expiring import keep_card_schedule
from recoup.temporal.payloads import plain_converter
from recoup.temporal.sweeping import SCHEDULE, keep_schedule
from tests.ledger.builders import a_case, reserved


def _by(found: list[Finding]) -> dict[str, tuple[str, str]]:
    return {each.what: (each.grade.value, each.says) for each in found}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger.connect(f"sqlite:///{tmp_path / 'ledger.db'}")
    opened.migrate()
    yield opened
    opened.close()


def _settings(folder: Path, **more: Any) -> Any:
    return load_settings(database_url=f"sqlite:///{folder / 'ledger.db'}", **more)


def test_what_stands_still_in_the_ledger_is_named(ledger: Ledger, tmp_path: Path) -> None:
    """All is well at first but for webhooks; then a late case, an attempt without a result and a long silence are each to be mended."""
    settings, now = _settings(tmp_path), SystemClock().now()
    assert _by(_live.standing(settings))["webhooks heard"][0] == "note"
    ledger.webhooks.seen("evt_1", "invoice.paid", "in_9", now, now)
    assert {grade for grade, _ in _by(_live.standing(settings)).values()} == {"ok"}
    long_ago = now - timedelta(days=3)
    ledger.cases.open(a_case("in_1"), long_ago)
    ledger.cases.note(
        "in_1", Stage.RETRYING, long_ago, next_kind="attempt", next_at=long_ago, next_because="it is due"
    )
    reserved(ledger, long_ago, invoice="in_1")
    with ledger._store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE webhooks SET last_at = '2026-01-01 00:00:00.000000'")
    found = _by(_live.standing(settings))
    assert {name: grade for name, (grade, _) in found.items()} == {
        "webhooks heard": "mend", "cases": "mend", "attempts": "mend",
    }  # fmt: skip
    assert "recoup sweep" in found["attempts"][1]


def test_a_starter_that_is_away_or_not_ready_is_named(httpserver: HTTPServer, tmp_path: Path) -> None:
    """Ready is well, 503 and nobody are to be mended, and the sentence says what is away."""
    settings = _settings(tmp_path, public_url=httpserver.url_for("").rstrip("/"))
    httpserver.expect_ordered_request("/readyz").respond_with_json({"status": "ready"})
    httpserver.expect_ordered_request("/readyz").respond_with_json({"temporal": "away"}, status=503)
    assert _by(_live.starter(settings))["starter"][0] == "ok"
    grade, says = _by(_live.starter(settings))["starter"]
    assert (grade, "away" in says) == ("mend", True)
    nobody = _settings(tmp_path, public_url="http://127.0.0.1:9")
    assert "recoup starter" in _by(_live.starter(nobody))["starter"][1]


@pytest.mark.parametrize(("minutes", "grade"), [(0, "ok"), (-9, "mend"), (9, "mend")])
def test_a_clock_that_is_wrong_is_named(
    httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minutes: int, grade: str
) -> None:
    """Stripe's answer says what time it is; minutes of difference are to be mended."""
    httpserver.expect_request("/").respond_with_data("")
    settings = _settings(tmp_path, stripe={"api_base": httpserver.url_for("/")})
    shown = datetime.now(UTC) + timedelta(minutes=minutes)
    monkeypatch.setattr(SystemClock, "now", lambda _: shown)
    assert _by(_live.clocks(settings))["clock"][0] == grade


@pytest.mark.asyncio(loop_scope="session")
async def test_what_stands_still_in_temporal_is_named(
    time_skipping_env: WorkflowEnvironment, tmp_path: Path
) -> None:
    """In a namespace without schedules and workers each is missed; a paused schedule, and a case that somebody ended, are named too."""
    host = time_skipping_env.client.service_client.config.target_host
    client = await Client.connect(
        host, namespace=f"live-{uuid.uuid4().hex[:8]}", data_converter=plain_converter
    )
    await prepare(client)
    settings = _settings(tmp_path, temporal={"address": host, "namespace": client.namespace})
    found = _by(await _live.work(settings))
    named = ("workers", SCHEDULE, "recoup-cards", "recoup-timing")
    assert {found[name][0] for name in named} == {"mend"}
    assert {found[name][0] for name in ("workflows", "people")} == {"ok"}
    await keep_schedule(client, 6)
    await keep_card_schedule(client, 24)
    await client.get_schedule_handle(SCHEDULE).pause(note="for the night")
    handle = await client.start_workflow("RecoveryCase", "x", id="recovery/in_1", task_queue="nobodys")
    await handle.terminate()
    async with asyncio.timeout(20):
        while (found := _by(await _live.work(settings)))["workflows"][0] == "ok":  # noqa: ASYNC110 - the list follows a moment later
            await asyncio.sleep(0.1)
    assert found[SCHEDULE] == ("mend", "the schedule of the sweep is paused (for the night)")
    assert found["recoup-cards"] == ("ok", "the run of the reminders has not run yet")
    assert "recovery/in_1" in found["workflows"][1]
