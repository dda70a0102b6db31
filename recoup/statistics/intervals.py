"""Differences of two groups with their intervals. Pure.

Counts: Newcombe's hybrid score interval for the difference of two proportions (R. G. Newcombe, "Interval estimation for the
difference between independent proportions", *Statistics in Medicine* 17, 1998, method 10), made of Wilson's intervals (E. B. Wilson,
JASA 22, 1927). Money: Welch's interval for the difference of two means (B. L. Welch, *Biometrika* 34, 1947), with the normal
quantile, which is why groups of less than thirty get none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from recoup.rules.experiments import SIGNIFICANCE_QUANTILE as Z

FEWEST_FOR_A_MEAN = 30
"""Below it the mean of a group is not near enough to normal."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its 95 % interval."""

    estimate: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the data say that there is a difference."""
        return self.low > 0 or self.high < 0


def wilson(successes: int, count: int) -> Interval:
    """A proportion of a group that has at least one member."""
    rate = successes / count
    middle = (rate + Z * Z / (2 * count)) / (1 + Z * Z / count)
    half = Z / (1 + Z * Z / count) * math.sqrt(rate * (1 - rate) / count + Z * Z / (4 * count * count))
    return Interval(rate, max(0.0, middle - half), min(1.0, middle + half))


def difference_of_rates(treated: tuple[int, int], control: tuple[int, int]) -> Interval:
    """Treatment less control; each group as its successes and its size."""
    one, other = wilson(*treated), wilson(*control)
    estimate = one.estimate - other.estimate
    low = estimate - math.hypot(one.estimate - one.low, other.high - other.estimate)
    high = estimate + math.hypot(one.high - one.estimate, other.estimate - other.low)
    return Interval(estimate, low, high)


def difference_of_means(treated: Sequence[float], control: Sequence[float]) -> Interval | None:
    """Treatment less control; nothing where a group is too small for it."""
    if min(len(treated), len(control)) < FEWEST_FOR_A_MEAN:
        return None
    estimate = math.fsum(treated) / len(treated) - math.fsum(control) / len(control)
    half = Z * math.sqrt(_variance_of_mean(treated) + _variance_of_mean(control))
    return Interval(estimate, estimate - half, estimate + half)


def _variance_of_mean(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values)
