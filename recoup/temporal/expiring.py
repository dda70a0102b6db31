"""Reminders before cards expire, from outside: their schedule, and a run at once."""

from __future__ import annotations

from collections.abc import Callable

from temporalio.client import Client

from activities.card_contracts import EXPIRING_WORKFLOW, ExpiringResult, StartExpiring
from recoup.clock import Clock
from recoup.temporal.scheduling import Regular, keep, run_now

EXPIRING = Regular(
    name="the run of the reminders",
    schedule="recoup-cards",
    workflow=EXPIRING_WORKFLOW,
    runs="expiring/scheduled",
    now="expiring/now",
)


async def keep_card_schedule(client: Client, every_hours: float, clock: Clock | None = None) -> str | None:
    """Make the schedule of the reminders as it is wanted; see :func:`recoup.temporal.scheduling.keep`."""
    return await keep(client, EXPIRING, StartExpiring(by="schedule", rests=True), every_hours, clock)


async def remind_now(
    client: Client, by: str, on_silence: Callable[[], None] = lambda: None
) -> ExpiringResult:
    """Bring the mirror up to date, send the reminders that are due, and wait for the end of it."""
    return await run_now(client, EXPIRING, StartExpiring(by=by), ExpiringResult, on_silence)
