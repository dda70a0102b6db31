"""A week for the digest: what failed in it, what came in in it, what was lost in it, each counted in its own week."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from recoup.figures.debts import Debt, End
from recoup.figures.recovery import owed
from recoup.rules.base import Frozen
from recoup.rules.money import Money

_LOST = (End.SUSPENDED, End.CANCELLED, End.WRITTEN_OFF)


class Count(Frozen):
    """Debts and what they come to."""

    cases: int
    money: tuple[Money, ...]


class Week(Frozen):
    """From a Monday to the next, in UTC."""

    since: datetime
    until: datetime
    failed: Count
    """By the moment of the first failure; voided debts and those that were never a case are in none."""
    recovered: Count
    """By the moment of the recovery, whenever they failed."""
    lost: Count
    """By the moment of the end."""


def last_whole_week(now: datetime) -> tuple[datetime, datetime]:
    """From Monday to Monday, the newest that is over."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    until = midnight - timedelta(days=now.weekday())
    return until - timedelta(days=7), until


def week_of(debts: Iterable[Debt], since: datetime, until: datetime) -> Week:
    """The week between these moments."""
    mine = [debt for debt in debts if debt.end is not End.LEFT_OUT]

    def holds(at: datetime | None) -> bool:
        return at is not None and since <= at < until

    ended = [debt for debt in mine if holds(debt.case.closed_at)]
    return Week(
        since=since,
        until=until,
        failed=_count(debt for debt in mine if holds(debt.case.failed_at)),
        recovered=_count(debt for debt in ended if debt.is_recovered),
        lost=_count(debt for debt in ended if debt.end in _LOST),
    )


def _count(debts: Iterable[Debt]) -> Count:
    found = list(debts)
    return Count(cases=len(found), money=owed(found))
