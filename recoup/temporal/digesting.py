"""The weekly digest from outside: its schedule."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import Client

from activities.digest_contracts import DIGEST_WORKFLOW, StartDigest
from recoup.temporal.scheduling import Regular, keep

EVERY_HOURS = 168.0
MONDAY = timedelta(days=4)
"""Intervals are counted from the first of January 1970, a Thursday."""

DIGEST = Regular(
    name="the weekly digest",
    schedule="recoup-digest",
    workflow=DIGEST_WORKFLOW,
    runs="digest/scheduled",
    now="digest/now",
    catch_up=timedelta(days=3),
)
"""A Monday on which Temporal was away is made up for: nobody gets a week twice."""


async def keep_digest_schedule(client: Client, *, wanted: bool, hour: int) -> str | None:
    """Make the schedule, Mondays at this hour in UTC, or take it away; see :func:`recoup.temporal.scheduling.keep`."""
    every = EVERY_HOURS if wanted else 0
    return await keep(client, DIGEST, StartDigest(), every, at=MONDAY + timedelta(hours=hour))
