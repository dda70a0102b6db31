"""What somebody pays within so many periods, where not everybody has been watched so long. Pure.

The mean of what those pay in a period who were there at its beginning, times the part that is still there, summed over the periods
(D. Y. Lin, E. J. Feuer, R. Etzioni and Y. Wax, "Estimating medical costs from incomplete follow-up data", *Biometrics* 53, 1997). Only
who could be watched through a whole period counts in it, so that watching less long changes nothing; nothing is extrapolated. The
interval is that of :mod:`recoup.statistics.resampling`, over those who are watched. numpy is imported when something is worked out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recoup.statistics.intervals import Interval
from recoup.statistics.resampling import DRAWS


@dataclass(frozen=True, slots=True)
class Life:
    """One who is watched, from the moment that all times count from; times in periods."""

    watched: float
    """How long they could be watched at most, ended or not."""
    ended: float | None
    """When they left; nothing where they are still there."""
    paid: tuple[int, ...]
    """What they paid in each period, in minor units."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """What they are worth, and how many are still there."""

    value: Interval
    """Paid within all the periods, for each."""
    there: tuple[float, ...]
    """The part that is still there at the end of each period."""


def lifetime(lives: Sequence[Life], periods: int) -> Lifetime | None:
    """Worked out over so many periods; nothing where nobody could be watched through all of them."""
    import numpy as np

    if not any(life.watched >= periods for life in lives):
        return None
    begins = np.arange(periods)
    watched = np.array([life.watched for life in lives])[:, None] >= begins + 1
    ended = np.array([np.inf if life.ended is None else life.ended for life in lives])[:, None]
    at_risk = watched & (ended > begins)
    leaves = at_risk & (ended <= begins + 1)
    paid = np.array([life.paid[:periods] for life in lives], dtype=float) * at_risk
    everybody = np.ones((1, len(lives)))
    chance = np.random.default_rng(0)
    drawn = chance.multinomial(len(lives), np.full(len(lives), 1 / len(lives)), size=DRAWS)

    def worked_out(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        there = np.maximum(weights @ at_risk, 1e-300)
        stays = np.cumprod(1 - (weights @ leaves) / there, axis=1)
        begun = np.hstack([np.ones((len(weights), 1)), stays[:, :-1]])
        return (begun * (weights @ paid) / there).sum(axis=1), stays

    value, stays = worked_out(everybody)
    low, high = np.quantile(worked_out(drawn)[0], [0.025, 0.975])
    return Lifetime(Interval(float(value[0]), float(low), float(high)), tuple(map(float, stays[0])))
