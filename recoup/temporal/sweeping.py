"""The sweep from outside: its schedule, and running it at once."""

from __future__ import annotations

from collections.abc import Callable

from temporalio.client import Client

from activities.sweep_contracts import RECONCILE_WORKFLOW, StartSweep, SweepResult
from recoup.clock import Clock
from recoup.temporal.scheduling import PATIENCE_SECONDS, Regular, keep, run_now

__all__ = [
    "PATIENCE_SECONDS",
    "SCHEDULE",
    "SCHEDULED_WORKFLOW",
    "WORKFLOW_NOW",
    "keep_schedule",
    "sweep_now",
]

SCHEDULE = "recoup-sweep"
SCHEDULED_WORKFLOW = "reconcile/scheduled"
"""Temporal adds the moment to it."""
WORKFLOW_NOW = "reconcile/now"

SWEEP = Regular("the sweep", SCHEDULE, RECONCILE_WORKFLOW, SCHEDULED_WORKFLOW, WORKFLOW_NOW)


async def keep_schedule(client: Client, every_hours: float, clock: Clock | None = None) -> str | None:
    """Make the schedule of the sweep as it is wanted; see :func:`recoup.temporal.scheduling.keep`."""
    return await keep(client, SWEEP, StartSweep(by="schedule"), every_hours, clock)


async def sweep_now(client: Client, by: str, on_silence: Callable[[], None] = lambda: None) -> SweepResult:
    """Run a sweep and wait for its end; see :func:`recoup.temporal.scheduling.run_now`."""
    return await run_now(client, SWEEP, StartSweep(by=by), SweepResult, on_silence)
