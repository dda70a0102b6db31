"""The recovery rate: by count and by money, of all cases and of the closed ones, as cohort and as cash.

A cohort is what failed in the same month, however long it takes to be recovered. Cash is what came in in a month, whenever it failed.
The rate of a young cohort is too low as long as cases are open, and the rate of its closed cases is too high, because recoveries come
before losses. So there are two figures that do not move: the part recovered within so many days, of the cases that had so many
days; and for all of them the cumulative incidence (:mod:`recoup.statistics.survival`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from recoup.figures.columns import DAY, micros, month_name, months
from recoup.figures.debts import End
from recoup.figures.facts import Facts, held
from recoup.figures.remembering import Remembered, digest_of
from recoup.figures.selection import Selection, month_of
from recoup.figures.values import FEWEST, Figure, NotEnough, estimate, owed, rate, too_few
from recoup.ledger.history_figures import Payment
from recoup.rules.base import Frozen
from recoup.rules.money import Money, totals
from recoup.statistics.survival import Curve

WINDOWS = (7, 14, 28, 60)
"""Days after the failure."""
HEADLINE = 28


class MoneyShares(Frozen):
    """The debts of one currency, in minor units."""

    currency: str
    failed: int
    recovered: int
    open: int
    lost: int
    of_all: Figure
    """Recovered of all that failed."""
    of_closed: Figure
    """Recovered of what has ended. Flatters: what is open ends badly more often."""


class Shares(Frozen):
    """So many debts failed, and so they stand."""

    cases: int
    recovered: int
    open: int
    suspended: int
    cancelled: int
    written_off: int
    of_all: Figure
    of_closed: Figure
    money: tuple[MoneyShares, ...]


class WithinMoney(Frozen):
    """One currency."""

    currency: str
    failed: int
    recovered: int
    rate: Figure


class Within(Frozen):
    """What was recovered within so many days, of the debts that have had them."""

    days: int
    cases: int
    recovered: int
    too_young: int
    """So many have not had the days yet, and are in neither number."""
    rate: Figure
    money: tuple[WithinMoney, ...]


class Point(Frozen):
    """A point of the curve."""

    day: int
    value: float
    low: float
    high: float


class Estimated(Frozen):
    """What of all, the young and the open ones too, is recovered by a day: Aalen and Johansen's cumulative incidence."""

    by_day: dict[int, Figure]
    curve: tuple[Point, ...]


class Cohort(Frozen):
    """What failed in one month."""

    month: str
    shares: Shares
    within: tuple[Within, ...]
    is_mature: bool
    """Whether all of it has had 28 days."""


class CashMonth(Frozen):
    """What was recovered in one month, by the month in which it failed."""

    month: str
    cases: int
    money: tuple[Money, ...]
    failed_in: dict[str, int]


_SETTLED: Remembered[Cohort] = Remembered(500)
"""Some kilobytes each: twelve years of months, of several campaigns and currencies."""


class LeftOut(Frozen):
    """Debts that are in no rate: voided, or never a case."""

    cases: int
    money: tuple[Money, ...]


class Returned(Frozen):
    """Debts that were lost to a suspension and paid later: in no rate, because the suspension had done its harm."""

    cases: int
    suspended: int
    """Of so many suspended ones."""
    money: tuple[Money, ...]


class GivenBack(Frozen):
    """Recovered debts whose money was given back or disputed later, as the import knows; their rates do not change."""

    cases: int
    disputed: int
    money: tuple[Money, ...]
    """What was given back."""


class PaidInPart(Frozen):
    """Debts that are not recovered and of which a part was paid, as the import knows: a debt is recovered whole or not at all."""

    cases: int
    money: tuple[Money, ...]
    """The parts."""


class RecoveryRate(Frozen):
    """All of it."""

    all: Shares
    within: tuple[Within, ...]
    estimated: Estimated
    last_mature: Cohort | None
    """The newest month all of which has had 28 days."""
    cohorts: tuple[Cohort, ...]
    cash: tuple[CashMonth, ...]
    left_out: LeftOut
    returned: Returned
    given_back: GivenBack
    paid_in_part: PaidInPart


def recovery_rate(facts: Facts, selection: Selection, payments: Sequence[Payment] = ()) -> RecoveryRate:
    """The recovery rate of the debts that failed in the selection's time; the cash that came in in it.

    ``payments`` are those that an import has brought.
    """
    out, failed = facts.ended(End.LEFT_OUT), facts.failed_in(selection)
    counted, left = facts.counted(selection), failed & out
    cohorts = _cohorts(counted, selection.now)
    returned = counted.debts["returned"]
    return RecoveryRate(
        all=shares(counted),
        within=tuple(within(counted, days, selection.now) for days in WINDOWS),
        estimated=_estimated(counted, selection.now),
        last_mature=next((cohort for cohort in reversed(cohorts) if cohort.is_mature), None),
        cohorts=cohorts,
        cash=_cash(facts, selection),
        left_out=LeftOut(cases=int(left.sum()), money=facts.owed(left)),
        returned=Returned(
            cases=int(returned.sum()),
            suspended=int(counted.ended(End.SUSPENDED).sum()),
            money=counted.owed(returned),
        ),
        given_back=_given_back(counted, payments),
        paid_in_part=_paid_in_part(counted, payments),
    )


def shares(facts: Facts) -> Shares:
    """How debts stand, none of which is left out."""
    count = {end: int(facts.ended(end).sum()) for end in End}
    cases, recovered, still_open = len(facts.debts), count[End.RECOVERED], count[End.OPEN]
    return Shares(
        cases=cases,
        recovered=recovered,
        open=still_open,
        suspended=count[End.SUSPENDED],
        cancelled=count[End.CANCELLED],
        written_off=count[End.WRITTEN_OFF],
        of_all=rate(recovered, cases),
        of_closed=rate(recovered, cases - still_open, "closed cases"),
        money=_money_shares(facts),
    )


def _money_shares(facts: Facts) -> tuple[MoneyShares, ...]:
    amounts = facts.amounts
    failed, won, left = (amounts.counted(which) for which in (None, facts.recovered, facts.ended(End.OPEN)))
    lost = amounts.counted(facts.ended(End.SUSPENDED, End.CANCELLED, End.WRITTEN_OFF))
    return tuple(
        MoneyShares(
            currency=name,
            failed=amounts.sum(mine),
            recovered=amounts.sum(won[name]),
            open=amounts.sum(left[name]),
            lost=amounts.sum(lost[name]),
            of_all=amounts.rate(mine, won[name]),
            of_closed=amounts.rate(mine - left[name], won[name], "closed cases"),
        )
        for name, mine in failed.items()
        if mine.any()
    )


def within(facts: Facts, days: int, now: datetime) -> Within:
    """What was recovered within so many days, of those that have had them: young ones cannot lower or raise it."""
    until = facts.debts["failed_at"] + days * DAY
    old = until <= micros(now)
    won = old & facts.recovered & (facts.debts["closed_at"] <= until)
    amounts, count, paid = facts.amounts, int(old.sum()), facts.amounts.counted(won)
    money = [
        WithinMoney(
            currency=name,
            failed=amounts.sum(mine),
            recovered=amounts.sum(paid[name]),
            rate=amounts.rate(mine, paid[name]),
        )
        for name, mine in amounts.counted(old).items()
        if mine.any()
    ]
    return Within(
        days=days,
        cases=count,
        recovered=int(won.sum()),
        too_young=len(facts.debts) - count,
        rate=rate(int(won.sum()), count, f"cases that have had {days} days"),
        money=tuple(money),
    )


def _estimated(facts: Facts, now: datetime) -> Estimated:
    count, curve = len(facts.debts), facts.incidence(now)
    by_day: dict[int, Figure] = {}
    for day in WINDOWS:
        if count < FEWEST:
            by_day[day] = NotEnough(not_enough=too_few(count, "cases"))
        elif curve.until < day:
            by_day[day] = NotEnough(not_enough=f"no case has been watched for {day} days")
        else:
            by_day[day] = estimate(curve.interval(day), count)
    known = [day for day in range(WINDOWS[-1] + 1) if day <= curve.until]
    if count < FEWEST:
        return Estimated(by_day=by_day, curve=())
    return Estimated(by_day=by_day, curve=tuple(_point(curve, day) for day in known))


def _point(curve: Curve, day: int) -> Point:
    band = curve.interval(day)
    return Point(day=day, value=band.estimate, low=band.low, high=band.high)


def _cohorts(facts: Facts, now: datetime) -> tuple[Cohort, ...]:
    failed = months(facts.debts["failed_at"])
    found, begins, counts = np.unique(failed, return_index=True, return_counts=True)
    parts = zip(found.tolist(), begins.tolist(), counts.tolist(), strict=True)
    return tuple(
        _cohort(month_name(month), facts.alone(slice(begin, begin + count)), now)
        for month, begin, count in parts
    )


def _cohort(month: str, facts: Facts, now: datetime) -> Cohort:
    """Once all of it has had the longest window it says the same for ever, as long as the debts do."""
    if int(facts.debts["failed_at"].max()) + WINDOWS[-1] * DAY > micros(now):
        return _worked_out(month, facts, now)
    return _SETTLED.of(digest_of(facts.debts), lambda: _worked_out(month, facts, now))


def _worked_out(month: str, facts: Facts, now: datetime) -> Cohort:
    windows = tuple(within(facts, days, now) for days in WINDOWS)
    is_over = month < month_of(now)
    mature = next(each for each in windows if each.days == HEADLINE).too_young == 0 and is_over
    return Cohort(month=month, shares=shares(facts), within=windows, is_mature=mature)


def _cash(facts: Facts, selection: Selection) -> tuple[CashMonth, ...]:
    came = facts.recovered & held(facts.debts["closed_at"], selection)
    closed, failed = (months(facts.debts[name][came]) for name in ("closed_at", "failed_at"))
    amounts, currencies = facts.debts["amount"][came], facts.debts["currency"][came]
    found = []
    for month in np.unique(closed).tolist():
        mine = closed == month
        begun, counts = np.unique(failed[mine], return_counts=True)
        failed_in = dict(zip(map(month_name, begun.tolist()), counts.tolist(), strict=True))
        money = owed(amounts[mine], currencies[mine], facts.debts.words["currency"])
        found.append(
            CashMonth(month=month_name(month), cases=int(mine.sum()), money=money, failed_in=failed_in)
        )
    return tuple(found)


def _given_back(facts: Facts, payments: Sequence[Payment]) -> GivenBack:
    touched = [payment for payment in payments if payment.given_back or payment.disputed]
    mine: list[Payment] = []
    if touched and facts.names is not None:
        recovered = set(facts.names["invoice"][facts.recovered].tolist())
        mine = [payment for payment in touched if payment.invoice.encode() in recovered]
    money = totals(
        Money(amount=payment.given_back, currency=payment.currency) for payment in mine if payment.given_back
    )
    return GivenBack(
        cases=len({payment.invoice for payment in mine}),
        disputed=len({payment.invoice for payment in mine if payment.disputed}),
        money=tuple(sorted(money, key=lambda each: each.currency)),
    )


def _paid_in_part(facts: Facts, payments: Sequence[Payment]) -> PaidInPart:
    """What came in of debts that are open or lost; who returned has paid the whole, and stands elsewhere."""
    mine: list[Payment] = []
    if payments and facts.names is not None:
        owing = set(facts.names["invoice"][~facts.recovered & ~facts.debts["returned"]].tolist())
        some = (each for each in payments if each.amount > each.given_back)
        mine = [each for each in some if each.invoice.encode() in owing]
    parts = totals(Money(amount=each.amount - each.given_back, currency=each.currency) for each in mine)
    cases = len({each.invoice for each in mine})
    return PaidInPart(cases=cases, money=tuple(sorted(parts, key=lambda each: each.currency)))
