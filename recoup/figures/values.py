"""What a figure can be: an estimate with its interval, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence

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


def money_rate(parts: Sequence[tuple[int, int]], of: str = "cases", fewest: int = FEWEST) -> Figure:
    """The sum of the first of each pair over the sum of the second, resampled; nothing where there are too few pairs."""
    if len(parts) < fewest or not sum(whole for _, whole in parts):
        return NotEnough(not_enough=too_few(len(parts), of, fewest))
    return estimate(bootstrap_ratio(parts), len(parts))


def too_few(count: int, of: str, fewest: int = FEWEST) -> str:
    """The sentence for it."""
    return f"{count} {of}; it takes {fewest} for this figure"
