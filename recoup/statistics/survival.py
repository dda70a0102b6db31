"""How long it takes until something ends, where some have not ended yet. Pure.

One end of several: the cumulative incidence of O. O. Aalen and S. Johansen ("An empirical transition matrix for non-homogeneous
Markov chains based on censored observations", *Scandinavian Journal of Statistics* 5, 1978), with the variance by the delta method
(E. Marubini and M. G. Valsecchi, *Analysing Survival Data from Clinical Trials and Observational Studies*, 1995, 10.2). Any end: the
estimate of E. L. Kaplan and P. Meier (JASA 53, 1958) with Greenwood's variance. Bands are made on the scale of log(-log), which
keeps them between 0 and 1 (J. D. Kalbfleisch and R. L. Prentice, *The Statistical Analysis of Failure Time Data*, 2002, 1.4).
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from recoup.rules.experiments import SIGNIFICANCE_QUANTILE as Z
from recoup.statistics.intervals import Interval


@dataclass(frozen=True, slots=True)
class Span:
    """How long one was watched, and how that ended."""

    lasted: float
    end: str | None
    """Which end it was; nothing where it goes on (censored)."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A step function of time: from each time on, the probability and its standard error."""

    times: tuple[float, ...]
    values: tuple[float, ...]
    errors: tuple[float, ...]
    start: float
    """Its value before the first time."""
    until: float
    """The longest that anybody was watched: beyond it nothing is known. Infinite where nobody is left in whom anything could change."""

    def at(self, time: float) -> float:
        """The probability at a time."""
        index = bisect_right(self.times, time)
        return self.values[index - 1] if index else self.start

    def interval(self, time: float) -> Interval:
        """The probability at a time with its 95 % interval."""
        index = bisect_right(self.times, time)
        if not index:
            return Interval(self.start, self.start, self.start)
        return _band(self.values[index - 1], self.errors[index - 1])

    def reaches(self, level: float) -> float | None:
        """When it first comes to a level from below; nothing where it never does."""
        return next(
            (time for time, value in zip(self.times, self.values, strict=True) if value >= level), None
        )

    def area(self, until: float) -> float:
        """What lies under it from 0 to a time: of a survival curve, the mean time restricted to it."""
        edges = [0.0, *(time for time in self.times if time < until), until]
        return math.fsum(self.at(left) * (right - left) for left, right in itertools.pairwise(edges))


def incidence(spans: Iterable[Span], of: str) -> Curve:
    """How probable it is to have ended this way by each time, the other ends competing with it."""
    watched = list(spans)
    times, values, errors = [], [], []
    alive, reached, spread = 1.0, 0.0, _Spread()
    for time, at_risk, ends in _ends(watched):
        ours, all_of_them = ends.get(of, 0), sum(ends.values())
        reached += alive * ours / at_risk
        spread.add(reached, alive, at_risk, ours, all_of_them)
        alive *= 1 - all_of_them / at_risk
        times.append(time)
        values.append(reached)
        errors.append(spread.error(reached))
    return Curve(tuple(times), tuple(values), tuple(errors), 0.0, _longest(watched))


def survival(spans: Iterable[Span]) -> Curve:
    """How probable it is not to have ended by each time, whichever the end."""
    watched = list(spans)
    times, values, errors = [], [], []
    alive, greenwood = 1.0, 0.0
    for time, at_risk, ends in _ends(watched):
        ended = sum(ends.values())
        alive *= 1 - ended / at_risk
        greenwood += ended / (at_risk * (at_risk - ended)) if at_risk > ended else 0.0
        times.append(time)
        values.append(alive)
        errors.append(alive * math.sqrt(greenwood))
    return Curve(tuple(times), tuple(values), tuple(errors), 1.0, _longest(watched))


class _Spread:
    """The sums of the delta method's variance, kept as they grow, so that a curve takes one pass."""

    def __init__(self) -> None:
        self._rate = self._first = self._second = self._own = self._mixed = self._mixed_first = 0.0

    def add(self, reached: float, alive: float, at_risk: int, ours: int, all_of_them: int) -> None:
        """One more time, the value of the curve after it and the survival before it."""
        if at_risk > all_of_them:
            each = all_of_them / (at_risk * (at_risk - all_of_them))
            self._rate += each
            self._first += each * reached
            self._second += each * reached**2
        self._own += alive**2 * (at_risk - ours) * ours / at_risk**3
        mixed = alive * ours / at_risk**2
        self._mixed += mixed
        self._mixed_first += mixed * reached

    def error(self, reached: float) -> float:
        """The standard error where the curve has come to."""
        squares = reached**2 * self._rate - 2 * reached * self._first + self._second
        variance = squares + self._own - 2 * (reached * self._mixed - self._mixed_first)
        return math.sqrt(max(0.0, variance))


def _ends(watched: Sequence[Span]) -> Iterable[tuple[float, int, Counter[str]]]:
    """Each time at which something ended, how many were watched until then, and how they ended."""
    by_time: dict[float, Counter[str]] = {}
    leaving: Counter[float] = Counter()
    for span in watched:
        leaving[span.lasted] += 1
        if span.end is not None:
            by_time.setdefault(span.lasted, Counter())[span.end] += 1
    at_risk = len(watched)
    for time in sorted(leaving):
        if time in by_time:
            yield time, at_risk, by_time[time]
        at_risk -= leaving[time]


def _longest(watched: Sequence[Span]) -> float:
    longest = max((span.lasted for span in watched), default=0.0)
    is_over = watched and not any(span.end is None for span in watched if span.lasted == longest)
    return math.inf if is_over else longest


def _band(value: float, error: float) -> Interval:
    if not 0 < value < 1 or error == 0:
        return Interval(value, value, value)
    widened = math.exp(Z * error / (value * abs(math.log(value))))
    return Interval(value, value**widened, value ** (1 / widened))
