"""Numbers drawn by chance that are the same on every machine and with every version of every library.

A draw depends on the keys it is given and on nothing else: no state, no order. So two policies that meet the same case meet
the same luck (common random numbers), and a block of draws can be made in any order. Source of the mixing function: Steele,
Lea and Flood, "Fast splittable pseudorandom number generators" (2014), SplitMix64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def uniforms(*keys: ArrayLike) -> Floats:
    """A number in (0, 1) for each combination of whole-number keys, which are broadcast against each other."""
    state = np.zeros(1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for key in keys:
            words = np.atleast_1d(np.asarray(key)).astype(np.int64).astype(np.uint64)
            state = _mixed(_mixed(state + _GOLDEN) ^ words)
    mantissa: Floats = (state >> np.uint64(11)).astype(np.float64)
    return (mantissa + 0.5) / 2.0**53


def exponentials(means: ArrayLike, *keys: ArrayLike) -> Floats:
    """Exponential draws with these means."""
    drawn: Floats = -np.asarray(means, dtype=np.float64) * np.log(uniforms(*keys))
    return drawn


def lognormals(median: float, spread: float, *keys: ArrayLike) -> Floats:
    """Lognormal draws with this median; ``spread`` is the standard deviation of the logarithm (Box and Muller, 1958)."""
    radius = np.sqrt(-2.0 * np.log(uniforms(*keys, 1)))
    drawn: Floats = median * np.exp(spread * radius * np.cos(2.0 * np.pi * uniforms(*keys, 2)))
    return drawn


def choices(shares: ArrayLike, *keys: ArrayLike) -> NDArray[np.int64]:
    """The index of one of ``shares`` (which need not add up to 1) for each combination of keys, as often as it says."""
    edges = np.cumsum(np.asarray(shares, dtype=np.float64))
    drawn = np.searchsorted(edges / edges[-1], uniforms(*keys), side="right")
    return np.minimum(drawn, len(edges) - 1).astype(np.int64)


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
