"""The sweep from outside: its schedule, and running it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from activities.contracts import TASK_QUEUE
from activities.sweep_contracts import RECONCILE_WORKFLOW, StartSweep, SweepResult
from recoup.clock import Clock, SystemClock
from recoup.errors import ConnectionFailed, RecoupError

SCHEDULE = "recoup-sweep"
SCHEDULED_WORKFLOW = "reconcile/scheduled"
"""Temporal adds the moment to it."""
WORKFLOW_NOW = "reconcile/now"

CATCH_UP = timedelta(hours=1)
"""A sweep that was missed for longer than this is not made up for: the next one finds the same."""

PATIENCE_SECONDS = 10.0
"""A worker takes a sweep up within this; afterwards the one who waits is told that none did."""


class SweepFailed(RecoupError):
    """The sweep could not be run to its end."""


async def keep_schedule(client: Client, every_hours: float, clock: Clock | None = None) -> str | None:
    """Make the schedule of the sweep as it is wanted, whatever is there already; 0 hours take it away.

    Returns what was done, in words; None where all was as it should be. The first sweep comes a whole interval later.

    Raises:
        ConnectionFailed: Temporal did not answer, or does not let this client keep schedules.
    """
    try:
        handle = client.get_schedule_handle(SCHEDULE)
        if every_hours == 0:
            return await _taken_away(handle)
        every = timedelta(hours=every_hours)
        wanted = _schedule(every, clock or SystemClock())
        try:
            await client.create_schedule(SCHEDULE, wanted)
        except ScheduleAlreadyRunningError:
            return await _corrected(handle, every, wanted)
    except RPCError as error:
        raise ConnectionFailed(
            f"Temporal did not keep the schedule of the sweep: {error.status.name.lower()}, {error.message[:200]}"
        ) from error
    return f"the schedule {SCHEDULE}, every {every_hours:g} hours"


async def sweep_now(client: Client, by: str, on_silence: Callable[[], None] = lambda: None) -> SweepResult:
    """Run a sweep and wait for its end; one that was started so and still runs is waited for instead of a second one.

    ``on_silence`` is called once where no worker has taken it up after some seconds.

    Raises:
        SweepFailed: it was ended from outside, or failed.
        ConnectionFailed: Temporal did not answer.
    """
    try:
        handle: WorkflowHandle[object, SweepResult] = await client.start_workflow(
            RECONCILE_WORKFLOW,
            StartSweep(by=by),
            id=WORKFLOW_NOW,
            task_queue=TASK_QUEUE,
            result_type=SweepResult,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            static_summary="a sweep that was asked for",
        )
        waiting = asyncio.ensure_future(handle.result())
        done, _ = await asyncio.wait([waiting], timeout=PATIENCE_SECONDS)
        if not done and not await _was_taken_up(handle):
            on_silence()
        return await waiting
    except WorkflowFailureError as error:
        raise SweepFailed(f"The sweep did not come to its end: {error.cause}") from error
    except RPCError as error:
        raise ConnectionFailed(
            f"Temporal did not answer while the sweep ran: {error.status.name.lower()}; it goes on without this command"
        ) from error


async def _was_taken_up(handle: WorkflowHandle[object, SweepResult]) -> bool:
    """Whether more has happened to it than that it was started and its first task queued."""
    return (await handle.describe()).history_length > 2


def _schedule(every: timedelta, clock: Clock) -> Schedule:
    # Intervals count from 1970: without an offset the first sweep of a new installation could come in the next second.
    offset = timedelta(seconds=int(clock.now().timestamp() % every.total_seconds()))
    return Schedule(
        action=ScheduleActionStartWorkflow(
            RECONCILE_WORKFLOW,
            StartSweep(by="schedule"),
            id=SCHEDULED_WORKFLOW,
            task_queue=TASK_QUEUE,
            static_summary="a sweep of the schedule",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every, offset=offset)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )


async def _corrected(handle: ScheduleHandle, every: timedelta, wanted: Schedule) -> str | None:
    """Change the interval where it is another one; a pause that an operator set stays."""
    intervals = (await handle.describe()).schedule.spec.intervals
    if [interval.every for interval in intervals] == [every]:
        return None

    def change(found: ScheduleUpdateInput) -> ScheduleUpdate:
        wanted.state = found.description.schedule.state
        return ScheduleUpdate(schedule=wanted)

    await handle.update(change)
    return f"the schedule {SCHEDULE}, now every {every.total_seconds() / 3600:g} hours"


async def _taken_away(handle: ScheduleHandle) -> str | None:
    try:
        await handle.delete()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    return f"no schedule {SCHEDULE} any more"
