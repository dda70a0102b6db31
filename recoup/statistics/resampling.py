"""Intervals by resampling, for what has no formula: rates of money, where few large amounts decide. Pure.

The percentile interval of B. Efron ("Bootstrap methods: another look at the jackknife", *Annals of Statistics* 7, 1979). The draws
come from a fixed seed, so that the same data always give the same figure. numpy is imported when something is drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from recoup.statistics.intervals import Interval

DRAWS = 1000
"""Enough for the second digit of an interval."""


def bootstrap_ratio(parts: Sequence[tuple[float, float]]) -> Interval:
    """The sum of the first of each pair over the sum of the second, and its 95 % interval over samples of the pairs.

    Equal pairs are drawn together, which makes no difference but for the time it takes.

    Raises:
        ZeroDivisionError: the second ones come to nought.
    """
    import numpy as np

    groups = Counter(parts)
    values = np.array(list(groups), dtype=float)
    sizes = np.array(list(groups.values()), dtype=float)
    drawn = np.random.default_rng(0).multinomial(len(parts), sizes / sizes.sum(), size=DRAWS) @ values
    whole = drawn[:, 1] != 0
    low, high = np.quantile(drawn[whole, 0] / drawn[whole, 1], [0.025, 0.975])
    estimate = sum(part for part, _ in parts) / sum(whole for _, whole in parts)
    return Interval(estimate, float(low), float(high))


def quantile(values: Sequence[float], level: float) -> float:
    """The value below which a part of them lies, between neighbours in a straight line (type 7 of Hyndman and Fan, 1996)."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * level
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
