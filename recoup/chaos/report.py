"""What came of the runs, in figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recoup.chaos.audit import FIGURES, HARMLESS, Finding
from recoup.chaos.faults import KINDS


@dataclass
class Tally:
    """The figures of some runs that had one setting in common."""

    runs: int = 0
    figures: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    """Real seconds of one process."""

    def add(self, other: Tally) -> None:
        """Count these too."""
        self.runs += other.runs
        self.seconds += other.seconds
        self.figures += other.figures
        self.hits += other.hits
        self.outcomes += other.outcomes

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return {
            "runs": self.runs,
            **{figure: self.figures[figure] for figure in FIGURES},
            "faults": {kind.value: self.hits[kind.value] for kind in KINDS} | dict(sorted(self.hits.items())),
            "outcomes": dict(sorted(self.outcomes.items())),
            "process_seconds": round(self.seconds, 1),
        }


@dataclass(frozen=True)
class Kept:
    """A finding with what is needed to look into it."""

    finding: Finding
    trace: Path | None
    """What happened in the run."""
    again: str
    """The command that plays the same plan once more."""


@dataclass
class Report:
    """The whole of a chaos command."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    """By setting: ``own_lock_on``, ``own_lock_off``, the same of the other modes, ``processes``."""
    findings: list[Kept] = field(default_factory=list)

    @property
    def total(self) -> Tally:
        """All together."""
        total = Tally()
        for tally in self.tallies.values():
            total.add(tally)
        return total

    @property
    def failures(self) -> list[Kept]:
        """What must not be."""
        return [each for each in self.findings if each.finding.figure not in HARMLESS]

    def as_json(self, command: str, seed: int, seconds: float) -> dict[str, Any]:
        """For a file."""
        return {
            "command": command,
            "seed": seed,
            "seconds": round(seconds, 1),
            **self.total.as_json(),
            "by_setting": {name: tally.as_json() for name, tally in self.tallies.items()},
            "failures": [
                {
                    "figure": each.finding.figure,
                    "seed": each.finding.seed,
                    "what": each.finding.sentence,
                    "trace": str(each.trace) if each.trace else None,
                    "again": each.again,
                }
                for each in self.failures
            ],
        }
