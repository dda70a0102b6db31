"""Asking for a sweep: by the schedule, by the command, and in step with all other workers."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError

from activities.pacing import PATIENCE, Pace
from activities.sweep_contracts import SweepResult
from recoup.ledger import Ledger
from recoup.temporal.sweeping import (
    PATIENCE_SECONDS,
    SCHEDULE,
    SCHEDULED_WORKFLOW,
    WORKFLOW_NOW,
    keep_schedule,
)
from tests.fixtures.sandbox import KEY, ROOT
from tests.ledger.builders import NOW
from tests.sweep.stage import Stage, working

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_schedule_is_kept_as_the_settings_say(namespace: Client) -> None:
    """Made once, left alone while it fits, corrected without losing an operator's pause, taken away with 0."""
    handle = namespace.get_schedule_handle(SCHEDULE)
    assert await keep_schedule(namespace, 6) == "the schedule recoup-sweep, every 6 hours"
    assert await keep_schedule(namespace, 6) is None
    first = (await handle.describe()).info.next_action_times[0]
    created = (await handle.describe()).info.created_at
    assert first - created > timedelta(hours=5, minutes=59), "not in the first moments of an installation"
    await handle.pause(note="an operator")
    assert await keep_schedule(namespace, 12) == "the schedule recoup-sweep, now every 12 hours"
    found = (await handle.describe()).schedule
    assert [interval.every for interval in found.spec.intervals] == [timedelta(hours=12)]
    assert found.state.paused
    assert await keep_schedule(namespace, 0) == "no schedule recoup-sweep any more"
    assert await keep_schedule(namespace, 0) is None
    with pytest.raises(RPCError, match="not found"):
        await handle.describe()


async def test_what_the_schedule_starts_is_a_sweep(stage: Stage) -> None:
    """A schedule that comes due runs the same workflow, which mends the same."""
    await keep_schedule(stage.client, 6)
    (invoice,) = await asyncio.to_thread(stage.fail)
    try:
        await stage.client.get_schedule_handle(SCHEDULE).trigger()
        await stage.waiting(invoice)
    finally:
        await keep_schedule(stage.client, 0)
    runs = [
        run
        async for run in stage.client.list_workflows("WorkflowType = 'Reconcile'")
        if run.id.startswith(SCHEDULED_WORKFLOW)
    ]
    assert runs
    assert stage.swept() == [("sweep.case_begun", invoice)]


def command(stage: Stage, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``recoup sweep`` as an operator does."""
    settings = {
        "RECOUP_STRIPE__API_KEY": KEY,
        "RECOUP_TEMPORAL__ADDRESS": stage.settings.temporal.address,
        "RECOUP_TEMPORAL__NAMESPACE": stage.settings.temporal.namespace,
    }
    line = [sys.executable, "-m", "recoup", "sweep", *arguments]
    return subprocess.run(
        line, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, timeout=120, check=False
    )


async def test_the_command_says_what_was_found_and_mended(stage: Stage) -> None:
    """``recoup sweep`` in words and as JSON; it ends with 0."""
    (invoice,) = await asyncio.to_thread(stage.fail)
    words = await asyncio.to_thread(command, stage)
    assert words.returncode == 0, words.stderr
    assert f"  {invoice}: case begun, because the renewal failed and is still owed" in words.stdout
    assert "Found 1, mended 1 in" in words.stdout
    data = await asyncio.to_thread(command, stage, "--json")
    assert data.returncode == 0, data.stderr
    result = SweepResult.model_validate(json.loads(data.stdout))
    assert result.is_whole
    assert sum(tally.found for tally in result.tallies) == 0


async def test_the_command_says_when_no_worker_runs(idle: Stage) -> None:
    """Nobody takes the sweep up: the operator is told what is missing, and the sweep runs once a worker is there."""
    waiting = asyncio.ensure_future(asyncio.to_thread(command, idle))
    handle = idle.client.get_workflow_handle(WORKFLOW_NOW)
    while not await _runs(handle):  # noqa: ASYNC110  # Temporal tells nobody
        await asyncio.sleep(0.1)
    await asyncio.sleep(PATIENCE_SECONDS + 1)
    async with working(idle):
        done = await waiting
    assert done.returncode == 0, done.stderr
    assert "No worker has taken the sweep up yet" in done.stderr
    assert "Nothing was amiss" in done.stdout


async def _runs(handle: WorkflowHandle[Any, Any]) -> bool:
    try:
        return (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
    except RPCError:
        return False


async def test_the_command_needs_temporal(free_port: int) -> None:
    """Without Temporal it is one sentence and exit code 2."""
    settings = {"RECOUP_TEMPORAL__ADDRESS": f"127.0.0.1:{free_port}", "RECOUP_STRIPE__API_KEY": KEY}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "recoup", "sweep"],
        cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Temporal does not answer" in done.stderr


@dataclass
class StandingClock:
    """A clock that moves only when somebody sleeps."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.at += timedelta(seconds=seconds)


async def test_a_pace_waits_for_its_turns(tmp_path: Path) -> None:
    """No second has more than the ten requests that it may, not even the first one after a rest."""
    ledger = Ledger.connect(f"sqlite:///{tmp_path}/ledger.db")
    ledger.migrate()
    clock, made = StandingClock(), []
    pace = Pace(ledger, clock, 10.0, clock.sleep)
    for _ in range(2):
        clock.at += timedelta(minutes=1)
        for _ in range(100):
            pace.wait_for()
            made.append(clock.at)
    ledger.close()
    assert most_in_a_second(made) <= 10
    assert (made[99] - made[0]).total_seconds() == pytest.approx(98 / 8)


def most_in_a_second(moments: list[datetime]) -> int:
    """The most that any second has, wherever it begins."""
    ordered = sorted(moments)
    ends = [bisect_left(ordered, moment + timedelta(seconds=1)) for moment in ordered]
    return max(end - begin for begin, end in enumerate(ends))


async def test_a_pace_never_books_a_turn_beyond_its_patience(tmp_path: Path) -> None:
    """Where others have booked a minute ahead it asks again, instead of holding a turn longer than its activity may live."""
    ledger = Ledger.connect(f"sqlite:///{tmp_path}/ledger.db")
    ledger.migrate()
    clock = StandingClock()
    ledger.rates.take("stripe", 61, 1.0, 1.0, NOW)
    longest: list[float] = []

    def sleep(seconds: float) -> None:
        longest.append(seconds)
        clock.sleep(seconds)

    Pace(ledger, clock, 1.0, sleep).wait_for()
    assert (clock.at - NOW).total_seconds() == pytest.approx(61.0 / 0.8)
    assert max(longest) <= PATIENCE
    ledger.close()
