"""Attempts and refusals: what was tried, when, and what the banks said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from recoup.figures.debts import Debt, End
from recoup.figures.selection import Selection
from recoup.figures.values import Estimate, Figure, NotEnough, rate
from recoup.ledger.figures_rows import FigureAttempt, FigureCharge, FigureRefusal
from recoup.rules.base import Frozen
from recoup.rules.case import AttemptState

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LAST_NUMBER = 8


class Tried(Frozen):
    """Attempts with something in common."""

    what: str
    attempts: int
    paid: int
    rate: Figure


class Attempts(Frozen):
    """Recoup's own attempts in the selection's time."""

    made: int
    paid: int
    rate: Figure
    by_number: tuple[Tried, ...]
    """First, second … of the invoice."""
    by_trigger: tuple[Tried, ...]
    by_brand: tuple[Tried, ...]
    by_hour: tuple[Tried, ...]
    """In UTC."""
    by_weekday: tuple[Tried, ...]
    for_each_recovered: Figure
    """Attempts of ours on the debts that failed in the time and are recovered, for each of them."""
    refused_by_guard: int
    """So many that would have broken a rule of the networks were not made."""
    cases_refused_by_guard: int


class Refused(Frozen):
    """A bank's answer on a brand."""

    code: str
    brand: str | None
    ours: int
    """To attempts of Recoup's."""
    others: int
    """To the first charge, to Stripe's own retries, to the customer's payments."""


class FirstCode(Frozen):
    """Debts whose first refusal had this code."""

    code: str
    cases: int
    recovered: int
    open: int
    rate: Figure


class Declines(Frozen):
    """Why charges for the cases' invoices were refused in the selection's time."""

    refused: int
    by_code: tuple[Refused, ...]
    by_first_code: tuple[FirstCode, ...]
    """Of the debts that failed in the time."""
    without_code: int
    """Debts of which no refusal is known."""


def attempts_of(
    debts: Sequence[Debt],
    attempts: Sequence[FigureAttempt],
    refusals: Iterable[FigureRefusal],
    selection: Selection,
) -> Attempts:
    """Attempts at these debts that were made in the selection's time."""
    invoices = {debt.case.invoice for debt in debts}
    known = [attempt for attempt in attempts if attempt.invoice in invoices]
    numbers = _numbers(known)
    made = [attempt for attempt in known if selection.holds(attempt.at)]
    stopped = [
        each for each in refusals if selection.holds(each.at) and each.case_id.split("/")[0] in invoices
    ]
    paid = sum(attempt.state is AttemptState.PAID for attempt in made)
    hours = [f"{hour:02d}" for hour in range(24)]
    in_order = [*map(str, range(1, _LAST_NUMBER)), f"{_LAST_NUMBER} and later"]
    return Attempts(
        made=len(made),
        paid=paid,
        rate=rate(paid, len(made), "attempts"),
        by_number=_grouped(
            ((in_order[min(numbers[each.invoice, each.number], _LAST_NUMBER) - 1], each) for each in made),
            in_order,
        ),
        by_trigger=_grouped((each.trigger.value, each) for each in made),
        by_brand=_grouped((each.brand or "unknown", each) for each in made),
        by_hour=_grouped(((f"{each.at.hour:02d}", each) for each in made), hours),
        by_weekday=_grouped(((WEEKDAYS[each.at.weekday()], each) for each in made), WEEKDAYS),
        for_each_recovered=_for_each(debts, known, selection),
        refused_by_guard=len(stopped),
        cases_refused_by_guard=len({each.case_id for each in stopped}),
    )


def declines_of(
    debts: Sequence[Debt],
    attempts: Iterable[FigureAttempt],
    charges: Iterable[FigureCharge],
    selection: Selection,
) -> Declines:
    """Refusals of charges for these debts in the selection's time."""
    invoices = {debt.case.invoice for debt in debts}
    ours = [each for each in attempts if each.invoice in invoices and each.state is AttemptState.DECLINED]
    others = [each for each in charges if each.invoice in invoices and each.failed]
    both_kinds: list[FigureAttempt | FigureCharge] = [*ours, *others]
    refused = sorted(both_kinds, key=lambda each: each.at)
    by_code, without = _by_first_code(debts, refused, selection)
    answered = Counter((each.code or "unknown", each.brand) for each in ours if selection.holds(each.at))
    theirs = Counter((each.code or "unknown", each.brand) for each in others if selection.holds(each.at))
    both = answered + theirs
    return Declines(
        refused=both.total(),
        by_code=tuple(
            Refused(code=code, brand=brand, ours=answered[code, brand], others=theirs[code, brand])
            for (code, brand), _ in sorted(both.items(), key=lambda item: (-item[1], str(item[0])))
        ),
        by_first_code=tuple(_first_code(code, mine) for code, mine in by_code),
        without_code=len(without),
    )


def _by_first_code(
    debts: Iterable[Debt], refused: Iterable[FigureAttempt | FigureCharge], selection: Selection
) -> tuple[list[tuple[str, list[Debt]]], list[Debt]]:
    """The debts by the code of their first refusal, the most frequent first, and those of which none is known."""
    codes: dict[str, str] = {}
    for each in refused:
        if each.invoice is not None:
            codes.setdefault(each.invoice, each.code or "unknown")
    groups: dict[str, list[Debt]] = {}
    without: list[Debt] = []
    for debt in debts:
        if debt.end is not End.LEFT_OUT and selection.holds(debt.case.failed_at):
            code = codes.get(debt.case.invoice)
            (without if code is None else groups.setdefault(code, [])).append(debt)
    return sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])), without


def _first_code(code: str, debts: Sequence[Debt]) -> FirstCode:
    recovered = sum(debt.is_recovered for debt in debts)
    still_open = sum(debt.end is End.OPEN for debt in debts)
    return FirstCode(
        code=code, cases=len(debts), recovered=recovered, open=still_open, rate=rate(recovered, len(debts))
    )


def _numbers(attempts: Iterable[FigureAttempt]) -> dict[tuple[str, int], int]:
    """Which attempt of its invoice each one was, those that were never made not counted."""
    seen: Counter[str] = Counter()
    numbers = {}
    for attempt in attempts:
        seen[attempt.invoice] += 1
        numbers[attempt.invoice, attempt.number] = seen[attempt.invoice]
    return numbers


def _grouped(
    pairs: Iterable[tuple[str, FigureAttempt]], order: Sequence[str] | None = None
) -> tuple[Tried, ...]:
    groups: dict[str, list[FigureAttempt]] = {}
    for what, attempt in pairs:
        groups.setdefault(what, []).append(attempt)
    names = [name for name in order if name in groups] if order else sorted(groups)
    return tuple(_tried(name, groups[name]) for name in names)


def _tried(what: str, attempts: Sequence[FigureAttempt]) -> Tried:
    paid = sum(attempt.state is AttemptState.PAID for attempt in attempts)
    return Tried(what=what, attempts=len(attempts), paid=paid, rate=rate(paid, len(attempts), "attempts"))


def _for_each(debts: Iterable[Debt], attempts: Iterable[FigureAttempt], selection: Selection) -> Figure:
    recovered = {debt.case.id for debt in debts if debt.is_recovered and selection.holds(debt.case.failed_at)}
    if not recovered:
        return NotEnough(not_enough="no case has recovered")
    tried = sum(attempt.case_id in recovered for attempt in attempts)
    return Estimate(value=tried / len(recovered), n=len(recovered))
