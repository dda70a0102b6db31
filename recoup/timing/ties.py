"""Near-ties: the moments that are about as good as the best one, and one of them drawn by chance.

Where an operator allows it, some plans take a moment other than the best. Not any moment: only such as lose next to nothing by what is believed,
within the same window, gap and limits. What was drawn, from what and how likely, is written down; it is what lets another
way of choosing be judged later (:mod:`recoup.timing.offpolicy`), and it is kept rare and cheap.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from recoup.timing._stories import Stories
from recoup.timing.explain import because_of
from recoup.timing.planner import Plan, ground_of, planned_on, worth_of
from recoup.timing.situation import Limits, Situation, moment_of, slot_of

NEAR = 0.02
"""A moment is a near-tie when the plan that begins with it loses at most this share of the best plan's worth."""
MOST_CANDIDATES = 8
"""Of more near-ties only the best so many are drawn from: each must come up often enough to be learned from."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One moment that could be chosen."""

    at: datetime
    expected: float
    """The chance that the attempt is approved, as whoever plans believes."""
    loss: float
    """The share of the best plan's worth that is lost by it; 0 for the best."""
    propensity: float
    """How likely it is to be chosen; 0 for those that are only near."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A plan whose first moment may have been drawn, and what it was drawn from."""

    plan: Plan
    candidates: tuple[Candidate, ...] = ()
    """The best first; without a moment there are none."""
    propensity: float = 1.0
    explored: bool = False
    """Whether it is another moment than the best."""


def draw(stories: Stories, situation: Situation, limits: Limits, *, explore: float, dice: float) -> Drawn:
    """Plan, and in a share ``explore`` of the plans take one of the near-ties, the best among them, each equally likely.

    Args:
        stories: what is believed.
        situation: the case.
        limits: the bounds, which hold for every near-tie too.
        explore: from 0 (always the best) to 1.
        dice: a number in [0, 1) that decides; the same number always draws the same.
    """
    ground = ground_of(stories, situation, limits)
    if isinstance(ground, str):
        return Drawn(Plan(None, 0.0, ground))
    best = planned_on(ground, stories, situation, limits)
    if best.at is None:
        return Drawn(best)
    zone = situation.zone
    slots = [slot_of(moment, zone) for moment in (best.at, *best.later)]
    places = [int(np.searchsorted(ground.allowed, slot)) for slot in slots]
    worth = worth_of(ground.approves, ground.discount, ground.belief.gains, places)
    end = slots[1] - ground.gap if len(slots) > 1 else int(ground.allowed[-1])
    losses = {places[0]: 0.0}
    for place in range(int(np.searchsorted(ground.allowed, end, side="right"))):
        told = worth_of(ground.approves, ground.discount, ground.belief.gains, [place, *places[1:]])
        if place != places[0] and (loss := round(1.0 - told / worth, 6)) <= NEAR:
            losses[place] = max(loss, 0.0)
    # The chosen one stays first whatever the last digits say.
    near = sorted(losses, key=lambda place: (place != places[0], losses[place], place))[:MOST_CANDIDATES]
    shares = [explore / len(near)] * len(near)
    shares[0] += 1.0 - explore
    drawn = min(int(np.searchsorted(np.cumsum(shares), dice, side="right")), len(near) - 1)
    candidates = tuple(
        Candidate(
            at=moment_of(int(ground.allowed[place]), zone),
            expected=round(stories.told(situation, ground.belief.chance(int(ground.allowed[place]))), 4),
            loss=losses[place],
            propensity=round(share, 6),
        )
        for place, share in zip(near, shares, strict=True)
    )
    if drawn == 0:
        return Drawn(best, candidates, candidates[0].propensity)
    taken = candidates[drawn]
    because = because_of(stories, situation, ground.belief, int(ground.allowed[near[drawn]]))
    because = f"{because}; drawn among {len(near)} moments that are about as good, to learn from it"
    plan = Plan(taken.at, taken.expected, because, best.later, best.worth)
    return Drawn(plan, candidates, taken.propensity, explored=True)
