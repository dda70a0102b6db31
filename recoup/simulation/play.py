"""Playing cases under a policy, scored by expectation.

An attempt's outcome is not drawn: the case goes on as if it had been refused, and what it brought is counted with its chance. That is exact,
because an approval ends a case, and it needs far fewer cases than counting heads (Rao and Blackwell). What customers bring
anyway, by another card, is not counted: a score is the money that retries add.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recoup.rules.policy import Campaign
from recoup.simulation._paths import CAUSES
from recoup.simulation.cases import Cases
from recoup.simulation.course import Course, Turn
from recoup.timing.prior import Cause
from recoup.timing.situation import Situation, Tried

_HOLD = CAUSES.index(Cause.HOLD)
IMPATIENT_HOURS = 20
"""Within so many hours of the attempt before, an attempt on a held card comes too soon."""


@dataclass(frozen=True, slots=True)
class Score:
    """What a policy brought, an entry for each case."""

    name: str
    added: NDArray[np.float64]
    """Expected money that retries added, in minor units."""
    attempts: NDArray[np.float64]
    """Expected number of attempts."""
    recovered: NDArray[np.float64]
    """Chance that a retry ended the case."""


class Chooser(Protocol):
    """A policy that chooses its next attempt anew after each refusal."""

    def next_attempt(self, cases: Cases, case: int, situation: Situation, left: int) -> float | None:
        """Seconds from the failure to the next attempt; ``None`` for no more."""


def play_fixed(cases: Cases, name: str, campaign: Campaign) -> Score:
    """Play a fixed schedule through the real rules."""
    courses = {brand: Course(campaign, brand) for brand in set(cases.brand)}

    def first(case: int) -> Turn:
        return courses[cases.brand[case]].begin(cases.decline(case, 0))

    def following(case: int, turn: Turn, at: float) -> Turn:
        return courses[cases.brand[case]].declined(turn, cases.decline(case, at))

    return _played(cases, name, first, following)


def play_chosen(cases: Cases, name: str, campaign: Campaign, chooser: Chooser) -> Score:
    """Play a policy that chooses, through the real rules: they have the last word on every moment."""
    courses = {brand: Course(campaign, brand) for brand in set(cases.brand)}
    most = len(campaign.retries.after_days)

    def aimed(case: int, turn: Turn) -> Turn:
        left = most - turn.case.retries_made
        at = chooser.next_attempt(cases, case, situation_of(cases, case, turn), left) if left > 0 else None
        return courses[cases.brand[case]].aimed(turn, at)

    def first(case: int) -> Turn:
        return aimed(case, courses[cases.brand[case]].opened(cases.decline(case, 0)))

    def following(case: int, turn: Turn, at: float) -> Turn:
        return aimed(case, courses[cases.brand[case]].folded(turn, cases.decline(case, at)))

    return _played(cases, name, first, following)


def situation_of(cases: Cases, case: int, turn: Turn) -> Situation:
    """What a policy may know of a simulated case."""
    failed_at = cases.failed_at[case]
    distances = [(at - turn.tried[0]).total_seconds() for at in turn.tried]
    return Situation(
        now=failed_at + timedelta(seconds=distances[-1]),
        first_failed_at=failed_at,
        tried=tuple(
            Tried(failed_at + timedelta(seconds=distance), cases.decline(case, distance))
            for distance in distances
        ),
        amount=int(cases.amount[case]),
        currency=cases.world.mix.currency,
        country=cases.country[case],
        brand=cases.brand[case],
        funding=cases.funding[case],
        issuer=str(cases.issuer[case]),
        payer_successes=cases.successes[case],
        case=str(case),
    )


def is_impatient(cases: Cases, case: int) -> bool:
    """Whether the bank of a case takes it ill when an attempt comes too soon."""
    return bool(cases.cause[case] == _HOLD)


def chance_at(cases: Cases, case: int, seconds: float, before: float) -> float:
    """The true chance of an attempt; one on a held card that comes too soon after the one before loses some of it."""
    chance = float(cases.chance[case, cases.hour(case, seconds)])
    if is_impatient(cases, case) and seconds - before < IMPATIENT_HOURS * 3600:
        chance *= 1.0 - cases.world.issuers.impatient
    return chance


def _played(
    cases: Cases, name: str, first: Callable[[int], Turn], following: Callable[[int, Turn, float], Turn]
) -> Score:
    count = len(cases)
    added, attempts, recovered = np.zeros(count), np.zeros(count), np.zeros(count)
    for case in range(count):
        alive, before = 1.0, 0.0
        turn = first(case)
        while turn.due is not None and turn.due < cases.ends[case]:
            chance = chance_at(cases, case, turn.due, before)
            attempts[case] += alive
            recovered[case] += alive * chance
            alive *= 1.0 - chance
            before = turn.due
            turn = following(case, turn, turn.due)
        if not cases.updated[case]:
            added[case] = recovered[case] * cases.amount[case]
    return Score(name, added, attempts, recovered)
