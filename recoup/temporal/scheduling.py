"""What Recoup does regularly, from outside: Temporal Schedules, and running the same at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

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
from recoup.clock import Clock, SystemClock
from recoup.errors import ConnectionFailed, RecoupError
from recoup.rules.base import Wire

Result = TypeVar("Result", bound=Wire)

CATCH_UP = timedelta(hours=1)
"""Most of what is done regularly need not be made up for: the next run finds the same."""

PATIENCE_SECONDS = 10.0
"""A worker takes a workflow up within this; afterwards the one who waits is told that none did."""


class RunFailed(RecoupError):
    """What was asked for could not be run to its end."""


@dataclass(frozen=True)
class Regular:
    """One thing that is done regularly."""

    name: str
    """What it is, for sentences: ``the sweep``."""
    schedule: str
    """The schedule's id."""
    workflow: str
    """The workflow's type."""
    runs: str
    """The id under which the schedule runs it; Temporal adds the moment."""
    now: str
    """The id under which it runs when it is asked for."""
    catch_up: timedelta = CATCH_UP
    """A run that was missed for longer than this is not made up for."""


async def keep(
    client: Client,
    regular: Regular,
    order: Wire,
    every_hours: float,
    clock: Clock | None = None,
    *,
    at: timedelta | None = None,
) -> str | None:
    """Make the schedule as it is wanted, whatever is there already; 0 hours take it away.

    Returns what was done, in words; None where all was as it should be. It runs ``at`` so long after the beginning of each interval, all of them
    counted from the first of January 1970; without that the first run comes a whole interval from now.

    Raises:
        ConnectionFailed: Temporal did not answer, or does not let this client keep schedules.
    """
    try:
        handle = client.get_schedule_handle(regular.schedule)
        if every_hours == 0:
            return await _taken_away(handle)
        every = timedelta(hours=every_hours)
        wanted = _schedule(regular, order, every, at, clock or SystemClock())
        try:
            await client.create_schedule(regular.schedule, wanted)
        except ScheduleAlreadyRunningError:
            return await _corrected(handle, every, at, wanted)
    except RPCError as error:
        raise ConnectionFailed(
            f"Temporal did not keep the schedule of {regular.name}: {error.status.name.lower()}, {error.message[:200]}"
        ) from error
    return f"the schedule {regular.schedule}, every {every_hours:g} hours"


async def run_now(
    client: Client,
    regular: Regular,
    order: Wire,
    result: type[Result],
    on_silence: Callable[[], None] = lambda: None,
) -> Result:
    """Run it and wait for its end; one that was asked for so and still runs is waited for instead of a second one.

    ``on_silence`` is called once where no worker has taken it up after some seconds.

    Raises:
        RunFailed: it was ended from outside, or failed.
        ConnectionFailed: Temporal did not answer.
    """
    try:
        handle: WorkflowHandle[object, Result] = await client.start_workflow(
            regular.workflow,
            order,
            id=regular.now,
            task_queue=TASK_QUEUE,
            result_type=result,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            static_summary=f"{regular.name}, as it was asked for",
        )
        waiting = asyncio.ensure_future(handle.result())
        done, _ = await asyncio.wait([waiting], timeout=PATIENCE_SECONDS)
        if not done and not await was_taken_up(handle):
            on_silence()
        return await waiting
    except WorkflowFailureError as error:
        raise RunFailed(f"{regular.name.capitalize()} did not come to its end: {error.cause}") from error
    except RPCError as error:
        raise ConnectionFailed(
            f"Temporal did not answer during {regular.name}: {error.status.name.lower()}; it goes on without this command"
        ) from error


async def was_taken_up(handle: WorkflowHandle[object, Result]) -> bool:
    """Whether more has happened to it than that it was started and its first task queued."""
    return (await handle.describe()).history_length > 2


def _schedule(
    regular: Regular, order: Wire, every: timedelta, at: timedelta | None, clock: Clock
) -> Schedule:
    # Intervals count from 1970: without an offset the first run of a new installation could come in the next second.
    now = timedelta(seconds=int(clock.now().timestamp() % every.total_seconds()))
    offset = now if at is None else at
    return Schedule(
        action=ScheduleActionStartWorkflow(
            regular.workflow,
            order,
            id=regular.runs,
            task_queue=TASK_QUEUE,
            static_summary=f"{regular.name}, by the schedule",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every, offset=offset)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=regular.catch_up),
    )


async def _corrected(
    handle: ScheduleHandle, every: timedelta, at: timedelta | None, wanted: Schedule
) -> str | None:
    """Change the interval where it is another one; a pause that an operator set stays."""
    intervals = (await handle.describe()).schedule.spec.intervals
    if [(each.every, at and each.offset) for each in intervals] == [(every, at)]:
        return None

    def change(found: ScheduleUpdateInput) -> ScheduleUpdate:
        wanted.state = found.description.schedule.state
        return ScheduleUpdate(schedule=wanted)

    await handle.update(change)
    return f"the schedule {handle.id}, now every {every.total_seconds() / 3600:g} hours"


async def _taken_away(handle: ScheduleHandle) -> str | None:
    try:
        await handle.delete()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    return f"no schedule {handle.id} any more"
