"""Involuntary churn: subscriptions that ended for want of a payment, of those that were active when the month began.

Before and after Recoup are compared by the ratio of the two rates with its exact interval (:mod:`recoup.statistics.counts`). That is
no proof: see :data:`recoup.figures.definitions.NOT_CAUSAL`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from recoup.figures.debts import End
from recoup.figures.definitions import NOT_CAUSAL
from recoup.figures.ends import Ended, Why
from recoup.figures.facts import Facts
from recoup.figures.selection import Selection, month_bounds, month_of, next_month
from recoup.figures.values import Estimate, Figure, NotEnough, estimate, rate
from recoup.ledger.history_figures import KnownSubscription
from recoup.rules.base import Frozen
from recoup.statistics.counts import rate_ratio
from recoup.statistics.intervals import wilson

NO_HISTORY = "no subscriptions are known: run `recoup import --since` first"
NO_PARTS = "subscriptions without a case belong to no campaign and no policy version"


class ChurnMonth(Frozen):
    """One month."""

    month: str
    active: int
    """Subscriptions that were paying when it began."""
    unpaid: int
    """Of all that ended in it those that ended for want of a payment: involuntary."""
    chosen: int
    """All others: voluntary churn, or of an unknown will."""
    returned: int
    """Suspended in it, and back since: they did not end."""
    is_whole: bool
    """Whether the month is over; one that is not is in no comparison."""
    rate: Figure
    """Unpaid of active."""


class Side(Frozen):
    """The whole months before Recoup, or with it."""

    months: int
    unpaid: int
    subscription_months: int
    """The active ones of every month, added up."""
    rate: Figure
    """A month."""


class BeforeAfter(Frozen):
    """The comparison; the month in which Recoup began is on neither side."""

    began: datetime | None
    before: Side
    after: Side
    ratio: Figure
    """The rate after, as a multiple of the one before."""
    says: str = NOT_CAUSAL


class Churn(Frozen):
    """By month, and compared."""

    months: tuple[ChurnMonth, ...]
    before_after: BeforeAfter


def churn(
    subscriptions: Sequence[KnownSubscription],
    ends: Mapping[str, Ended],
    facts: Facts,
    known_since: datetime | None,
    began: datetime | None,
    selection: Selection,
) -> Churn | NotEnough:
    """Of the months of the selection's time since which history is known; the ``facts`` are all there are.

    ``began`` is when Recoup took up its first case.
    """
    if known_since is None or not subscriptions:
        return NotEnough(not_enough=NO_HISTORY)
    if selection.is_of_a_part:
        return NotEnough(not_enough=NO_PARTS)
    mine = [each for each in subscriptions if selection.currency in (None, each.currency)]
    came_back = facts.subscriptions(facts.ended(End.SUSPENDED) & facts.debts["returned"])
    months = [
        _month(first, mine, ends, came_back, selection.now) for first in _firsts(known_since, selection)
    ]
    return Churn(months=tuple(months), before_after=_before_after(months, began))


def _firsts(known_since: datetime, selection: Selection) -> list[datetime]:
    """The first moments of all months that lie in the time and of which all is known."""
    since = max(known_since, selection.since or known_since)
    first = month_bounds(month_of(since))[0]
    first = first if first == since else next_month(first)
    found = []
    while first < min(selection.now, selection.until or selection.now):
        found.append(first)
        first = next_month(first)
    return found


def _month(
    first: datetime,
    subscriptions: Sequence[KnownSubscription],
    ends: Mapping[str, Ended],
    came_back: Sequence[tuple[str, datetime, datetime | None]],
    now: datetime,
) -> ChurnMonth:
    last = next_month(first)
    names = {each.id for each in subscriptions}
    active = [each.id for each in subscriptions if is_active(each, ends, first)]
    ended = [end for name, end in ends.items() if name in names and first <= end.at < last]
    unpaid = sum(end.why is Why.UNPAID for end in ended)
    back = {name for name, _, closed in came_back if closed and first <= closed < last}
    return ChurnMonth(
        month=month_of(first),
        active=len(active),
        unpaid=unpaid,
        chosen=len(ended) - unpaid,
        returned=len(back & names),
        is_whole=last <= now,
        rate=rate(min(unpaid, len(active)), len(active), "active subscriptions"),
    )


def is_active(each: KnownSubscription, ends: Mapping[str, Ended], at: datetime) -> bool:
    """Whether it was paying then: begun, its trial over, and not ended."""
    if each.status in ("incomplete", "incomplete_expired"):
        return False
    end = ends.get(each.id)
    return each.started_at <= at and (end is None or end.at > at)


def _before_after(months: Sequence[ChurnMonth], began: datetime | None) -> BeforeAfter:
    switched_on = month_of(began) if began else None
    whole = [month for month in months if month.is_whole]
    before = _side([month for month in whole if switched_on is None or month.month < switched_on])
    after = _side([month for month in whole if switched_on is not None and month.month > switched_on])
    return BeforeAfter(began=began, before=before, after=after, ratio=_ratio(before, after))


def _side(months: Sequence[ChurnMonth]) -> Side:
    unpaid, at_risk = sum(month.unpaid for month in months), sum(month.active for month in months)
    if not months or not at_risk:
        found: Figure = NotEnough(not_enough="no whole month with active subscriptions")
    else:
        found = estimate(wilson(min(unpaid, at_risk), at_risk), at_risk)
    return Side(months=len(months), unpaid=unpaid, subscription_months=at_risk, rate=found)


def _ratio(before: Side, after: Side) -> Figure:
    ratio = rate_ratio(after.unpaid, after.subscription_months, before.unpaid, before.subscription_months)
    if ratio is None:
        return NotEnough(not_enough="it takes a month with such an end on both sides")
    return Estimate(value=ratio.estimate, low=ratio.low, high=ratio.high, n=before.unpaid + after.unpaid)
