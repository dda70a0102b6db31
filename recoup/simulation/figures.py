"""Figures of a simulation: what each policy adds, compared case by case, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recoup.simulation.play import Score
from recoup.timing.draws import uniforms

RESAMPLES = 400


@dataclass(frozen=True, slots=True)
class Figure:
    """One policy in one world and setting."""

    policy: str
    added: float
    """Share of the failed money that its retries add to what customers bring anyway."""
    ratio: float | None
    """That, as a share of what the oracle's retries add."""
    low: float | None
    high: float | None
    """95 % interval of the ratio, by drawing the cases again (both policies on the same cases)."""
    attempts: float
    """Attempts a case."""
    per_recovery: float | None
    """Attempts for each payment that a retry brought."""


def figures(scores: Mapping[str, Score], failed: float, oracle: str | None = "oracle") -> list[Figure]:
    """The figures of policies that played the same cases; ``failed`` is the money that failed, in minor units."""
    best = scores.get(oracle or "")
    return [_figure(score, best, failed) for score in scores.values()]


def _figure(score: Score, best: Score | None, failed: float) -> Figure:
    recovered = float(score.recovered.sum())
    ratio = low = high = None
    if best is not None and best.added.sum() > 0:
        ratio = float(score.added.sum() / best.added.sum())
        low, high = _interval(score, best)
    return Figure(
        policy=score.name,
        added=float(score.added.sum()) / failed if failed else 0.0,
        ratio=ratio,
        low=low,
        high=high,
        attempts=float(score.attempts.mean()),
        per_recovery=float(score.attempts.sum()) / recovered if recovered > 0 else None,
    )


def _interval(score: Score, best: Score) -> tuple[float, float]:
    """Percentile bootstrap of a ratio of sums, in pairs: a case is drawn with both of its results."""
    count = len(score.added)
    ratios = []
    for resample in range(RESAMPLES):
        drawn = (uniforms(97, resample, np.arange(count)) * count).astype(np.int64)
        below = best.added[drawn].sum()
        if below > 0:
            ratios.append(score.added[drawn].sum() / below)
    low, high = np.percentile(ratios, [2.5, 97.5]) if ratios else (0.0, 0.0)
    return float(low), float(high)
