"""The lifetime value of recovered customers: what their subscriptions pay within 12 and 24 months after the recovery.

Beside them stand subscriptions of which no payment ever failed: for each recovered one the subscription in the same currency that was
active at that moment and had begun nearest to when it had. Both are watched from that moment on (:mod:`recoup.statistics.lifetime`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from recoup.figures.churn import NO_HISTORY, is_active
from recoup.figures.columns import NEVER
from recoup.figures.ends import Ended
from recoup.figures.facts import Facts
from recoup.figures.selection import Selection
from recoup.figures.values import FEWEST, Estimate, Figure, NotEnough, estimate, rate, too_few
from recoup.ledger.history_figures import KnownHistory, KnownSubscription, Payment
from recoup.rules.base import Frozen
from recoup.statistics.lifetime import Life, Lifetime, lifetime

MONTH = timedelta(days=365.25 / 12)
HORIZONS = (12, 24)
SOON = timedelta(days=90)
Failed = tuple[str, datetime, datetime | None]
"""A subscription, when a payment of it failed, and when the case closed."""


class Worth(Frozen):
    """Of one currency, within so many months: minor units for each subscription."""

    currency: str
    months: int
    recovered: Figure
    never_failed: Figure
    still_there: Figure
    """The part of the recovered ones that is still there at the end."""
    still_there_never_failed: Figure


class LifetimeValue(Frozen):
    """All of it."""

    subscriptions: int
    """Subscriptions with a recovered case, each from its first recovery on."""
    worth: tuple[Worth, ...]
    failed_again: Figure
    """Recovered cases after which another payment failed within 90 days, of those that have had the days."""


def lifetime_value(
    history: KnownHistory,
    ends: Mapping[str, Ended],
    facts: Facts,
    everything: Facts,
    read_at: datetime | None,
    selection: Selection,
) -> LifetimeValue | NotEnough:
    """Of the debts of ``facts`` that failed in the selection's time, among ``everything``; ``read_at`` is up to when history is known."""
    if read_at is None or not history.subscriptions:
        return NotEnough(not_enough=NO_HISTORY)
    known = {each.id: each for each in history.subscriptions}
    recovered = facts.subscriptions(facts.recovered & facts.failed_in(selection))
    failures: dict[str, list[datetime]] = {}
    for name, at, _ in everything.subscriptions(everything.debts["failed_at"] != NEVER):
        if name:
            failures.setdefault(name, []).append(at)
    origins = _origins(recovered, known)
    paid = _by_subscription(history.payments)
    failed = history.failed | failures.keys()
    smooth = [each for each in history.subscriptions if each.id not in failed]
    worth: list[Worth] = []
    for currency in sorted({known[name].currency for name in origins}):
        mine = {name: at for name, at in origins.items() if known[name].currency == currency}
        beside = _beside(mine, known, [each for each in smooth if each.currency == currency], ends)
        groups = [
            [_life(name, at, ends, paid, read_at) for name, at in group] for group in (mine.items(), beside)
        ]
        worth += [_worth(currency, months, *groups) for months in HORIZONS]
    return LifetimeValue(
        subscriptions=len(origins),
        worth=tuple(worth),
        failed_again=_failed_again(recovered, failures, selection),
    )


def _origins(recovered: Iterable[Failed], known: Mapping[str, KnownSubscription]) -> dict[str, datetime]:
    """When each subscription was recovered first."""
    found: dict[str, datetime] = {}
    for name, _, at in recovered:
        if name in known and at is not None:
            found[name] = min(at, found.get(name, at))
    return found


def _beside(
    origins: Mapping[str, datetime],
    known: Mapping[str, KnownSubscription],
    smooth: Sequence[KnownSubscription],
    ends: Mapping[str, Ended],
) -> list[tuple[str, datetime]]:
    """For each recovered one the never-failed one that was active then and is nearest in age; one may stand for several."""
    ordered = sorted(smooth, key=lambda each: each.started_at)
    starts = [each.started_at for each in ordered]
    found = []
    for name, at in origins.items():
        begun = known[name].started_at
        place = bisect_left(starts, begun)
        near = next((each for each in _outwards(ordered, place, begun) if is_active(each, ends, at)), None)
        if near is not None:
            found.append((near.id, at))
    return found


def _outwards(
    ordered: Sequence[KnownSubscription], place: int, begun: datetime
) -> Iterable[KnownSubscription]:
    """From this place on in both directions, the nearer one first."""
    below, above = place - 1, place
    while below >= 0 or above < len(ordered):
        takes_below = above >= len(ordered) or (
            below >= 0 and begun - ordered[below].started_at <= ordered[above].started_at - begun
        )
        yield ordered[below if takes_below else above]
        below, above = (below - 1, above) if takes_below else (below, above + 1)


def _life(
    name: str,
    origin: datetime,
    ends: Mapping[str, Ended],
    paid: Mapping[str, list[Payment]],
    read_at: datetime,
) -> Life:
    months = [0] * HORIZONS[-1]
    for payment in paid.get(name, ()):
        index = int((payment.at - origin) / MONTH)
        # What brought the recovery is not what came after it.
        if payment.at > origin and index < len(months):
            months[index] += payment.amount - payment.given_back
    end = ends.get(name)
    ended = max(0.0, (end.at - origin) / MONTH) if end else None
    return Life(watched=(read_at - origin) / MONTH, ended=ended, paid=tuple(months))


def _by_subscription(payments: Iterable[Payment]) -> dict[str, list[Payment]]:
    found: dict[str, list[Payment]] = {}
    for payment in payments:
        if payment.subscription is not None:
            found.setdefault(payment.subscription, []).append(payment)
    return found


def _worth(currency: str, months: int, recovered: Sequence[Life], beside: Sequence[Life]) -> Worth:
    one, other = _value(recovered, months), _value(beside, months)
    return Worth(
        currency=currency,
        months=months,
        recovered=_as_figure(one, len(recovered)),
        never_failed=_as_figure(other, len(beside)),
        still_there=_there(one, len(recovered)),
        still_there_never_failed=_there(other, len(beside)),
    )


def _value(lives: Sequence[Life], months: int) -> Lifetime | NotEnough:
    watched = sum(life.watched >= months for life in lives)
    if watched < FEWEST:
        return NotEnough(
            not_enough=too_few(watched, f"subscriptions that could be watched for {months} months")
        )
    found = lifetime(lives, months)
    assert found is not None
    return found


def _as_figure(found: Lifetime | NotEnough, n: int) -> Figure:
    return found if isinstance(found, NotEnough) else estimate(found.value, n)


def _there(found: Lifetime | NotEnough, n: int) -> Figure:
    return found if isinstance(found, NotEnough) else Estimate(value=found.there[-1], n=n)


def _failed_again(
    recovered: Iterable[Failed], failures: Mapping[str, Sequence[datetime]], selection: Selection
) -> Figure:
    old = [
        (closed, failures.get(name, ()))
        for name, _, closed in recovered
        if closed and closed + SOON <= selection.now
    ]
    again = sum(any(at < other <= at + SOON for other in others) for at, others in old)
    return rate(again, len(old), "recovered cases that have had 90 days")
