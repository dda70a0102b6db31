"""Off-policy estimates: what another way of choosing would have brought, from attempts whose moments were drawn with known chances.

Only the next attempt is judged, never a whole case: over the many choices of a case the weights grow until a handful of cases decide
everything. And only where enough attempts support the answer; otherwise the answer is "can't tell yet".

Sources: Horvitz and Thompson (1952) for weighting, Kong (1992) for the effective sample size, Dudík, Langford and Li (2011) for the doubly
robust estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_EFFECTIVE = 200.0
"""Attempts that must support an estimate, after weighting."""
LEAST_OVERLAP = 0.05
"""Share of the logged attempts that the other policy might have made too."""
_Z = 1.959964
"""Two-sided 95 %."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One attempt that was made, and what is known of its choice."""

    approved: bool
    propensity: float
    """The chance with which the logging policy drew this moment, above 0 and at most 1."""
    target: float
    """The chance with which the other policy would have drawn it."""
    predicted: float = 0.0
    """A model's chance of approval at this moment, learned from other attempts than these."""
    predicted_for_target: float = 0.0
    """The same model's mean over the moments that the other policy would draw."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the other policy's next attempts would have brought: an approval rate, or that it cannot be told."""

    method: str
    attempts: int
    overlap: float
    effective: float
    """Effective sample size."""
    value: float | None
    low: float | None
    high: float | None
    """95 % interval; ``None`` with the value where it cannot be told."""
    because: str

    @property
    def can_tell(self) -> bool:
        """Whether there is an answer."""
        return self.value is not None


def weighted(log: Sequence[Logged]) -> Estimate:
    """Inverse propensity weighting, normalised by the weights' sum: the other policy's approval rate."""
    weights, outcome = _weights(log), _outcomes(log)
    if (refusal := _refused("ips", log, weights)) is not None:
        return refusal
    value = float((weights * outcome).sum() / weights.sum())
    errors = weights * (outcome - value) / weights.mean()
    return _told("ips", log, weights, value, errors)


def doubly_robust(log: Sequence[Logged]) -> Estimate:
    """The model's answer, corrected by the weighted errors it made on what was logged: right if either of the two is."""
    weights, outcome = _weights(log), _outcomes(log)
    if (refusal := _refused("dr", log, weights)) is not None:
        return refusal
    predicted = np.array([one.predicted for one in log])
    expected = np.array([one.predicted_for_target for one in log])
    single = expected + weights * (outcome - predicted)
    value = float(single.mean())
    return _told("dr", log, weights, value, single - value)


def effective_size(weights: NDArray[np.float64]) -> float:
    """How many equal attempts say as much as these weighted ones."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def _weights(log: Sequence[Logged]) -> NDArray[np.float64]:
    for number, one in enumerate(log):
        if not 0.0 < one.propensity <= 1.0:
            raise ValueError(f"attempt {number}: the propensity {one.propensity} is not in (0, 1]")
        if not 0.0 <= one.target <= 1.0:
            raise ValueError(f"attempt {number}: the target's chance {one.target} is not in [0, 1]")
    return np.array([one.target / one.propensity for one in log])


def _outcomes(log: Sequence[Logged]) -> NDArray[np.float64]:
    return np.array([float(one.approved) for one in log])


def _refused(method: str, log: Sequence[Logged], weights: NDArray[np.float64]) -> Estimate | None:
    overlap, effective = _overlap(weights), effective_size(weights)
    if len(log) and effective >= LEAST_EFFECTIVE and overlap >= LEAST_OVERLAP:
        return None
    because = (
        f"can't tell yet: {len(log)} attempts say as much as {effective:.0f} would (at least {LEAST_EFFECTIVE:.0f} are needed),"
        f" and {overlap:.0%} of them are such as the other policy would make"
    )
    return Estimate(method, len(log), overlap, effective, None, None, None, because)


def _overlap(weights: NDArray[np.float64]) -> float:
    return float((weights > 0).mean()) if len(weights) else 0.0


def _told(
    method: str,
    log: Sequence[Logged],
    weights: NDArray[np.float64],
    value: float,
    errors: NDArray[np.float64],
) -> Estimate:
    half = _Z * float(errors.std(ddof=1)) / len(log) ** 0.5
    effective = effective_size(weights)
    because = (
        f"{len(log)} attempts, which say as much as {effective:.0f} made by the other policy itself would"
    )
    return Estimate(
        method, len(log), _overlap(weights), effective, value, value - half, value + half, because
    )
