"""Why a moment was chosen, in words an operator can check."""

from __future__ import annotations

from datetime import date

import numpy as np

from recoup.timing._stories import Stories
from recoup.timing.belief import Belief
from recoup.timing.prior import Cause
from recoup.timing.situation import SLOTS_A_DAY, Situation

_LOOK_BACK_DAYS = 3
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_WHY = {
    Cause.HOLD: "a suspicion or a limit of this kind has mostly passed by then, if it passes at all",
    Cause.OUTAGE: "a technical refusal has mostly passed by then",
    Cause.UNKNOWN: "the bank gives no clear reason, so the attempts are spread over hours and weekdays",
}


def because_of(stories: Stories, situation: Situation, belief: Belief, slot: int) -> str:
    """The main reason for an attempt at a slot, with its chance."""
    shares = belief.shares(slot)
    main = max(shares, key=lambda cause: shares[cause])
    why = _payday(stories, situation, belief, slot) if main is Cause.NO_FUNDS else _WHY[main]
    return f"{why}; {stories.told(situation, belief.chance(slot)):.0%} expected"


def because_none(chance: float) -> str:
    """Why no attempt is worth it, where the next would be approved with this chance."""
    return (
        f"an attempt is expected to be approved in {chance:.1%} of such cases, so no retry is worth it;"
        " the customer has to act"
    )


def _payday(stories: Stories, situation: Situation, belief: Belief, slot: int) -> str:
    """The payday behind a moment: of the days just before, the one on which most of those who may have money were paid."""
    today = slot // SLOTS_A_DAY
    days = np.arange(today - _LOOK_BACK_DAYS, today + 1)
    payers = stories.counts[0]
    money = belief.approves[slot - belief.first_slot, :payers] * belief.weights[:payers]
    paid = stories.since_payday(situation.country, days) == 0
    weights = paid @ money
    best = int(np.argmax(np.round(weights, 6)))
    share = float(weights[best] / money.sum()) if money.sum() > 0 else 0.0
    where = f" in {situation.country}" if situation.country else ""
    if share < 0.2:
        return "money comes and goes, and this moment is far enough from the last attempt"
    day = date.fromordinal(int(days[best]))
    return f"{_WEEKDAYS[day.weekday()]} the {_ordinal(day.day)} is a payday of many customers{where}"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number // 10 != 1 else 0, "th")
    return f"{number}{ending}"
