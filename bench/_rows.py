"""What a measurement is, and how it is told."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figures:
    """One figure, measured several times."""

    what: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    def __str__(self) -> str:
        low, high = min(self.values), max(self.values)
        return f"{self.what}: {self.median:.4g} {self.unit} [{low:.4g}, {high:.4g}]"


@dataclass(frozen=True, slots=True)
class Row:
    """A measurement with its target."""

    name: str
    what: str
    target: str
    ours: Figures
    baseline: Figures | None = None
    limit: float | None = None
    """Of the ratio where there is a baseline, otherwise of the figure."""
    at_least: bool = False
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def reached(self) -> float:
        """The ratio of the medians, or the figure itself."""
        return self.ours.median / self.baseline.median if self.baseline else self.ours.median

    @property
    def is_met(self) -> bool | None:
        """Whether the target is reached; nothing where there is none."""
        if self.limit is None:
            return None
        return self.reached >= self.limit if self.at_least else self.reached <= self.limit

    def lines(self) -> list[str]:
        """As people read it."""
        met = {True: "met", False: "NOT met", None: "no target"}[self.is_met]
        reached = f"{self.reached:.3g} ×" if self.baseline else f"{self.reached:.3g} {self.ours.unit}"
        told = [f"{self.name}: {self.what}", f"  {reached} (target {self.target}): {met}", f"  {self.ours}"]
        told += [f"  {self.baseline}"] if self.baseline else []
        return [*told, *(f"  {note}" for note in self.notes)]

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "name": self.name,
            "what": self.what,
            "reached": self.reached,
            "target": self.target,
            "met": self.is_met,
            "ours": list(self.ours.values),
            "baseline": list(self.baseline.values) if self.baseline else None,
            "unit": self.ours.unit,
        }


Measure = Callable[[Path, int], list[Row]]
"""Measures in a directory of its own, so many times."""
