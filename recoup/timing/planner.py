"""The planner: the moments of the remaining attempts that are expected to bring the most money.

A set of moments is worth, story by story, the chance that one of them is approved; what one more moment adds is therefore
smaller the more its stories are covered already. The planner adds the moment that adds most, one attempt after the other,
then moves each moment to where it adds more (for sets whose worth grows like this the first part alone
reaches 1 − 1/e of the best; Nemhauser, Wolsey and Fisher, 1978), and the first of them to where it is worth most before the others. Only the first moment is acted on: after each refusal everything
is planned anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from recoup.rules.networks import may_attempt
from recoup.timing._stories import Stories
from recoup.timing.belief import Belief, believe, in_main_units
from recoup.timing.explain import because_none, because_of
from recoup.timing.families import Family, family_of, reading_of
from recoup.timing.prior import Prior
from recoup.timing.situation import SLOT_HOURS, SLOTS_A_DAY, Limits, Situation, moment_of, slot_from, slot_of

_PART_SLOTS = 2 * SLOTS_A_DAY
_MOST_MOVES = 1
"""How often every moment is looked at again; a second time changes next to nothing and costs as much as the first."""


@dataclass(frozen=True, slots=True)
class Plan:
    """When to try again, and why."""

    at: datetime | None
    """The next attempt; ``None`` when no retry is worth it or none is allowed."""
    expected: float
    """The chance that this attempt is approved."""
    because: str
    later: tuple[datetime, ...] = ()
    """The attempts that would follow if each before was refused in the same words."""
    worth: float = 0.0
    """The share of the invoice that the plan is expected to add to what comes without it."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a plan is made on: the moments that are allowed, and what is believed of each."""

    belief: Belief
    allowed: NDArray[np.int64]
    """Slots, rising."""
    approves: NDArray[np.float32]
    """Chances of approval: allowed slots × stories."""
    discount: NDArray[np.float64]
    """What a success at each allowed slot is worth."""
    gap: int
    """At least so many slots between two attempts."""
    cost: float
    """What an attempt costs, as a share of the invoice."""
    least: float
    """An attempt that would add less is not made."""


def plan(stories: Stories, situation: Situation, limits: Limits) -> Plan:
    """The best moments for the remaining attempts of a case, the next one first.

    Pure and deterministic: the same case at the same moment always gets the same answer.
    """
    ground = ground_of(stories, situation, limits)
    if isinstance(ground, str):
        return Plan(None, 0.0, ground)
    return planned_on(ground, stories, situation, limits)


def ground_of(stories: Stories, situation: Situation, limits: Limits) -> Ground | str:
    """The ground that a plan is made on, or why there is nothing to plan."""
    if (refusal := _why_not(situation, limits)) is not None:
        return refusal
    first, last = _bounds(situation, limits)
    zone = situation.zone
    begin = slot_from(first, zone)
    if moment_of(begin, zone) > last:
        return "no moment is left in the window"
    end = slot_of(last, zone) + 1
    belief = believe(stories, situation, end)
    allowed = np.arange(begin, min(end, belief.first_slot + len(belief.approves)))
    allowed = allowed[_awake(allowed, limits)]
    if not len(allowed):
        return "no moment is left in the window outside the quiet hours"
    return Ground(
        belief=belief,
        allowed=allowed,
        approves=_rows(belief.approves, allowed - belief.first_slot),
        discount=_discount(stories.prior, allowed - belief.first_slot),
        gap=_gap_slots(limits.min_gap),
        cost=_cost(stories.prior, situation),
        least=stories.prior.worth.least_probability,
    )


def planned_on(ground: Ground, stories: Stories, situation: Situation, limits: Limits) -> Plan:
    """The best moments on a ground."""
    chosen, worth = choose(
        ground.approves,
        ground.belief.gains,
        ground.discount,
        slots=ground.allowed,
        count=limits.attempts_left,
        gap=ground.gap,
        cost=ground.cost,
        least=ground.least,
        apart=stories.keeps_apart(situation),
    )
    belief, zone = ground.belief, situation.zone
    if not chosen:
        told = stories.told(situation, belief.chance(int(ground.allowed[0])))
        return Plan(None, 0.0, because_none(told))
    return Plan(
        at=moment_of(chosen[0], zone),
        expected=round(stories.told(situation, belief.chance(chosen[0])), 4),
        because=because_of(stories, situation, belief, chosen[0]),
        later=tuple(moment_of(slot, zone) for slot in chosen[1:]),
        worth=round(worth, 6),
    )


def choose(
    approves: NDArray[np.float32],
    gains: NDArray[np.float32],
    discount: NDArray[np.float64],
    *,
    slots: NDArray[np.int64],
    count: int,
    gap: int,
    cost: float = 0.0,
    least: float = 0.0,
    apart: bool = False,
) -> tuple[list[int], float]:
    """The slots, at most ``count`` and at least ``gap`` apart, whose attempts add most; and what they add.

    ``approves`` has a row for each slot and a column for each story, ``gains`` the stories' weights, ``discount`` what a
    success at each slot is worth. A slot is left out when it would add less than ``cost`` or less than ``least``.
    ``apart``: the slots are cut into at least ``count`` equal parts, two days long at most, and of each at most one is taken.
    """
    near = _Near(slots, gap, parts=max(count, -(-len(slots) // _PART_SLOTS)) if apart else 0)
    chosen: list[int] = []
    left = gains
    for _ in range(min(count, len(slots))):
        best, added = _best(approves, discount, left, near)
        if best < 0 or added <= max(cost * float(left.sum()), least):
            break
        chosen.append(best)
        near.take(best)
        left = left * (1.0 - approves[best])
    for _ in range(_MOST_MOVES if len(chosen) > 1 else 0):
        if not _moved(approves, discount, gains, chosen, near):
            break
    if len(chosen) > 1:
        _sooner(approves, discount, gains, chosen, near)
    total = worth_of(approves, discount, gains, chosen)
    return sorted(int(slots[place]) for place in chosen), total


class _Near:
    """Which places are too near to one that is taken, or in the same of so many equal parts."""

    def __init__(self, slots: NDArray[np.int64], gap: int, parts: int = 0) -> None:
        gap = max(gap, 1)  # one moment is never taken twice
        self._first: list[int] = slots.searchsorted(slots - gap, side="right").tolist()
        self._end: list[int] = slots.searchsorted(slots + gap, side="left").tolist()
        self._taken = np.zeros(len(slots), dtype=np.int64)
        self._parts = min(parts, len(slots))

    def take(self, place: int) -> None:
        """Take a place and its neighbours."""
        self._count(place, 1)

    def give_back(self, place: int) -> None:
        """Give a place and its neighbours back."""
        self._count(place, -1)

    def _count(self, place: int, by: int) -> None:
        self._taken[self._first[place] : self._end[place]] += by
        if self._parts:
            places = len(self._taken)
            part = ((place + 1) * self._parts - 1) // places
            self._taken[part * places // self._parts : (part + 1) * places // self._parts] += by

    def cross_out(self, adds: NDArray[np.float64]) -> None:
        """Let what is taken add less than nothing."""
        adds[self._taken[: len(adds)] > 0] = -1.0


def _moved(
    approves: NDArray[np.float32],
    discount: NDArray[np.float64],
    gains: NDArray[np.float32],
    chosen: list[int],
    near: _Near,
) -> bool:
    """Move each chosen slot to where it adds most beside the others; whether any was moved."""
    moved = False
    misses = 1.0 - approves[chosen]
    after = [np.ones_like(gains)]  # what the slots that are still to be looked at leave
    for missed in misses[:0:-1]:
        after.append(after[-1] * missed)
    before = gains  # what those that were looked at leave
    for index, place in enumerate(list(chosen)):
        left = before * after[-1 - index]
        near.give_back(place)
        best, added = _best(approves, discount, left, near)
        if best >= 0 and added > float(discount[place] * (approves[place] @ left)) * (1.0 + 1e-6):
            moved, chosen[index] = moved or best != place, best
        near.take(chosen[index])
        before = before * (1.0 - approves[chosen[index]])
    return moved


def _sooner(
    approves: NDArray[np.float32],
    discount: NDArray[np.float64],
    gains: NDArray[np.float32],
    chosen: list[int],
    near: _Near,
) -> None:
    """Move the first of the chosen slots to where it is worth most before all the others.

    What it is approved for the others do not bring any more, but they would have brought it later: a success that is only a question of time is
    worth having sooner, as far as waiting costs. The steps above ask only what a slot adds that no other brings.
    """
    chosen.sort()
    first, second = chosen[0], chosen[1]
    later = np.zeros_like(gains)
    for place in reversed(chosen[1:]):
        later += approves[place] * (np.float32(discount[place]) - later)
    near.give_back(first)
    told = approves[:second] @ np.stack((gains, gains * later), axis=1)
    adds = told[:, 0] * discount[:second] - told[:, 1]
    now = float(adds[first])
    near.cross_out(adds)
    best = int(np.argmax(adds.round(6)))
    if float(adds[best]) > now * (1.0 + 1e-6) + 1e-9:
        chosen[0] = best
    near.take(chosen[0])


def _best(
    approves: NDArray[np.float32], discount: NDArray[np.float64], left: NDArray[np.float32], near: _Near
) -> tuple[int, float]:
    """The place of the slot that adds most, the earliest of equals, and what it adds; −1 when none is free."""
    adds = (approves @ left) * discount
    near.cross_out(adds)
    # Rounded, so that the last digit of a sum, which differs between machines, decides nothing.
    best = int(np.argmax(adds.round(6)))
    added = float(adds[best])
    return (best, added) if added >= 0 else (-1, 0.0)


def worth_of(
    approves: NDArray[np.float32],
    discount: NDArray[np.float64],
    gains: NDArray[np.float32],
    chosen: Sequence[int],
) -> float:
    """What attempts at these places add together."""
    left, total = gains, 0.0
    for place in sorted(chosen):
        total += float(discount[place]) * float(approves[place] @ left)
        left = left * (1.0 - approves[place])
    return total


def _why_not(situation: Situation, limits: Limits) -> str | None:
    """Why there is nothing to plan, where that is so without a look at any moment."""
    if limits.attempts_left <= 0:
        return "no attempt is left"
    if not situation.tried:
        return "nothing has failed yet"
    reading = reading_of(situation.tried[-1].decline)
    if not reading.may_retry:
        return f"{reading.because}; no retry is worth it before the customer acts"
    if reading.most_retries is not None and len(situation.tried) - 1 >= reading.most_retries:
        return f"{reading.because}; not more than {reading.most_retries} retries are made on such an answer"
    return None


def _bounds(situation: Situation, limits: Limits) -> tuple[datetime, datetime]:
    """The first and the last moment that the bank's wish, the gap, the networks and the policy allow."""
    latest = situation.tried[-1]
    passing = family_of(latest.decline) is Family.PASSING
    gap = min(limits.min_gap, limits.passing_gap) if passing else limits.min_gap
    first = max(situation.now, latest.at + gap, latest.at + reading_of(latest.decline).wait)
    if limits.not_before is not None:
        first = max(first, limits.not_before)
    counted = [*limits.card_attempts, *(tried.at for tried in situation.tried)]
    permission = may_attempt(situation.brand, counted, latest.decline, first, limits.cap)
    if not permission.allowed and permission.not_before is not None:
        first = max(first, permission.not_before)
    elif not permission.allowed:
        return first, first - timedelta(seconds=1)
    return first, limits.until


def _rows(table: NDArray[np.float32], places: NDArray[np.int64]) -> NDArray[np.float32]:
    """These rows of a table; without a copy when they follow each other."""
    first, last = int(places[0]), int(places[-1])
    return table[first : last + 1] if last - first + 1 == len(places) else table[places]


def _awake(slots: NDArray[np.int64], limits: Limits) -> NDArray[np.bool_]:
    """Which slots lie outside the quiet hours."""
    if limits.quiet_hours is None:
        return np.ones(len(slots), dtype=bool)
    begin, end = limits.quiet_hours
    hour = slots % SLOTS_A_DAY * SLOT_HOURS
    quiet = (hour - begin) % 24 < (end - begin) % 24
    return ~quiet


def _gap_slots(gap: timedelta) -> int:
    """A gap in slots, rounded up."""
    return -(-int(gap.total_seconds()) // (SLOT_HOURS * 3600))


def _discount(prior: Prior, ahead: NDArray[np.int64]) -> NDArray[np.float64]:
    """What a success so many slots ahead is worth today: the customer may have left, and waiting costs."""
    daily = (1.0 - prior.customer.cancels_daily) * (1.0 - prior.worth.waiting_daily)
    found: NDArray[np.float64] = daily ** (ahead / SLOTS_A_DAY)
    return found


def _cost(prior: Prior, situation: Situation) -> float:
    """What an attempt costs, as a share of the invoice."""
    size = in_main_units(situation.amount, situation.currency)
    return prior.worth.attempt_cost / size if size > 0 else 0.0
