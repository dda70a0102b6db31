"""Days of the campaign that went by: after a pause, a promise or a bank's wish they are not made up for, one a day.

Attempts that follow each other closely fail together, and each counts at the card networks. So of the days that passed untried the latest alone
is taken, at once, and the others are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from recoup.rules.base import days
from recoup.rules.case import Case

_CLOCKS = timedelta(minutes=1)
"""The clocks of the case and of those who act for it differ by less than this."""


def next_day(case: Case, after_days: Sequence[float], now: datetime) -> float | None:
    """The campaign's day on which the next scheduled attempt is due; ``None`` where none is left.

    A case that began before days were left out makes up for each of them.
    """
    left = after_days[case.retries_made :]
    if case.skips_overdue:
        tried = case.last_attempt_at
        left = [day for day in left if tried is None or case.failed_at + days(day) > tried + _CLOCKS]
        overdue = [day for day in left if case.failed_at + days(day) <= now]
        return overdue[-1] if overdue else next(iter(left), None)
    return left[0] if left else None
