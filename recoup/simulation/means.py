"""Means over many worlds: what holds in one world may be its luck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from recoup.simulation.simulate import Result

BOUNDS = ("oracle", "clairvoyant")
CHOOSING = ("planner", "random")


@dataclass(frozen=True, slots=True)
class Mean:
    """One policy over several worlds."""

    policy: str
    worlds: int
    ratio: float
    """Mean over the worlds of its share of the oracle's retries."""
    error: float
    """Half of a 95 % interval of that mean, from how the worlds differ."""
    least: float
    """The smallest share in any world."""
    against_fixed: float
    """Mean distance to the best fixed schedule of each world."""
    least_against_fixed: float
    """The smallest such distance."""
    attempts_against_fixed: float
    """The largest number of attempts for a recovery in any world, as a multiple of that of the best fixed schedule."""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(self).items()
        }


def means(results: Sequence[Result]) -> list[Mean]:
    """Of every policy that played all of these worlds with an oracle, the best first."""
    by_world = [{figure.policy: figure for figure in result.figures} for result in results]
    shared = (
        [name for name in by_world[0] if all(name in figures for figures in by_world)] if by_world else []
    )
    best = [
        max((figure for name, figure in figures.items() if _is_fixed(name)), key=lambda figure: figure.added)
        for figures in by_world
    ]
    found = []
    for name in shared:
        ratios = np.array([figures[name].ratio or 0.0 for figures in by_world])
        away = ratios - np.array([figure.ratio or 0.0 for figure in best])
        tries = [
            (figures[name].per_recovery or 0.0) / (figure.per_recovery or 1.0)
            for figures, figure in zip(by_world, best, strict=True)
        ]
        spread = float(ratios.std(ddof=1)) if len(ratios) > 1 else 0.0
        found.append(
            Mean(
                policy=name,
                worlds=len(ratios),
                ratio=float(ratios.mean()),
                error=1.96 * spread / len(ratios) ** 0.5,
                least=float(ratios.min()),
                against_fixed=float(away.mean()),
                least_against_fixed=float(away.min()),
                attempts_against_fixed=max(tries),
            )
        )
    return sorted(found, key=lambda mean: -mean.ratio)


def _is_fixed(name: str) -> bool:
    return name not in (*BOUNDS, *CHOOSING) and not name.startswith("learned")


def lines_of(found: Sequence[Mean]) -> list[str]:
    """A table for people."""
    if not found:
        return []
    head = (
        f"{'of the oracle':>15}{'95 %':>8}{'least':>8}{'to fixed':>10}{'least':>8}{'for one, to fixed':>19}"
    )
    return [
        f"mean of {found[0].worlds} worlds",
        f"  {'policy':<18}{head}",
        *(
            f"  {mean.policy:<18}{mean.ratio:>15.3f}{mean.error:>8.3f}{mean.least:>8.3f}"
            f"{mean.against_fixed:>+10.3f}{mean.least_against_fixed:>+8.3f}{mean.attempts_against_fixed:>19.2f}"
            for mean in found
        ),
    ]
