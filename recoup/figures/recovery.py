"""The recovery rate: by count and by money, of all cases and of the closed ones, as cohort and as cash.

A cohort is what failed in the same month, however long it takes to be recovered. Cash is what came in in a month, whenever it failed.
The rate of a young cohort is too low as long as cases are open, and the rate of its closed cases is too high, because recoveries come
before losses. So there are two figures that do not move: the part recovered within so many days, of the cases that had so many
days; and for all of them the cumulative incidence (:mod:`recoup.statistics.survival`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from recoup.figures.debts import Debt, End
from recoup.figures.selection import Selection, month_of
from recoup.figures.values import FEWEST, Figure, NotEnough, estimate, money_rate, rate, too_few
from recoup.ledger.history_figures import Payment
from recoup.rules.base import Frozen
from recoup.rules.money import Money, totals
from recoup.statistics.survival import Curve, incidence

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


def recovery_rate(
    debts: Sequence[Debt], selection: Selection, payments: Iterable[Payment] = ()
) -> RecoveryRate:
    """The recovery rate of the debts that failed in the selection's time; the cash that came in in it.

    ``payments`` are those that an import has brought.
    """
    failed = [debt for debt in debts if selection.holds(debt.case.failed_at)]
    counted = [debt for debt in failed if debt.end is not End.LEFT_OUT]
    out = [debt for debt in failed if debt.end is End.LEFT_OUT]
    cohorts = _cohorts(counted, selection.now)
    returned = [debt for debt in counted if debt.returned is not None]
    known = list(payments)
    return RecoveryRate(
        all=shares(counted),
        within=tuple(within(counted, days, selection.now) for days in WINDOWS),
        estimated=_estimated(counted, selection.now),
        last_mature=next((cohort for cohort in reversed(cohorts) if cohort.is_mature), None),
        cohorts=cohorts,
        cash=_cash(debts, selection),
        left_out=LeftOut(cases=len(out), money=owed(out)),
        returned=Returned(
            cases=len(returned),
            suspended=sum(debt.end is End.SUSPENDED for debt in counted),
            money=owed(returned),
        ),
        given_back=_given_back(counted, known),
        paid_in_part=_paid_in_part(counted, known),
    )


def shares(debts: Sequence[Debt]) -> Shares:
    """How debts stand, none of which is left out."""
    by_end = Counter(debt.end for debt in debts)
    recovered, still_open = by_end[End.RECOVERED], by_end[End.OPEN]
    return Shares(
        cases=len(debts),
        recovered=recovered,
        open=still_open,
        suspended=by_end[End.SUSPENDED],
        cancelled=by_end[End.CANCELLED],
        written_off=by_end[End.WRITTEN_OFF],
        of_all=rate(recovered, len(debts)),
        of_closed=rate(recovered, len(debts) - still_open, "closed cases"),
        money=tuple(_money_shares(name, mine) for name, mine in by_currency(debts)),
    )


def _money_shares(currency: str, debts: Sequence[Debt]) -> MoneyShares:
    def part(*ends: End) -> int:
        return sum(debt.case.amount for debt in debts if debt.end in ends)

    closed = [debt for debt in debts if debt.end is not End.OPEN]
    return MoneyShares(
        currency=currency,
        failed=sum(debt.case.amount for debt in debts),
        recovered=part(End.RECOVERED),
        open=part(End.OPEN),
        lost=part(End.SUSPENDED, End.CANCELLED, End.WRITTEN_OFF),
        of_all=money_rate([(_won(debt), debt.case.amount) for debt in debts]),
        of_closed=money_rate([(_won(debt), debt.case.amount) for debt in closed], "closed cases"),
    )


def within(debts: Sequence[Debt], days: int, now: datetime) -> Within:
    """What was recovered within so many days, of those that have had them: young ones cannot lower or raise it."""
    span = timedelta(days=days)
    old = [debt for debt in debts if debt.had(span, now)]
    recovered = sum(debt.recovered_within(span) for debt in old)
    money = []
    for currency, mine in by_currency(old):
        parts = [(debt.case.amount * debt.recovered_within(span), debt.case.amount) for debt in mine]
        won, owed_ = sum(part for part, _ in parts), sum(whole for _, whole in parts)
        money.append(WithinMoney(currency=currency, failed=owed_, recovered=won, rate=money_rate(parts)))
    return Within(
        days=days,
        cases=len(old),
        recovered=recovered,
        too_young=len(debts) - len(old),
        rate=rate(recovered, len(old), f"cases that have had {days} days"),
        money=tuple(money),
    )


def curve_of(debts: Sequence[Debt], now: datetime) -> Curve:
    """The cumulative incidence of recovery, in days; cancelled, suspended and written off compete, open is censored."""
    return incidence((debt.span(now) for debt in debts), End.RECOVERED.value)


def _estimated(debts: Sequence[Debt], now: datetime) -> Estimated:
    curve = curve_of(debts, now)
    by_day: dict[int, Figure] = {}
    for day in WINDOWS:
        if len(debts) < FEWEST:
            by_day[day] = NotEnough(not_enough=too_few(len(debts), "cases"))
        elif curve.until < day:
            by_day[day] = NotEnough(not_enough=f"no case has been watched for {day} days")
        else:
            by_day[day] = estimate(curve.interval(day), len(debts))
    known = [day for day in range(WINDOWS[-1] + 1) if day <= curve.until]
    if len(debts) < FEWEST:
        return Estimated(by_day=by_day, curve=())
    return Estimated(by_day=by_day, curve=tuple(_point(curve, day) for day in known))


def _point(curve: Curve, day: int) -> Point:
    band = curve.interval(day)
    return Point(day=day, value=band.estimate, low=band.low, high=band.high)


def _cohorts(debts: Sequence[Debt], now: datetime) -> tuple[Cohort, ...]:
    months: dict[str, list[Debt]] = {}
    for debt in debts:
        months.setdefault(month_of(debt.case.failed_at), []).append(debt)
    return tuple(_cohort(month, mine, now) for month, mine in sorted(months.items()))


def _cohort(month: str, debts: Sequence[Debt], now: datetime) -> Cohort:
    windows = tuple(within(debts, days, now) for days in WINDOWS)
    is_over = month < month_of(now)
    mature = next(each for each in windows if each.days == HEADLINE).too_young == 0 and is_over
    return Cohort(month=month, shares=shares(debts), within=windows, is_mature=mature)


def _cash(debts: Iterable[Debt], selection: Selection) -> tuple[CashMonth, ...]:
    months: dict[str, list[Debt]] = {}
    for debt in debts:
        if debt.is_recovered and debt.case.closed_at and selection.holds(debt.case.closed_at):
            months.setdefault(month_of(debt.case.closed_at), []).append(debt)
    return tuple(
        CashMonth(
            month=month,
            cases=len(mine),
            money=owed(mine),
            failed_in=dict(sorted(Counter(month_of(debt.case.failed_at) for debt in mine).items())),
        )
        for month, mine in sorted(months.items())
    )


def _given_back(debts: Iterable[Debt], payments: Iterable[Payment]) -> GivenBack:
    recovered = {debt.case.invoice for debt in debts if debt.is_recovered}
    mine = [payment for payment in payments if payment.invoice in recovered]
    money = totals(
        Money(amount=payment.given_back, currency=payment.currency) for payment in mine if payment.given_back
    )
    return GivenBack(
        cases=len({payment.invoice for payment in mine if payment.given_back or payment.disputed}),
        disputed=len({payment.invoice for payment in mine if payment.disputed}),
        money=tuple(sorted(money, key=lambda each: each.currency)),
    )


def _paid_in_part(debts: Iterable[Debt], payments: Iterable[Payment]) -> PaidInPart:
    """What came in of debts that are open or lost; who returned has paid the whole, and stands elsewhere."""
    owing = {debt.case.invoice for debt in debts if not debt.is_recovered and debt.returned is None}
    mine = [each for each in payments if each.invoice in owing and each.amount > each.given_back]
    parts = totals(Money(amount=each.amount - each.given_back, currency=each.currency) for each in mine)
    cases = len({each.invoice for each in mine})
    return PaidInPart(cases=cases, money=tuple(sorted(parts, key=lambda each: each.currency)))


def by_currency(debts: Sequence[Debt]) -> list[tuple[str, list[Debt]]]:
    """The debts of each currency; amounts of different ones are never added up."""
    names = sorted({debt.case.currency for debt in debts})
    return [(name, [debt for debt in debts if debt.case.currency == name]) for name in names]


def owed(debts: Iterable[Debt]) -> tuple[Money, ...]:
    """What they come to, by currency."""
    monies = (Money(amount=debt.case.amount, currency=debt.case.currency) for debt in debts)
    return tuple(sorted(totals(monies), key=lambda money: money.currency))


def _won(debt: Debt) -> int:
    return debt.case.amount if debt.is_recovered else 0
