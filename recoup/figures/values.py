"""What a figure can be: an estimate with its interval, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recoup.figures.columns import Array
from recoup.rules.base import Frozen
from recoup.rules.money import Money
from recoup.statistics.intervals import Interval, wilson
from recoup.statistics.resampling import bootstrap_ratio

FEWEST = 10
"""Below so many a rate, or a middle value, says more about chance than about anything else."""


class NotEnough(Frozen):
    """There is no figure, and why."""

    not_enough: str


class Estimate(Frozen):
    """A figure, the 95 % interval where one can be given, and how many it rests on."""

    value: float
    low: float | None = None
    high: float | None = None
    n: int


Figure = Estimate | NotEnough


def estimate(interval: Interval, n: int) -> Estimate:
    """An interval as a figure."""
    return Estimate(value=interval.estimate, low=interval.low, high=interval.high, n=n)


def rate(successes: int, count: int, of: str = "cases", fewest: int = FEWEST) -> Figure:
    """A part of a number, with Wilson's interval; nothing where there are too few of them."""
    if count < fewest:
        return NotEnough(not_enough=too_few(count, of, fewest))
    return estimate(wilson(successes, count), count)


class Amounts:
    """Amounts sorted once, so that those of any part of them are counted without being sorted again.

    Those of different currencies are never added up: a count of amounts is of one currency.
    """

    def __init__(self, amounts: Array, currencies: Array, names: Sequence[str | None]) -> None:
        self._values, places = np.unique(amounts, return_inverse=True)
        self._cells = currencies.astype(np.int64) * len(self._values) + places
        self._names = names
        self._pairs = np.stack(
            [np.concatenate([0 * self._values, self._values]), np.tile(self._values, 2)], axis=1
        )

    def counted(self, which: Array | None = None) -> dict[str, Array]:
        """How often each amount is among all of them, or among those of a mask, by currency in order."""
        cells = self._cells if which is None else self._cells[which]
        shape = len(self._names), len(self._values)
        table = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
        found = {name: table[place] for place, name in enumerate(self._names) if name}
        return dict(sorted(found.items()))

    def sum(self, counts: Array) -> int:
        """What they come to, in minor units."""
        return int(counts @ self._values)

    def rate(self, counts: Array, won: Array, of: str = "cases", fewest: int = FEWEST) -> Figure:
        """What was won of some amounts, resampled; nothing where there are too few of them. The won ones are among them."""
        count = int(counts.sum())
        if count < fewest or not self.sum(counts):
            return NotEnough(not_enough=too_few(count, of, fewest))
        both = np.concatenate([counts - won, won])
        some = np.flatnonzero(both)
        return estimate(bootstrap_ratio(self._pairs[some], both[some]), count)


def owed(amounts: Array, currencies: Array, names: Sequence[str | None]) -> tuple[Money, ...]:
    """What amounts come to, by currency."""
    places = {name: place for place, name in enumerate(names) if name}
    parts = ((name, amounts[currencies == places[name]]) for name in sorted(places))
    return tuple(Money(amount=int(part.sum()), currency=name) for name, part in parts if len(part))


def too_few(count: int, of: str, fewest: int = FEWEST) -> str:
    """The sentence for it."""
    return f"{count} {of}; it takes {fewest} for this figure"
