"""Belief: what is held true of one case after everything that has happened to it.

Each story of :mod:`recoup.timing._stories` has a weight: how frequent it is, times how well it explains what was seen, namely
every refusal, the words in which the bank put it, and the payer's earlier approvals (Bayes' rule). An attempt's chance is the weighted
mean of the stories; that two attempts on one day fail together, and that a week of refusals says more than a bad hour,
follows from them without a rule of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10

import numpy as np
from numpy.typing import NDArray

from recoup.rules.money import EXPONENTS
from recoup.timing._stories import CAUSES, Stories, Stretch, Table
from recoup.timing.families import family_of
from recoup.timing.prior import Cause, Prior
from recoup.timing.situation import SLOTS_A_DAY, Situation, slot_of

_MOST_SUCCESSES = 8
"""Only the newest approvals of a payer count."""
_USUAL_AMOUNT = 50.0
"""In the currency's main unit; ten times that counts as dear. Currencies without a smaller unit count a hundredth."""


@dataclass(frozen=True, slots=True)
class Belief:
    """The stories that may still be true of a case, through the slots of a window."""

    first_slot: int
    approves: Table
    """Chance of approval: slots × stories."""
    weights: NDArray[np.float32]
    """Of the stories; together with ``hopeless`` they make 1."""
    gains: NDArray[np.float32]
    """The weights without the customers who would have brought another method anyway: what a retry really adds."""
    hopeless: float
    """Weight of the stories in which no attempt is ever approved."""
    column_cause: NDArray[np.int64]
    """For each story the index of its cause in :data:`CAUSES`."""

    def chance(self, slot: int) -> float:
        """The chance that one attempt at a slot is approved, if it is the next one."""
        return float(self.approves[slot - self.first_slot] @ self.weights)

    def shares(self, slot: int) -> dict[Cause, float]:
        """Which part of that chance comes from each cause."""
        parts = np.bincount(
            self.column_cause, self.approves[slot - self.first_slot] * self.weights, len(CAUSES)
        )
        return {cause: float(part) for cause, part in zip(CAUSES, parts, strict=True)}


def believe(stories: Stories, situation: Situation, end: int) -> Belief:
    """The belief about a case from the slot in which it is now up to the slot ``end``."""
    zone, prior = situation.zone, stories.prior
    failed = slot_of(situation.first_failed_at, zone)
    now = slot_of(situation.now, zone)
    stretch = stories.stretch(situation.country, failed)
    offset = stretch.first_slot
    last = min(max(end, now + 1), offset + len(stretch.approves))
    slots = np.arange(now, last)
    by_calendar = stretch.approves[now - offset : last - offset]
    by_failure = stories.since_failure(failed, now, last)
    told = np.concatenate((by_calendar, by_failure), axis=1)
    approves = stories.adjusted(situation, slots, told)
    weights, hopeless = _weights(stories, situation, stretch, failed)
    open_now, kept = _open(prior, max((now - failed) / SLOTS_A_DAY, 0.0))
    standing = weights * open_now.repeat(stories.counts)
    total = float(standing.sum()) + hopeless
    held = (standing / total).astype(np.float32)
    approves = stories.learned(situation, slots, approves, held)
    return Belief(
        first_slot=now,
        approves=approves,
        weights=held,
        gains=(weights * (kept / total).repeat(stories.counts)).astype(np.float32),
        hopeless=hopeless / total,
        column_cause=stories.column_cause,
    )


def _weights(
    stories: Stories, situation: Situation, stretch: Stretch, failed: int
) -> tuple[NDArray[np.float64], float]:
    prior = stories.prior
    said = stories.said(situation, [family_of(tried.decline) for tried in situation.tried])
    never = _never(prior, situation)
    shares = {cause: prior.causes[cause].share * said[cause] for cause in Cause}
    hopeless = shares[Cause.NO_FUNDS] * never + shares[Cause.HOLD] * prior.hold.never
    hopeless += shares[Cause.DEAD] + shares[Cause.CONFIRM]
    shares[Cause.NO_FUNDS] *= 1.0 - never
    shares[Cause.HOLD] *= 1.0 - prior.hold.never
    each = [shares[cause] / count for cause, count in zip(CAUSES, stories.counts, strict=True)]
    weights = np.array(each).repeat(stories.counts)
    if days := [
        at.astimezone(situation.zone).toordinal() for at in situation.payer_successes[-_MOST_SUCCESSES:]
    ]:
        weights[: stories.counts[0]] *= stories.paid_before(situation.country, np.array(days))
    for number, tried in enumerate(situation.tried):
        slot = failed if number == 0 else slot_of(tried.at, situation.zone)
        place = slot - stretch.first_slot
        if not 0 <= place < len(stretch.approves):
            continue
        refused = 1.0 - stretch.approves[place]
        weights[: len(refused)] *= refused
        if number:
            weights[len(refused) :] *= 1.0 - stories.since_failure(failed, slot, slot + 1)[0]
    return weights, hopeless


def _never(prior: Prior, situation: Situation) -> float:
    """The share of payers without hope, by the invoice's size."""
    size = in_main_units(situation.amount, situation.currency)
    dearness = min(max(log10(max(size, 1.0) / _USUAL_AMOUNT), 0.0), 1.0)
    return prior.funds.never + dearness * (prior.funds.never_dear - prior.funds.never)


def in_main_units(amount: int, currency: str) -> float:
    """Roughly how much an amount is: main units of the currency, a hundredth of them where there is no smaller one."""
    return amount / float(10 ** max(EXPONENTS.get(currency, 2), 2))


def _open(prior: Prior, age: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each cause with stories: the share of customers who have not brought another method by an age (days), and the
    share who never will. Updates come exponentially with the table's half-time.
    """
    eventual = np.array([prior.causes[cause].updates for cause in CAUSES])
    done = 1.0 - 2.0 ** (-age / prior.customer.half_of_updates_days)
    return 1.0 - eventual * done, 1.0 - eventual
