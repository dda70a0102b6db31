"""What a figure can be: an estimate with its interval, or the reason why there is none."""

from __future__ import annotations

import numpy as np

from recoup.figures.columns import Array
from recoup.rules.base import Frozen
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
    """Amounts sorted once, so that those of any part of them are counted without being sorted again."""

    def __init__(self, amounts: Array) -> None:
        self._values, self._places = np.unique(amounts, return_inverse=True)

    def rate(self, which: Array, won: Array, of: str = "cases", fewest: int = FEWEST) -> Figure:
        """What was won of some of the amounts, resampled; nothing where there are too few of them. Both are masks."""
        count = int(which.sum())
        all_of_them, taken = (
            np.bincount(self._places[each], minlength=len(self._values)) for each in (which, which & won)
        )
        if count < fewest or not (all_of_them @ self._values if count else 0):
            return NotEnough(not_enough=too_few(count, of, fewest))
        counts = np.concatenate([all_of_them - taken, taken])
        pairs = np.stack([np.concatenate([0 * self._values, self._values]), np.tile(self._values, 2)], axis=1)
        return estimate(bootstrap_ratio(pairs[counts > 0], counts[counts > 0]), count)


def too_few(count: int, of: str, fewest: int = FEWEST) -> str:
    """The sentence for it."""
    return f"{count} {of}; it takes {fewest} for this figure"
