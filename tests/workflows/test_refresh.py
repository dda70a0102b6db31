"""The workflow of a mass update over scripted pages: when it ends, what it waits for, and a history that stays small."""

from __future__ import annotations

import threading
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.card_contracts import (
    CardActivity,
    RefreshProgress,
    RefreshResult,
    RefreshTally,
    StartRefresh,
    Worked,
    WorkOrder,
)
from activities.contracts import OperatorRequest
from tests.workflows.outside import Hold
from workflows.refresh import PAGES_IN_A_RUN, RefreshCards

pytestmark = pytest.mark.asyncio(loop_scope="session")
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SAID = OperatorRequest(at=AT, reason="the bank calls", operator="ops")


@dataclass
class Script:
    """How many targets wait after each page, in turn; the last answer is given again."""

    left: list[int]
    wait_seconds: float = 0
    broken: int = 0
    """So many pages fail for good first."""
    hold: Hold | None = None
    """What the first page waits for."""
    worked: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def activities(self) -> list[Callable[..., Any]]:
        return [self.work]

    @activity.defn(name=CardActivity.WORK_TARGETS.value)
    def work(self, order: WorkOrder) -> Worked:
        with self.lock:
            self.worked += 1
            if self.broken:
                self.broken -= 1
                raise ApplicationError("Stripe refuses the key", non_retryable=True)
            left = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        if self.hold is not None and self.worked == 1:
            self.hold.wait()
        tally = RefreshTally(waiting=left, told=self.worked)
        return Worked(at=AT, tally=tally, wait_seconds=self.wait_seconds if left else 0)


@asynccontextmanager
async def refreshing(
    env: WorkflowEnvironment, script: Script, *, cached: int = 0, **start: Any
) -> AsyncIterator[WorkflowHandle[RefreshCards, RefreshResult]]:
    """A mass update over the script; every task is replayed from history, unless runs are cached."""
    queue = f"refresh-{uuid.uuid4()}"
    with ThreadPoolExecutor(4) as threads:
        async with Worker(
            env.client,
            task_queue=queue,
            workflows=[RefreshCards],
            activities=script.activities(),
            activity_executor=threads,
            max_cached_workflows=cached,
        ):
            yield await env.client.start_workflow(
                RefreshCards.run, StartRefresh(name="autumn", **start), id=queue, task_queue=queue
            )


async def test_new_targets_told_of_during_the_last_page_are_worked_through(
    time_skipping_env: WorkflowEnvironment,
) -> None:
    """The page under way saw nobody left; who was added meanwhile gets a page more."""
    script = Script(left=[0], hold=Hold())
    assert script.hold is not None
    async with refreshing(time_skipping_env, script) as handle:
        await script.hold.begun()
        await handle.signal(RefreshCards.more)
        script.hold.let_go()
        result = await handle.result()
    assert script.worked == 2
    assert result.tally.told == 2


async def test_a_long_one_continues_as_new_and_stays_small(time_skipping_env: WorkflowEnvironment) -> None:
    """Some pages more than go into one run: two runs, neither of them long; the sums stand."""
    pages = PAGES_IN_A_RUN + 20
    script = Script(left=[*range(pages - 1, 0, -1), 0])
    async with refreshing(time_skipping_env, script, cached=10) as handle:
        result = await handle.result()
    assert (script.worked, result.tally.told, result.stopped) == (pages, pages, False)
    first = await time_skipping_env.client.get_workflow_handle(
        handle.id, run_id=handle.first_execution_run_id
    ).describe()
    assert first.status is WorkflowExecutionStatus.CONTINUED_AS_NEW
    assert first.history_length < 15 * PAGES_IN_A_RUN


async def test_the_rate_is_waited_for(time_skipping_env: WorkflowEnvironment) -> None:
    """After a page that the rate ended, a timer says so, and then the next page comes."""
    script = Script(left=[2, 1, 0], wait_seconds=60)
    async with refreshing(time_skipping_env, script) as handle:
        result = await handle.result()
    history = (await handle.fetch_history()).events
    waits = [
        event.timer_started_event_attributes.start_to_fire_timeout.ToSeconds()
        for event in history
        if event.HasField("timer_started_event_attributes")
    ]
    assert (result.tally.told, waits) == (3, [60, 60])


async def test_what_cannot_succeed_pauses_it_with_the_reason(time_skipping_env: WorkflowEnvironment) -> None:
    """Nothing is tried in a circle: it waits, says why, and goes on once it is resumed."""
    script = Script(left=[0], broken=1)
    async with refreshing(time_skipping_env, script) as handle:
        progress = await _until_paused(handle)
        assert "Stripe refuses the key" in progress.because
        assert script.worked == 1
        answer = await handle.execute_update(RefreshCards.resume, SAID)
        assert (answer.state, answer.because) == ("working", "ops: the bank calls")
        assert (await handle.result()).tally == RefreshTally(told=2)


async def test_a_pause_outlives_the_run_of_the_chain(time_skipping_env: WorkflowEnvironment) -> None:
    """Begun paused, as a run that continues as new may be, it works on nothing until it is resumed; a stop ends it at once."""
    script = Script(left=[0])
    async with refreshing(time_skipping_env, script, paused=True, because="ops: waits") as handle:
        progress = await _until_paused(handle)
        assert (progress.because, script.worked) == ("ops: waits", 0)
        await handle.execute_update(RefreshCards.resume, SAID)
        assert not (await handle.result()).stopped
    script = Script(left=[0])
    async with refreshing(time_skipping_env, script, paused=True) as handle:
        await handle.execute_update(RefreshCards.stop, SAID)
        result = await handle.result()
    assert (result.stopped, result.because, script.worked) == (True, "ops: the bank calls", 0)


async def _until_paused(handle: WorkflowHandle[RefreshCards, RefreshResult]) -> RefreshProgress:
    for _ in range(200):
        progress = await handle.query(RefreshCards.progress)
        if progress.state == "paused":
            return progress
    raise AssertionError("it never paused")
