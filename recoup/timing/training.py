"""Training: tables learned from an operator's own attempts, and the gate they must pass.

The prior's chance of every attempt, given what was known before it, is the base; what is learned is how far reality lies from it, table by
table, each cell pulled towards nothing (a ridge, in log-odds). So few attempts move little, and none at all leave the
prior. The tables are fitted together by Newton steps, one table after the other (Hastie and Tibshirani's backfitting for logistic models).

A case that ended by the customer's own doing counts up to its last attempt: that end says nothing about what a bank would have answered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from recoup.timing._stories import Stories
from recoup.timing.belief import believe
from recoup.timing.features import (
    TERMS,
    Ints,
    Names,
    cells,
    cells_in,
    choose_names,
    columns,
    local_hour,
    names_of,
)
from recoup.timing.lines import AttemptLine, DeclineLine, refusal, situation_of
from recoup.timing.model import Card, Floats, Model, chances, log_odds
from recoup.timing.prior import shipped_prior
from recoup.timing.situation import Situation, Tried, slot_of

MOST_ATTEMPTS = 60_000
"""Only the newest attempts are learned from: enough, and training stays within a minute."""
LEAST_ATTEMPTS = 400
LEAST_APPROVED = 30
HELD_BACK = 0.2
"""The latest share of the attempts, on which a model is judged before it sees them."""
WORST_CALIBRATION = 0.04
"""Calibration error, beyond what chance alone makes of so few attempts, with which a model is refused."""
_STRENGTHS = (1.0, 3.0, 9.0)
"""How strongly the cells are pulled towards nothing; the held-back part of the earlier attempts chooses."""
_ROUNDS = 12
_PULL = 6.0
_PULL_OF_PAIRS = 18.0
_LEAST_FOR_A_NAME = 25


@dataclass(frozen=True, slots=True)
class Example:
    """One past attempt."""

    situation: Situation
    """What was known just before it."""
    base: float
    """The prior's chance."""
    local_hour: int
    approved: bool


def read_attempts(lines: Iterable[str]) -> tuple[list[AttemptLine], list[str]]:
    """The attempts of a file, and a sentence for each line that cannot be used."""
    found, problems = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(AttemptLine.model_validate_json(line))
        except ValidationError as error:
            problems.append(str(refusal(number, line, error)["error"]))
    return found, problems


def examples_of(attempts: Sequence[AttemptLine], stories: Stories) -> list[Example]:
    """The retries among the attempts, each with what was known before it, in order of time."""
    tried: dict[str, list[Tried]] = {}
    found: list[Example] = []
    newest = {id(line) for line in sorted(attempts, key=lambda line: line.at)[-MOST_ATTEMPTS:]}
    for line in sorted(attempts, key=lambda line: (line.at, line.number)):
        if line.outcome not in ("approved", "declined"):
            continue
        before = tried.setdefault(line.case, [])
        if before and line.number > 1 and line.scheduled and id(line) in newest:
            found.append(_example(line, before, stories))
        if line.outcome == "declined":
            brand = line.brand.lower() if line.brand else None
            before.append(Tried(line.at, (line.decline or DeclineLine()).as_decline(brand)))
    return found


def _example(line: AttemptLine, before: Sequence[Tried], stories: Stories) -> Example:
    situation = situation_of(line, line.at, before)
    slot = slot_of(line.at, situation.zone)
    belief = believe(stories, situation, slot + 1)
    base = belief.chance(slot) if len(belief.approves) else 0.0
    return Example(
        situation, base, local_hour(line.at.astimezone(situation.zone)), line.outcome == "approved"
    )


def train(attempts: Sequence[AttemptLine], *, seed: int = 0) -> Model:
    """Learn from attempts, judge on the latest of them, and say on the card whether the model may decide.

    The same attempts always give the same model; ``seed`` is only kept on the card.
    """
    stories = Stories(shipped_prior())
    examples = examples_of(attempts, stories)
    card = Card(
        promoted=False,
        because="",
        prior=stories.prior.name,
        attempts=len(examples),
        approved=sum(example.approved for example in examples),
        held_back=int(len(examples) * HELD_BACK),
        begins=examples[0].situation.now if examples else None,
        ends=examples[-1].situation.now if examples else None,
        data=_hash(attempts),
        seed=seed,
    )
    if card.attempts < LEAST_ATTEMPTS or card.approved < LEAST_APPROVED:
        because = (
            f"{card.attempts} retries with {card.approved} approvals are too few; at least {LEAST_ATTEMPTS} with"
            f" {LEAST_APPROVED} are needed, so the prior decides"
        )
        return untaught(card.model_copy(update={"because": because}))
    data = _Data.of(examples)
    judged, strength = _judged(data, card)
    if not judged.promoted:
        return untaught(judged)
    level, slope = data.recalibration(slice(None))
    tables = data.fitted(slice(None), level, slope, strength)
    return Model(judged, level, slope, data.names, tuple(tables))


@dataclass(frozen=True, slots=True)
class _Data:
    """Examples as arrays."""

    names: Names
    base: Floats
    outcome: Floats
    cells: tuple[Ints, ...]

    @classmethod
    def of(cls, examples: Sequence[Example]) -> _Data:
        names = choose_names([names_of(example.situation) for example in examples], _LEAST_FOR_A_NAME)
        rows = [
            columns(example.situation, names, np.array([example.local_hour], dtype=np.int64))
            for example in examples
        ]
        table = {
            feature: np.array([int(np.atleast_1d(row[feature])[0]) for row in rows], dtype=np.int64)
            for feature in rows[0]
        }
        return cls(
            names=names,
            base=log_odds(np.array([example.base for example in examples])),
            outcome=np.array([float(example.approved) for example in examples]),
            cells=tuple(np.asarray(cells(term, table), dtype=np.int64) for term in TERMS),
        )

    def recalibration(self, rows: slice) -> tuple[float, float]:
        """Level and slope of the prior's log-odds that fit these rows best, pulled towards 0 and 1."""
        base, outcome = self.base[rows], self.outcome[rows]
        level, slope = 0.0, 1.0
        for _ in range(25):
            chance = chances(level + slope * base)
            weight, error = chance * (1 - chance), outcome - chance
            gradient = np.array([error.sum() - 0.5 * level, (error * base).sum() - 20.0 * (slope - 1.0)])
            curve = np.array(
                [
                    [weight.sum() + 0.5, (weight * base).sum()],
                    [(weight * base).sum(), (weight * base**2).sum() + 20.0],
                ]
            )
            step = np.clip(np.linalg.solve(curve, gradient), -0.5, 0.5)
            level, slope = level + float(step[0]), slope + float(step[1])
        return level, slope

    def fitted(self, rows: slice, level: float, slope: float, strength: float) -> list[Floats]:
        """The tables that fit these rows."""
        outcome = self.outcome[rows]
        score = level + slope * self.base[rows]
        tables = [np.zeros(cells_in(term)) for term in TERMS]
        for _ in range(_ROUNDS):
            for place, term in enumerate(TERMS):
                cell, table = self.cells[place][rows], tables[place]
                pull = strength * (_PULL if len(term) == 1 else _PULL_OF_PAIRS)
                chance = chances(score)
                gradient = np.bincount(cell, outcome - chance, len(table)) - pull * table
                curve = np.bincount(cell, chance * (1.0 - chance), len(table)) + pull
                step = 0.7 * gradient / curve
                table += step
                score = score + step[cell]
        return tables

    def score(self, rows: slice, level: float, slope: float, tables: Sequence[Floats]) -> Floats:
        """Log-odds of these rows."""
        found: Floats = level + slope * self.base[rows]
        for place, table in enumerate(tables):
            found = found + table[self.cells[place][rows]]
        return found


def _judged(data: _Data, card: Card) -> tuple[Card, float]:
    """The card after the gate, and the strength that did best on the end of the earlier attempts."""
    count = len(data.outcome)
    early, late = slice(0, count - card.held_back), slice(count - card.held_back, count)
    strength = _strength(data, count - card.held_back)
    level, slope = data.recalibration(early)
    tables = data.fitted(early, level, slope, strength)
    outcome = data.outcome[late]
    said = chances(data.score(late, level, slope, tables))
    mine, prior = _losses(said, outcome), _losses(chances(level + slope * data.base[late]), outcome)
    error = calibration_error(said, outcome)
    gain = prior - mine
    doubt = float(gain.std() / np.sqrt(len(gain)))
    better = float(gain.mean()) > 2.0 * doubt
    calibrated = error - _by_chance(said) <= WORST_CALIBRATION
    if not better:
        because = "on the latest attempts it was not clearly better than the prior, so the prior decides"
    elif not calibrated:
        because = f"its chances were off by {error:.1%} on the latest attempts, so the prior decides"
    else:
        because = "it was clearly better than the prior on the latest attempts, which it had not seen"
    return card.model_copy(
        update={
            "promoted": better and calibrated,
            "because": because,
            "log_loss": round(float(mine.mean()), 6),
            "log_loss_of_prior": round(float(prior.mean()), 6),
            "calibration_error": round(error, 6),
            "drift": round(float(abs(outcome.mean() - data.outcome[early].mean())), 6),
        }
    ), strength


def _strength(data: _Data, count: int) -> float:
    """The pull that does best on the last fifth of the first ``count`` attempts when fitted to those before."""
    cut = int(count * (1.0 - HELD_BACK))
    early, late = slice(0, cut), slice(cut, count)
    level, slope = data.recalibration(early)
    losses = {}
    for strength in _STRENGTHS:
        tables = data.fitted(early, level, slope, strength)
        losses[strength] = float(
            _losses(chances(data.score(late, level, slope, tables)), data.outcome[late]).mean()
        )
    return min(losses, key=lambda strength: (round(losses[strength], 9), -strength))


def _losses(chance: Floats, outcome: Floats) -> Floats:
    kept = np.clip(chance, 1e-4, 1 - 1e-4)
    found: Floats = -(outcome * np.log(kept) + (1 - outcome) * np.log(1 - kept))
    return found


def calibration_error(chance: Floats, outcome: NDArray[np.float64], groups: int = 10) -> float:
    """Expected calibration error: the mean distance between what was said and what was seen, in groups of equal size."""
    order = np.argsort(chance, kind="stable")
    parts = [part for part in np.array_split(order, groups) if len(part)]
    away = sum(len(part) * abs(float(chance[part].mean() - outcome[part].mean())) for part in parts)
    return away / max(len(chance), 1)


def _by_chance(chance: Floats, groups: int = 10) -> float:
    """The calibration error that perfect chances show on average: the mean absolute error of a share of a group."""
    return float(np.sqrt(2.0 / np.pi * (chance * (1.0 - chance)).mean() * groups / len(chance)))


def untaught(card: Card) -> Model:
    """A model that moves nothing."""
    return Model(card, 0.0, 1.0, Names(), tuple(np.zeros(cells_in(term)) for term in TERMS))


def _hash(attempts: Sequence[AttemptLine]) -> str:
    digest = hashlib.sha256()
    for line in attempts:
        digest.update(line.model_dump_json().encode())
    return digest.hexdigest()
