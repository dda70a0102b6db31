"""Intervals by resampling, for what has no formula: rates of money, where few large amounts decide. Pure.

The percentile interval of B. Efron ("Bootstrap methods: another look at the jackknife", *Annals of Statistics* 7, 1979). The draws
come from a fixed seed, so that the same data always give the same figure, in whatever order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recoup.statistics.intervals import Interval

DRAWS = 1000
"""Enough for the second digit of an interval."""
FEW = 32
"""So many different pairs are drawn each by itself, however small they are."""
_LARGE = 200
"""Of more, one that is more than this part of the whole."""


def bootstrap_ratio(pairs: np.ndarray, counts: np.ndarray) -> Interval:
    """The sum of the first of each pair over the sum of the second, and its 95 % interval over samples of the pairs.

    Each pair comes once, with how often it was found: equal ones are drawn together, which makes no difference but for the time it
    takes. So that a million take no longer than a thousand, of many different ones the small are drawn together too, by the normal
    distribution that the sum of so many comes to; the large ones, which decide, are not.

    Raises:
        ZeroDivisionError: the second ones come to nought.
    """
    part, whole = (int(each) for each in counts @ pairs)
    estimate = part / whole
    sums = _drawn(np.random.default_rng(0), pairs.astype(float), counts.astype(float), whole)
    some = sums[:, 1] > 0
    ratios = np.sort(sums[some, 0] / sums[some, 1])
    return Interval(estimate, _within(ratios, 0.025), _within(ratios, 0.975))


def _drawn(chance: np.random.Generator, pairs: np.ndarray, counts: np.ndarray, whole: int) -> np.ndarray:
    """Both sums of each draw."""
    total = counts.sum()
    small = pairs[:, 1] * _LARGE <= whole
    if len(pairs) <= FEW or not small.any():
        drawn: np.ndarray = chance.multinomial(int(total), counts / total, size=DRAWS) @ pairs
        return drawn
    many, few = pairs[small], counts[small]
    together = few.sum()
    sizes = np.append(counts[~small], together)
    drawn = chance.multinomial(int(total), sizes / total, size=DRAWS)
    mean = few @ many / together
    apart = (many - mean) * np.sqrt(few / together)[:, None]
    values, directions = np.linalg.eigh(apart.T @ apart)
    noise = chance.standard_normal((DRAWS, 2)) * np.sqrt(np.maximum(0, values)) @ directions.T
    number = drawn[:, -1:]
    sums: np.ndarray = drawn[:, :-1] @ pairs[~small] + number * mean + np.sqrt(number) * noise
    return sums


def quantile(values: Sequence[float] | np.ndarray, level: float) -> float:
    """The value below which a part of them lies, between neighbours in a straight line (type 7 of Hyndman and Fan, 1996)."""
    return _within(np.sort(np.asarray(values, float)), level)


def _within(ordered: np.ndarray, level: float) -> float:
    place = (len(ordered) - 1) * level
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (ordered[above] - ordered[below]) * (place - below))
