"""How long it takes until something ends, where some have not ended yet. Pure.

One end of several: the cumulative incidence of O. O. Aalen and S. Johansen ("An empirical transition matrix for non-homogeneous
Markov chains based on censored observations", *Scandinavian Journal of Statistics* 5, 1978), with the variance by the delta method
(E. Marubini and M. G. Valsecchi, *Analysing Survival Data from Clinical Trials and Observational Studies*, 1995, 10.2). Any end: the
estimate of E. L. Kaplan and P. Meier (JASA 53, 1958) with Greenwood's variance. Bands are made on the scale of log(-log), which
keeps them between 0 and 1 (J. D. Kalbfleisch and R. L. Prentice, *The Statistical Analysis of Failure Time Data*, 2002, 1.4).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recoup.rules.experiments import SIGNIFICANCE_QUANTILE as Z
from recoup.statistics.intervals import Interval


@dataclass(frozen=True)
class Watched:
    """How long each one was watched, and how that ended."""

    lasted: np.ndarray
    ends: np.ndarray
    """The number of each one's end; negative where it goes on (censored)."""

    @cached_property
    def times(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Every time that there is, the place of each one's among them, and how many were watched so long."""
        return np.unique(self.lasted, return_inverse=True, return_counts=True)

    @classmethod
    def of(cls, spans: Iterable[tuple[float, int | None]]) -> Watched:
        """From pairs of both; nothing as the end where it goes on."""
        pairs = [(lasted, -1 if end is None else end) for lasted, end in spans]
        return cls(np.array([each for each, _ in pairs], float), np.array([each for _, each in pairs], int))


@dataclass(frozen=True, slots=True)
class Curve:
    """A step function of time: from each time on, the probability and its standard error."""

    times: np.ndarray
    values: np.ndarray
    errors: np.ndarray
    start: float
    """Its value before the first time."""
    until: float
    """The longest that anybody was watched: beyond it nothing is known. Infinite where nobody is left in whom anything could change."""

    def at(self, time: float) -> float:
        """The probability at a time."""
        index = self._index(time)
        return float(self.values[index - 1]) if index else self.start

    def interval(self, time: float) -> Interval:
        """The probability at a time with its 95 % interval."""
        index = self._index(time)
        if not index:
            return Interval(self.start, self.start, self.start)
        return _band(float(self.values[index - 1]), float(self.errors[index - 1]))

    def reaches(self, level: float) -> float | None:
        """When it first comes to a level from below; nothing where it never does."""
        there = self.values >= level
        return float(self.times[np.argmax(there)]) if there.any() else None

    def area(self, until: float) -> float:
        """What lies under it from 0 to a time: of a survival curve, the mean time restricted to it."""
        inside = int(np.searchsorted(self.times, until))
        edges = np.concatenate([[0.0], self.times[:inside], [until]])
        heights = np.concatenate([[self.start], self.values[:inside]])
        return math.fsum((heights * np.diff(edges)).tolist())

    def _index(self, time: float) -> int:
        """How many steps were taken by a time."""
        return int(np.searchsorted(self.times, time, side="right"))


def incidence(watched: Watched, of: int) -> Curve:
    """How probable it is to have ended this way by each time, the other ends competing with it."""
    times, at_risk, ours, ended = _ends(watched, of)
    alive = _before(1 - ended / at_risk)
    reached = np.cumsum(alive * ours / at_risk)
    spread = np.sqrt(np.maximum(0, _variance(reached, alive, at_risk, ours, ended)))
    return _curve(times, reached, spread, 0.0, watched)


def survival(watched: Watched) -> Curve:
    """How probable it is not to have ended by each time, whichever the end."""
    times, at_risk, _, ended = _ends(watched, None)
    alive = np.cumprod(1 - ended / at_risk)
    return _curve(times, alive, alive * np.sqrt(np.cumsum(_hazard(at_risk, ended))), 1.0, watched)


def _curve(
    times: np.ndarray, values: np.ndarray, errors: np.ndarray, start: float, watched: Watched
) -> Curve:
    return Curve(times, values, errors, start, _longest(watched))


def _before(steps: np.ndarray) -> np.ndarray:
    """The product of all factors before each one."""
    return np.concatenate(([1.0], np.cumprod(steps)))[:-1]


def _hazard(at_risk: np.ndarray, ended: np.ndarray) -> np.ndarray:
    """What each time adds to Greenwood's sum; nothing where nobody is left."""
    left = at_risk > ended
    added: np.ndarray = np.divide(ended, at_risk * (at_risk - ended), out=np.zeros(len(at_risk)), where=left)
    return added


def _variance(
    reached: np.ndarray, alive: np.ndarray, at_risk: np.ndarray, ours: np.ndarray, ended: np.ndarray
) -> np.ndarray:
    """The delta method's, from sums that grow from one time to the next."""
    each, mixed = _hazard(at_risk, ended), alive * ours / at_risk**2
    squares = (
        reached**2 * np.cumsum(each) - 2 * reached * np.cumsum(each * reached) + np.cumsum(each * reached**2)
    )
    own = np.cumsum(alive**2 * (at_risk - ours) * ours / at_risk**3)
    variance: np.ndarray = squares + own - 2 * (reached * np.cumsum(mixed) - np.cumsum(mixed * reached))
    return variance


def _ends(watched: Watched, of: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Each time at which something ended, how many were watched until then, and how many ended: this way, and any way."""
    times, place, leaving = watched.times
    at_risk = (len(watched.lasted) - np.cumsum(leaving) + leaving).astype(float)
    ended = np.bincount(place[watched.ends >= 0], minlength=len(times)).astype(float)
    ours = (
        np.bincount(place[watched.ends == of], minlength=len(times)).astype(float)
        if of is not None
        else ended
    )
    some = ended > 0
    return times[some], at_risk[some], ours[some], ended[some]


def _longest(watched: Watched) -> float:
    if not len(watched.lasted):
        return 0.0
    longest = watched.lasted.max()
    return math.inf if (watched.ends[watched.lasted == longest] >= 0).all() else float(longest)


def _band(value: float, error: float) -> Interval:
    if not 0 < value < 1 or error == 0:
        return Interval(value, value, value)
    widened = math.exp(Z * error / (value * abs(math.log(value))))
    return Interval(value, value**widened, value ** (1 / widened))
