"""The learned model: what an operator's own attempts add to the prior.

A model is the prior's chance, moved (in log-odds) by tables that were learned from attempts (:mod:`recoup.timing.training`). It carries
its card: what it learned from, how well it did on later attempts that it had not seen, and whether it was promoted. One that was not, or that has
grown old, leaves every decision to the prior.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AwareDatetime, ValidationError

from recoup.errors import ConfigurationError
from recoup.rules.base import Frozen
from recoup.timing._stories import Stories, Table
from recoup.timing.features import (
    GRIDS,
    SIZES,
    TERMS,
    TERMS_OF,
    Ints,
    Moving,
    Names,
    cells,
    cells_in,
    columns,
    places_of,
)
from recoup.timing.prior import Prior, shipped_prior
from recoup.timing.situation import SLOT_HOURS, Situation

Floats = NDArray[np.float64]

STALE_AFTER = timedelta(days=270)
"""A model whose newest attempt is older than this decides nothing any more."""
_LEAST, _MOST = 0.003, 0.97
_MOST_KEPT = 20_000
_STEPS, _STRIDE = 4, 1.5
"""Stories that differ move less together than each does alone, so each step goes further than it seems to need. After so many steps the chances are the model's within a few hundredths of themselves."""


class Card(Frozen):
    """What a model was made from and how well it did; the same words in the file and in the report."""

    promoted: bool
    because: str
    prior: str
    """Name of the prior it stands on."""
    attempts: int
    """Attempts it learned from."""
    approved: int
    held_back: int
    """The latest of them, on which it was judged before it saw them."""
    begins: AwareDatetime | None = None
    ends: AwareDatetime | None = None
    data: str = ""
    """SHA-256 of the attempts that were read."""
    log_loss: float | None = None
    """Mean negative log-likelihood on the held-back attempts, in nats; smaller is better."""
    log_loss_of_prior: float | None = None
    """The same of the prior, with its level and slope set to the earlier attempts."""
    calibration_error: float | None = None
    """Expected calibration error on the held-back attempts: the mean distance between said and seen in ten equal groups."""
    calibrated: bool = False
    """Whether the prior's chances, where it decides, are told as the attempts have shown them to be."""
    drift: float | None = None
    """How far the approved share of the held-back attempts lies from the earlier ones."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Model:
    """A learned model."""

    card: Card
    level: float
    slope: float
    names: Names
    tables: tuple[Floats, ...]
    """One for each of :data:`recoup.timing.features.TERMS`, in log-odds."""
    _kept: dict[tuple[Any, ...], Floats] = field(default_factory=dict, compare=False, repr=False)

    def moved(self, prior: Floats, situation: Situation, local_hours: NDArray[np.int64]) -> Floats:
        """The chances of attempts at some local hours, given the prior's."""
        told = columns(situation, self.names, local_hours)
        score: Floats = self.level + self.slope * log_odds(prior)
        for moving, places in places_of(told).items():
            score = score + self._along(moving, told)[places]
        return chances(score)

    def _along(self, moving: Moving, told: Mapping[str, Ints | int]) -> Floats:
        """What the terms that move alike add, along the grid on which they move; kept, because a case has many moments."""
        terms = TERMS_OF[moving]
        fixed = {name: told[name] for name in terms.fixed}
        key = (moving, *fixed.values())
        if (kept := self._kept.get(key)) is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            grid = {**fixed, **GRIDS[moving]}
            kept = np.zeros(terms.length)
            for place in terms.places:
                kept = kept + self.tables[place][cells(TERMS[place], grid)]
            self._kept[key] = kept
        return kept

    def is_fresh(self, now: datetime) -> bool:
        """Whether it may still decide."""
        return self.card.promoted and self.is_recent(now)

    def is_recent(self, now: datetime) -> bool:
        """Whether its newest attempt is recent enough to say anything about now."""
        return self.card.ends is not None and now - self.card.ends <= STALE_AFTER


class LearnedStories(Stories):
    """The prior's stories, so weighted that each slot's chance is the learned one.

    Which attempts fail together still follows from the stories: that is not to be seen in single attempts, and is not learned.
    """

    def __init__(self, model: Model, prior: Prior | None = None) -> None:
        super().__init__(prior or shipped_prior())
        self._model = model

    def keeps_apart(self, situation: Situation) -> bool:
        """Only where the model is too old to be asked."""
        return not self._model.is_fresh(situation.now)

    def learned(
        self, situation: Situation, slots: NDArray[np.int64], approves: Table, weights: NDArray[np.float32]
    ) -> Table:
        """Chances whose weighted means are the model's."""
        if not self._model.is_fresh(situation.now) or not len(slots):
            return approves
        raised = np.maximum(approves, np.float32(_LEAST))
        prior: Floats = (approves @ weights).astype(np.float64)
        hopeful = float(weights.sum())  # what no story can bring, no factor can
        target = odds(self._model.moved(prior, situation, slots * SLOT_HOURS) / hopeful)
        factor: Floats = np.ones(len(slots))
        for _ in range(_STEPS):
            told: Floats = (_times(raised, factor) @ weights).astype(np.float64)
            factor = np.minimum(np.maximum(factor * (target / odds(told / hopeful)) ** _STRIDE, 1e-3), 1e3)
        return _times(raised, factor)


class CalibratedStories(Stories):
    """The prior's stories and choices; only what is said of a chance is set to what was seen of such chances."""

    def __init__(self, model: Model, prior: Prior | None = None) -> None:
        super().__init__(prior or shipped_prior())
        self._model = model

    def told(self, situation: Situation, chance: float) -> float:
        """The chance with the attempts' level and slope."""
        if not self._model.is_recent(situation.now):
            return chance
        score = self._model.level + self._model.slope * log_odds(np.array([chance]))
        return float(chances(score)[0])


def _times(approves: Table, factor: Floats) -> Table:
    """Chances whose odds are multiplied, slot by slot."""
    many = factor.astype(np.float32)[:, None]
    found: Table = approves * (many - np.float32(1.0))
    found += np.float32(1.0)
    np.divide(approves, found, out=found)
    found *= many
    return found


def odds(chance: Floats) -> Floats:
    """Odds of chances that are neither nothing nor certain."""
    kept = np.minimum(np.maximum(chance, _LEAST), _MOST)
    found: Floats = kept / (1.0 - kept)
    return found


def log_odds(chance: Floats) -> Floats:
    """Log-odds of chances that are neither nothing nor certain."""
    found: Floats = np.log(odds(chance))
    return found


def chances(score: Floats) -> Floats:
    """The chances behind log-odds."""
    found: Floats = 1.0 / (1.0 + np.exp(-score))
    return found


def stories_for(model: Model) -> Stories:
    """What a planner works with: the learned stories, or the prior's where the model was not promoted."""
    if model.card.promoted:
        return LearnedStories(model)
    return CalibratedStories(model) if model.card.calibrated else Stories(shipped_prior())


def save(model: Model, path: Path) -> None:
    """Write a model; the same model is the same text."""
    path.write_text(as_text(model), encoding="utf-8")


def as_text(model: Model) -> str:
    """A model as its file has it."""
    text = {
        "version": 1,
        "card": model.card.model_dump(mode="json"),
        "level": round(model.level, 6),
        "slope": round(model.slope, 6),
        "names": model.names.places,
        "tables": {
            "*".join(term): {
                str(cell): round(float(table[cell]), 5) for cell in np.nonzero(np.round(table, 5))[0]
            }
            for term, table in zip(TERMS, model.tables, strict=True)
        },
    }
    return json.dumps(text, indent=1, sort_keys=True) + "\n"


def load(path: Path) -> Model:
    """Read a model; raises :class:`ConfigurationError` with one sentence when the file holds none."""
    try:
        return read(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path}: not a model of this version ({error!r:.120}); train one anew"
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"{path}: the model cannot be read ({error.strerror}); train one first"
        ) from None


def read(text: str, source: str) -> Model:
    """Read a model from its text; raises as :func:`load`, naming ``source``."""
    try:
        said: dict[str, Any] = json.loads(text)
        tables = []
        for term in TERMS:
            table = np.zeros(cells_in(term))
            for cell, value in said["tables"].get("*".join(term), {}).items():
                table[int(cell)] = float(value)
            tables.append(table)
        names = {name: dict(places) for name, places in said["names"].items() if name in SIZES}
        card = Card.model_validate(said["card"])
        return Model(card, float(said["level"]), float(said["slope"]), Names(names), tuple(tables))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, ValidationError) as error:
        raise ConfigurationError(
            f"{source}: not a model of this version ({error!r:.120}); train one anew"
        ) from None
