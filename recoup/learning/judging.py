"""Judging another way of choosing from what was logged: only where chance had a hand, only the next attempt, or "can't tell yet".

A logged plan says what it was drawn from and how likely. Where another way would have chosen a moment that could not be drawn, no log can
say what would have come of it: such plans are counted and left out, and both ways are then compared on the others alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from recoup.learning.past import made_as_planned, planned_at
from recoup.ledger import DecisionRow, PastCase
from recoup.rules.case import AttemptState
from recoup.timing.offpolicy import Estimate, Logged, doubly_robust, weighted

WAYS = ("prior", "model")
"""The ways whose choices are logged with each plan."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One planned attempt that was made at its moment, with what else could have been chosen."""

    case: str
    made_at: datetime
    """The moment that was chosen."""
    sent_at: datetime
    """When Stripe was then asked."""
    approved: bool
    propensity: float
    model: str | None
    """The model that decided, if one did."""
    candidates: dict[datetime, float]
    """The moments that could be drawn, with the prior's chance of each."""
    would: dict[str, datetime | None]
    """What each of the ways would have chosen; ``None``: no attempt."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is known of one way of choosing from the log."""

    way: str
    plans: int
    """Planned attempts of which it is known what this way would have chosen."""
    agreed: int
    """Of them it would have chosen the very moment."""
    possible: int
    """Of them its moment could have been drawn; only they say anything."""
    approved: int
    """Of those, how many attempts were approved as they were made."""
    estimates: tuple[Estimate, ...]
    """By weighting, and doubly robust."""

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "way": self.way,
            "plans": self.plans,
            "agreed": self.agreed,
            "possible": self.possible,
            "approved": self.approved,
            "estimates": [
                {name: getattr(one, name) for name in Estimate.__dataclass_fields__} for one in self.estimates
            ],
        }


def entries_of(past: PastCase) -> list[Entry]:
    """The planned attempts of a case that were made at their moments."""
    return [
        Entry(
            case=past.case.id,
            made_at=at,
            sent_at=row.sent_at or row.reserved_at,
            approved=row.state is AttemptState.PAID,
            propensity=plan.propensity,
            model=plan.model,
            candidates={
                _moment(one["at"]): float(one["prior"]) for one in plan.candidates if one["propensity"] > 0
            },
            would=would_of(plan),
        )
        for plan, row in made_as_planned(past)
        if (at := planned_at(plan)) is not None
    ]


def would_of(plan: DecisionRow) -> dict[str, datetime | None]:
    """What each way would have chosen in a plan; a way that was not asked is not there."""
    said: dict[str, str | None] = plan.known.get("would", {})
    return {way: _moment(at) if at else None for way, at in said.items()}


def judge(entries: Iterable[Entry], way: str) -> Judgement:
    """What a way of choosing would have brought with the attempts of the log, as far as the log can say."""
    asked = [entry for entry in entries if way in entry.would]
    possible = [entry for entry in asked if entry.would[way] in entry.candidates]
    log = [
        Logged(
            approved=entry.approved,
            propensity=entry.propensity,
            target=1.0 if entry.would[way] == entry.made_at else 0.0,
            predicted=entry.candidates.get(entry.made_at, 0.0),
            predicted_for_target=entry.candidates[moment],
        )
        for entry in possible
        if (moment := entry.would[way]) is not None
    ]
    return Judgement(
        way=way,
        plans=len(asked),
        agreed=sum(entry.would[way] == entry.made_at for entry in asked),
        possible=len(log),
        approved=sum(one.approved for one in log),
        estimates=_estimates(log),
    )


def _estimates(log: Sequence[Logged]) -> tuple[Estimate, ...]:
    """By both methods; nothing is told where chance never took another moment, for then only agreement was seen."""
    found = weighted(log), doubly_robust(log)
    if any(one.target < 1.0 for one in log):
        return found
    because = f"can't tell yet: of the {len(log)} attempts that could tell, none was made at another moment than it would have chosen"
    return tuple(replace(one, value=None, low=None, high=None, because=because) for one in found)


def _moment(said: str) -> datetime:
    return datetime.fromisoformat(said)


def lines_of(judged: Judgement) -> Iterator[str]:
    """The same as people read it."""
    yield f"{judged.way}: asked in {judged.plans} planned attempts that were made, it would have chosen the very moment in {judged.agreed}"
    if judged.plans > judged.possible:
        yield f"  in {judged.plans - judged.possible} its moment could not have been drawn, so they say nothing"
    for one in judged.estimates:
        yield f"  {one.method}: {in_words(judged, one)}"


def in_words(judged: Judgement, estimate: Estimate) -> str:
    """An estimate beside what was seen of the same attempts, or why there is none."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return estimate.because
    return (
        f"{estimate.value:.1%} approved ({estimate.low:.1%} to {estimate.high:.1%}), against"
        f" {judged.approved / judged.possible:.1%} as made; {estimate.because}"
    )
