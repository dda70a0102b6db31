"""The weekly digest by its schedule, on a real Temporal."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.contracts import TASK_QUEUE
from activities.digest import Digests
from activities.digest_contracts import DigestSent, StartDigest
from recoup.clock import SystemClock
from recoup.ledger import Ledger
from recoup.settings import Settings
from recoup.temporal.bootstrap import prepare
from recoup.temporal.digesting import DIGEST, keep_digest_schedule
from recoup.temporal.payloads import plain_converter
from recoup.temporal.scheduling import RunFailed, run_now
from workflows.digest import WeeklyDigest

pytestmark = pytest.mark.asyncio(loop_scope="session")

TO = ["kim@acme.example", "ada@acme.example"]


@pytest_asyncio.fixture(loop_scope="session")
async def client(time_skipping_env: WorkflowEnvironment) -> Client:
    """A namespace of its own, so that nobody else works on its queue."""
    made = Client(time_skipping_env.client.service_client, namespace="digest", data_converter=plain_converter)
    await prepare(made)
    return made


async def test_it_comes_on_mondays_at_the_hour(client: Client) -> None:
    """The schedule is made for those who want it, its next runs are Mondays at that hour, and it goes with the last address."""
    said = await keep_digest_schedule(client, wanted=True, hour=7)
    assert said == "the schedule recoup-digest, every 168 hours"
    handle = client.get_schedule_handle("recoup-digest")
    for hour, change in ((7, None), (22, "the schedule recoup-digest, now every 168 hours")):
        assert await keep_digest_schedule(client, wanted=True, hour=hour) == change
        coming = (await handle.describe()).info.next_action_times
        assert {(each.astimezone(UTC).weekday(), each.hour, each.minute) for each in coming} == {(0, hour, 0)}
    assert (await handle.describe()).schedule.policy.catchup_window == timedelta(days=3)
    gone = await keep_digest_schedule(client, wanted=False, hour=7)
    assert gone == "no schedule recoup-digest any more"


async def _run(client: Client, digests: Digests) -> DigestSent:
    with ThreadPoolExecutor(1) as threads:
        async with Worker(
            client,
            task_queue=TASK_QUEUE,
            workflows=[WeeklyDigest],
            activities=[digests.send],
            activity_executor=threads,
        ):
            return await run_now(client, DIGEST, StartDigest(by="a test"), DigestSent)


@pytest.fixture
def digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Digests]:
    """The activity over an empty ledger and an outbox of its own."""
    monkeypatch.chdir(tmp_path)
    ledger = Ledger.connect(f"sqlite:///{tmp_path}/ledger.db")
    ledger.migrate()

    def made(to: list[str]) -> Digests:
        monkeypatch.setenv("RECOUP_FIGURES__DIGEST_TO", json.dumps(to))
        return Digests(Settings(), ledger, SystemClock())

    return made


async def test_a_second_run_in_a_week_writes_to_nobody(
    client: Client, digests: Callable[..., Digests], tmp_path: Path
) -> None:
    """Whoever is named gets the week; run again, only those who are new get it."""
    first = await _run(client, digests(TO[:1]))
    second = await _run(client, digests(TO))
    third = await _run(client, digests(TO))
    assert [(each.sent, each.had) for each in (first, second, third)] == [(1, 0), (1, 1), (0, 2)]
    assert len(list((tmp_path / "outbox").glob("**/*.eml"))) == 2
    assert first.week == f"{datetime.now(UTC) - timedelta(days=7):%G-W%V}"


async def test_what_an_operator_must_mend_ends_the_run_with_the_sentence(
    client: Client, digests: Callable[..., Digests]
) -> None:
    """Nobody is named any more: the run fails at once and says what to set."""
    with pytest.raises(RunFailed) as failed:
        await _run(client, digests([]))
    assert "figures.digest_to names nobody" in str(failed.value.__cause__.cause.cause)  # type: ignore[union-attr]
