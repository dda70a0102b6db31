"""The report of an attempt that was not made: it has no number, and nothing was sent."""

from __future__ import annotations

from datetime import datetime

from activities.contracts import AttemptReport
from recoup.rules.case import AttemptState, Outcome, Trigger
from recoup.rules.weaving import StripeTries


def not_made(
    at: datetime,
    trigger: Trigger,
    because: str,
    *,
    ended: Outcome | None = None,
    not_before: datetime | None = None,
    stripe: StripeTries | None = None,
) -> AttemptReport:
    """Why there was nothing to attempt, and from when on there may be."""
    return AttemptReport(
        at=at,
        number=None,
        state=AttemptState.SKIPPED,
        trigger=trigger,
        because=because,
        ended=ended,
        not_before=not_before,
        stripe=stripe,
    )


def nothing_sent(at: datetime, trigger: Trigger | None) -> AttemptReport:
    """An attempt was called off before anything of it could reach a bank; the number 0 says that it is free to be made again."""
    return AttemptReport(
        at=at,
        number=0,
        state=AttemptState.SKIPPED,
        trigger=trigger or Trigger.SCHEDULE,
        because="it was called off before it was sent",
    )
