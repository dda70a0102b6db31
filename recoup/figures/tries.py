"""Attempts and refusals: what was tried, when, and what the banks said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from recoup.figures.columns import DAY, Array, Frame
from recoup.figures.debts import End
from recoup.figures.facts import Facts, held
from recoup.figures.folding import LAST_NUMBER
from recoup.figures.selection import Selection
from recoup.figures.values import Estimate, Figure, NotEnough, rate
from recoup.rules.base import Frozen

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOURS_OF_WEEK = tuple(f"{day} {hour:02d}" for day in WEEKDAYS for hour in range(24))
_HOUR = DAY // 24
_THURSDAY = 3
"""The weekday of the first of January 1970, Monday being nought."""


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
    by_hour_of_week: tuple[Tried, ...]
    """``Monday 08`` and so on, in UTC."""
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


def attempts_of(facts: Facts, selection: Selection) -> Attempts:
    """Attempts at the debts that were made in the selection's time."""
    made = facts.tried.take(held(facts.tried["at"], selection))
    stopped = facts.refused.take(held(facts.refused["at"], selection))
    hours, weekdays = made["at"] // _HOUR % 24, (made["at"] // DAY + _THURSDAY) % 7
    numbers = [*map(str, range(1, LAST_NUMBER)), f"{LAST_NUMBER} and later"]
    count, paid = len(made), int(made["paid"].sum())
    cases = np.stack([stopped["debt"], stopped["case"].astype("i4")])
    return Attempts(
        made=count,
        paid=paid,
        rate=rate(paid, count, "attempts"),
        by_number=_grouped(made, made["number"].astype(int) - 1, numbers),
        by_trigger=_by_word(made, "trigger"),
        by_brand=_by_word(made, "brand"),
        by_hour=_grouped(made, hours, [f"{hour:02d}" for hour in range(24)]),
        by_weekday=_grouped(made, weekdays, WEEKDAYS),
        by_hour_of_week=_grouped(made, weekdays * 24 + hours, HOURS_OF_WEEK),
        for_each_recovered=_for_each(facts, selection),
        refused_by_guard=len(stopped),
        cases_refused_by_guard=np.unique(cases, axis=1).shape[1],
    )


def declines_of(facts: Facts, selection: Selection) -> Declines:
    """Refusals of charges for the debts in the selection's time."""
    answered = _answers(facts.tried.take(held(facts.tried["at"], selection) & ~facts.tried["paid"]))
    theirs = _answers(facts.others.take(held(facts.others["at"], selection)))
    both = answered + theirs
    counted = facts.failed_in(selection) & ~facts.ended(End.LEFT_OUT)
    known = facts.debts.counts("first_code", counted)
    without = known.pop(None, 0)
    codes = sorted(
        ((code, count) for code, count in known.items() if code), key=lambda item: (-item[1], item[0])
    )
    return Declines(
        refused=both.total(),
        by_code=tuple(
            Refused(code=code, brand=brand, ours=answered[code, brand], others=theirs[code, brand])
            for (code, brand), _ in sorted(both.items(), key=lambda item: (-item[1], str(item[0])))
        ),
        by_first_code=tuple(_first_code(facts, code, counted) for code, _ in codes),
        without_code=without,
    )


def _answers(refused: Frame) -> Counter[tuple[str, str | None]]:
    """How often each code was the answer on each brand."""
    brands = refused.words["brand"]
    pairs = refused["code"].astype(int) * len(brands) + refused["brand"]
    found, counts = np.unique(pairs, return_counts=True)
    codes = refused.words["code"]
    return Counter(
        {
            (codes[pair // len(brands)] or "", brands[pair % len(brands)]): count
            for pair, count in zip(found.tolist(), counts.tolist(), strict=True)
        }
    )


def _first_code(facts: Facts, code: str, counted: Array) -> FirstCode:
    mine = counted & facts.debts.says("first_code", code)
    cases, recovered = int(mine.sum()), int((mine & facts.recovered).sum())
    still_open = int((mine & facts.ended(End.OPEN)).sum())
    return FirstCode(
        code=code, cases=cases, recovered=recovered, open=still_open, rate=rate(recovered, cases)
    )


def _by_word(made: Frame, name: str) -> tuple[Tried, ...]:
    words = [word or "unknown" for word in made.words[name]]
    names = sorted(set(words))
    return _grouped(made, made.looked_up(name, map(names.index, words), "i4"), names)


def _grouped(made: Frame, groups: Array, names: Sequence[str]) -> tuple[Tried, ...]:
    """The attempts by the number of their group, those groups that have any."""
    attempts = np.bincount(groups, minlength=len(names)).tolist()
    paid = np.bincount(groups[made["paid"]], minlength=len(names)).tolist()
    return tuple(
        Tried(what=name, attempts=count, paid=won, rate=rate(won, count, "attempts"))
        for name, count, won in zip(names, attempts, paid, strict=True)
        if count
    )


def _for_each(facts: Facts, selection: Selection) -> Figure:
    recovered = facts.recovered & facts.failed_in(selection)
    count = int(recovered.sum())
    if not count:
        return NotEnough(not_enough="no case has recovered")
    return Estimate(value=int(facts.debts["tries"][recovered].sum()) / count, n=count)
