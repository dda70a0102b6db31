"""A week for the digest: what failed in it, what came in in it, what was lost in it, each counted in its own week."""

from __future__ import annotations

from datetime import datetime, timedelta

from recoup.figures.columns import Array
from recoup.figures.debts import End
from recoup.figures.facts import Facts, held
from recoup.figures.selection import Selection
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


def week_of(facts: Facts, since: datetime, until: datetime) -> Week:
    """The week between these moments."""
    week, mine = Selection(now=until, since=since, until=until), ~facts.ended(End.LEFT_OUT)
    ended = mine & held(facts.debts["closed_at"], week)
    return Week(
        since=since,
        until=until,
        failed=count(facts, mine & facts.failed_in(week)),
        recovered=count(facts, ended & facts.recovered),
        lost=count(facts, ended & facts.ended(*_LOST)),
    )


def count(facts: Facts, which: Array) -> Count:
    """Some of the debts."""
    return Count(cases=int(which.sum()), money=facts.owed(which))
