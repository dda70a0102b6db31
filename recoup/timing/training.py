"""Training: tables learned from an operator's own attempts, and the gate they must pass.

The prior's chance of every attempt, given what was known before it, is the base; what is learned is how far reality lies from it, table by
table, each cell pulled towards nothing (a ridge, in log-odds). So few attempts move little, and none at all leave the
prior. The tables are fitted together by Newton steps, one table after the other (Hastie and Tibshirani's backfitting for logistic models),
and how strongly a table is pulled follows from what it has to say: one that explains nothing is pulled away, one that does is let go (MacKay,
"Bayesian interpolation", 1992).

A case that ended by the customer's own doing counts up to its last attempt: that end says nothing about what a bank would have answered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

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
LEAST_ATTEMPTS = 300
LEAST_APPROVED = 30
HELD_BACK = 0.2
"""The latest share of the attempts, on which a model is judged before it sees them."""
WORST_CALIBRATION = 0.04
"""Calibration error, beyond what chance alone makes of so few attempts, with which a model is refused."""
_JUDGED_FROM = (0.4, 0.6)
"""After these shares of the attempts a model is judged too, on those up to the next share."""
_CLEARLY = 2.0
"""A gain of so many standard errors is hardly chance."""
_HARDLY = 1.0
"""So much speaks for it that the prior tells attempts apart at all: enough to set its words right, which changes no choice."""
_FEW = 4.0
"""Of few approvals the standard error itself is not known well: it counts for more by so many of them."""
_ROUNDS = 30
_ROUNDS_AT_FIRST_PULL = 2
_PULL = 54.0
_PULL_OF_PAIRS = 162.0
_LEAST_PULL, _MOST_PULL = 1.5, 1e4
_DOUBT = 0.3
"""How many cells' worth of evidence the first pull of a table counts for."""
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
    judged = _judged(data, card)
    level, slope = data.recalibration(slice(None))
    if not judged.promoted:
        return replace(untaught(judged), level=level, slope=slope) if judged.calibrated else untaught(judged)
    tables = data.fitted(slice(None), level, slope)
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

    def fitted(self, rows: slice, level: float, slope: float) -> list[Floats]:
        """The tables that fit these rows, and how strongly each is pulled towards nothing along with them."""
        outcome = self.outcome[rows]
        score = level + slope * self.base[rows]
        tables = [np.zeros(cells_in(term)) for term in TERMS]
        first = [_PULL if len(term) == 1 else _PULL_OF_PAIRS for term in TERMS]
        pulls = list(first)
        for turn in range(_ROUNDS):
            for place in range(len(TERMS)):
                table = tables[place]
                cell = self.cells[place][rows]
                chance = chances(score)
                seen = np.bincount(cell, chance * (1.0 - chance), len(table))
                gradient = np.bincount(cell, outcome - chance, len(table)) - pulls[place] * table
                step = 0.7 * gradient / (seen + pulls[place])
                table += step
                score = score + step[cell]
                if turn >= _ROUNDS_AT_FIRST_PULL:
                    told = float((seen / (seen + pulls[place])).sum())
                    pull = (told + 2.0 * _DOUBT) / (float((table**2).sum()) + 2.0 * _DOUBT / first[place])
                    pulls[place] = min(max(pull, _LEAST_PULL), _MOST_PULL)
        return tables

    def score(self, rows: slice, level: float, slope: float, tables: Sequence[Floats]) -> Floats:
        """Log-odds of these rows."""
        found: Floats = level + slope * self.base[rows]
        for place, table in enumerate(tables):
            found = found + table[self.cells[place][rows]]
        return found


@dataclass(frozen=True, slots=True)
class _Trial:
    """What was learned from earlier attempts, put to later ones."""

    said: Floats
    outcome: Floats
    mine: Floats
    """Losses, of each attempt."""
    prior: Floats
    """The prior's, with its level and slope set to the same earlier attempts."""
    untouched: Floats
    """The prior's as it is."""
    constant: Floats
    """Those of one chance for all."""

    @property
    def gain(self) -> Floats:
        return self.prior - self.mine


def _trial(data: _Data, seen: int, end: int) -> _Trial:
    early, late = slice(0, seen), slice(seen, end)
    level, slope = data.recalibration(early)
    outcome = data.outcome[late]
    said = chances(data.score(late, level, slope, data.fitted(early, level, slope)))
    by_prior = chances(level + slope * data.base[late])
    everywhere = np.full(len(outcome), data.outcome[early].mean())
    told = (said, by_prior, chances(data.base[late]), everywhere)
    return _Trial(said, outcome, *(_losses(chance, outcome) for chance in told))


def _judged(data: _Data, card: Card) -> Card:
    """The card after the gate.

    What was learned from the first two fifths says the third, from three the fourth, from four the last: so three fifths of the attempts are
    judged before they are seen, each by a model that is older. The card's figures are those of the last.
    """
    count = len(data.outcome)
    ends = [*(int(count * share) for share in _JUDGED_FROM), count - card.held_back, count]
    trials = [_trial(data, seen, end) for seen, end in pairwise(ends)]
    latest = trials[-1]
    said, outcome = latest.said, latest.outcome
    error = calibration_error(said, outcome)
    approved = float(data.outcome[ends[0] :].sum())
    gain = _sureness([trial.gain for trial in trials], approved)
    better = gain > _CLEARLY and float(latest.gain.mean()) > 0.0
    shifted = _sureness([trial.untouched - trial.prior for trial in trials], approved) > _CLEARLY
    tells_apart = _sureness([trial.constant - trial.prior for trial in trials], approved) > _HARDLY
    calibrated = error - _by_chance(said) <= WORST_CALIBRATION
    if not better:
        because = "on later attempts it was not clearly better than the prior, so the prior decides"
    elif not calibrated:
        because = f"its chances were off by {error:.1%} on the latest attempts, so the prior decides"
    else:
        because = "it was clearly better than the prior on later attempts, which it had not seen"
    return card.model_copy(
        update={
            "promoted": better and calibrated,
            "calibrated": shifted and tells_apart,
            "because": because,
            "log_loss": round(float(latest.mine.mean()), 6),
            "log_loss_of_prior": round(float(latest.prior.mean()), 6),
            "calibration_error": round(error, 6),
            "drift": round(float(abs(outcome.mean() - data.outcome[: ends[-2]].mean())), 6),
        }
    )


def _sureness(gains: Sequence[Floats], approved: float) -> float:
    """A mean gain in standard errors, which count for more where approvals are few."""
    gain = np.concatenate(gains)
    doubt = float(gain.std() / np.sqrt(len(gain))) * (1.0 + _FEW / max(approved, 1.0))
    return float(gain.mean()) / max(doubt, 1e-12)


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
