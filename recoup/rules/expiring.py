"""Cards that expire before a renewal: until when a card is good, which renewal it would fail, and which reminder is due.

A card is good to the end of the month that it shows (ISO/IEC 7813; Stripe, "The card object"). Its date alone refuses nothing:
banks and networks often let a renewal through afterwards, so a card that was charged after its date is left alone.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, field_validator

from recoup.rules.base import Frozen, days

Interval = Literal["day", "week", "month", "year"]

_MOST_AHEAD = 400
"""So many renewals are looked ahead: more than a year of daily ones."""


class ExpiringCards(Frozen):
    """Reminders before a card expires."""

    remind_days_before: tuple[Annotated[int, Field(ge=1, le=90)], ...] = Field(
        default=(30, 14, 3), max_length=10
    )
    """Days before the first renewal that would fail, falling; none at all switches the reminders off."""
    link_valid_days: Annotated[float, Field(gt=0, le=365)] = 45
    """How long the update link in a reminder works."""

    @field_validator("remind_days_before")
    @classmethod
    def _falling(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if any(later >= earlier for earlier, later in pairwise(steps)):
            raise ValueError("remind_days_before must fall from one reminder to the next, as in [30, 14, 3]")
        return steps


class Rhythm(Frozen):
    """When a subscription renews next, and how often from then on."""

    renews_at: datetime
    interval: Interval = "month"
    count: Annotated[int, Field(ge=1)] = 1
    charged_at: datetime | None = None
    """When the period that runs now began, and was charged for; None where it is free, as a trial is."""

    def renewal(self, number: int) -> datetime:
        """The renewal so many periods after the next one."""
        periods = number * self.count
        if self.interval in ("day", "week"):
            return self.renews_at + timedelta(days=periods * (7 if self.interval == "week" else 1))
        return _months_later(self.renews_at, periods * (12 if self.interval == "year" else 1))


def good_until(year: int, month: int) -> datetime:
    """The first moment at which the card is expired: the month after the one that it shows, in UTC."""
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)


def first_failing(rhythm: Rhythm, gone_at: datetime) -> datetime | None:
    """The first renewal at which the card is expired.

    None where the running period was charged after the card's date already: the bank lets it through, or the failure was
    told by other means. None too where it lies too far ahead to be of interest.
    """
    if rhythm.charged_at is not None and rhythm.charged_at >= gone_at:
        return None
    renewals = (rhythm.renewal(number) for number in range(_MOST_AHEAD))
    return next((renewal for renewal in renewals if renewal >= gone_at), None)


def due_step(steps: tuple[int, ...], fails_at: datetime, now: datetime) -> int | None:
    """The reminder that is due: of those whose day has come the latest, so that missed ones are not sent all at once.

    None before the first of them, and once the renewal has come.
    """
    if now >= fails_at:
        return None
    return min((step for step in steps if fails_at - days(step) <= now), default=None)


class Reminder(Frozen):
    """A reminder that is due."""

    step: int
    """Which of the days before it is."""
    fails_at: datetime
    rhythm: int
    """Whose renewal that is: its place among the card's rhythms."""


def due_reminder(
    gone_at: datetime, rhythms: Sequence[Rhythm], steps: tuple[int, ...], now: datetime
) -> Reminder | None:
    """The reminder that is due for a card which all these renewals are charged to: the first to fail counts."""
    failing = [
        (fails_at, number)
        for number, rhythm in enumerate(rhythms)
        if (fails_at := first_failing(rhythm, gone_at)) is not None and fails_at > now
    ]
    if not failing:
        return None
    fails_at, number = min(failing)
    step = due_step(steps, fails_at, now)
    return None if step is None else Reminder(step=step, fails_at=fails_at, rhythm=number)


def _months_later(moment: datetime, months: int) -> datetime:
    """The same day so many months later, or the month's last one where it has no such day."""
    whole = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(whole, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)
