"""Attempts and refusals: what was tried, when, and what the banks said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from recoup.figures.columns import DAY, Array, Frame, crossed
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
    tried = facts.tried.only("at", "number", "paid", "trigger", "brand")
    made = tried.take(held(tried["at"], selection))
    stopped = facts.refused.take(held(facts.refused["at"], selection))
    number, trigger, brand = _counts(made)
    week = _by_clock(made)
    numbers = ["none", *map(str, range(1, LAST_NUMBER)), f"{LAST_NUMBER} and later"]
    count, paid = len(made), int(made["paid"].sum())
    cases = np.stack([stopped["debt"], stopped["case"].astype("i4")])
    return Attempts(
        made=count,
        paid=paid,
        rate=rate(paid, count, "attempts"),
        by_number=_told(numbers, number),
        by_trigger=_by_word(made.words["trigger"], trigger),
        by_brand=_by_word(made.words["brand"], brand),
        by_hour=_told([f"{each:02d}" for each in range(24)], week.sum(0)),
        by_weekday=_told(WEEKDAYS, week.sum(1)),
        by_hour_of_week=_told(HOURS_OF_WEEK, week.reshape(-1, 2)),
        for_each_recovered=_for_each(facts, selection),
        refused_by_guard=len(stopped),
        cases_refused_by_guard=np.unique(cases, axis=1).shape[1],
    )


def declines_of(facts: Facts, selection: Selection) -> Declines:
    """Refusals of charges for the debts in the selection's time."""
    refused = held(facts.tried["at"], selection) & ~facts.tried["paid"]
    answered = _answers(facts.tried.only("code", "brand").take(refused))
    theirs = _answers(facts.others.only("code", "brand").take(held(facts.others["at"], selection)))
    both = answered + theirs
    counted = facts.failed_in(selection) & ~facts.ended(End.LEFT_OUT)
    first, without = _first_codes(facts, counted)
    return Declines(
        refused=both.total(),
        by_code=tuple(
            Refused(code=code, brand=brand, ours=answered[code, brand], others=theirs[code, brand])
            for (code, brand), _ in sorted(both.items(), key=lambda item: (-item[1], str(item[0])))
        ),
        by_first_code=first,
        without_code=without,
    )


def _answers(refused: Frame) -> Counter[tuple[str, str | None]]:
    """How often each code was the answer on each brand."""
    codes, brands = refused.words["code"], refused.words["brand"]
    found = crossed((refused["code"], len(codes)), (refused["brand"], len(brands)))
    return Counter(
        {
            (codes[code] or "", brands[brand]): int(found[code, brand])
            for code, brand in np.argwhere(found).tolist()
        }
    )


def _first_codes(facts: Facts, counted: Array) -> tuple[tuple[FirstCode, ...], int]:
    """How the debts stand by their first code, the most frequent first, and of how many none is known."""
    codes, ends = facts.debts.words["first_code"], list(End)
    stand = crossed((facts.debts["first_code"][counted], len(codes)), (facts.ends[counted], len(ends)))
    found, without = [], 0
    for code, row in zip(codes, stand.tolist(), strict=True):
        cases, recovered = sum(row), row[ends.index(End.RECOVERED)]
        if not code:
            without += cases
        elif cases:
            still_open = row[ends.index(End.OPEN)]
            part = rate(recovered, cases)
            found.append(FirstCode(code=code, cases=cases, recovered=recovered, open=still_open, rate=part))
    return tuple(sorted(found, key=lambda each: (-each.cases, each.code))), without


def _counts(made: Frame) -> tuple[Array, Array, Array]:
    """How many attempts were not paid, and how many were, by number, by trigger and by brand."""
    words = ((made[name], len(made.words[name])) for name in ("trigger", "brand"))
    table = crossed((made["number"], LAST_NUMBER + 1), *words, (made["paid"], 2))
    return table.sum((1, 2)), table.sum((0, 2)), table.sum((0, 1))


def _by_clock(made: Frame) -> Array:
    """The same by weekday and hour."""
    hours = made["at"] // _HOUR
    first, last = (int(hours.min()), int(hours.max())) if len(hours) else (0, 0)
    table = crossed((hours - first, last - first + 1), (made["paid"], 2))
    each = np.arange(first, last + 1)
    week = np.zeros((7, 24, 2), np.int64)
    np.add.at(week, ((each // 24 + _THURSDAY) % 7, each % 24), table)
    return week


def _by_word(words: Sequence[str | None], table: Array) -> tuple[Tried, ...]:
    names = sorted({word or "unknown" for word in words})
    merged = np.zeros((len(names), 2), np.int64)
    np.add.at(merged, [names.index(word or "unknown") for word in words], table)
    return _told(names, merged)


def _told(names: Sequence[str], table: Array) -> tuple[Tried, ...]:
    """Those groups that have any attempts."""
    return tuple(
        Tried(what=name, attempts=lost + won, paid=won, rate=rate(won, lost + won, "attempts"))
        for name, (lost, won) in zip(names, table.tolist(), strict=True)
        if lost + won
    )


def _for_each(facts: Facts, selection: Selection) -> Figure:
    recovered = facts.recovered & facts.failed_in(selection)
    count = int(recovered.sum())
    if not count:
        return NotEnough(not_enough="no case has recovered")
    return Estimate(value=int(facts.debts["tries"][recovered].sum()) / count, n=count)
