"""The networks' limits counted anew in the plainest way, with nothing of the product's in it.

Visa: 15 attempts on a card in 30 days, 20 from 2025-05-25 on, none after a response of category 1. Mastercard: 10 in 24 hours,
35 in 30 days, none after advice 03 or 21. Every other network as Visa today, and 10 in 24 hours. An operator's cap below them holds for all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

DAY = 86_400
MONTH = 30 * DAY
VISA_20_SINCE = 1748131200
"""2025-05-25, midnight in UTC."""

VISA_NEVER = "04 07 12 14 15 41 43 46 R0 R1 R3".split()
VISA_57_NEVER_UNTIL = 1759276800
"""2025-10-01: from this day on 57 is no longer in category 1 …"""
VISA_57_NEVER_SINCE = 1792886400
"""… and from 2026-10-25 on it is again."""
MASTERCARD_NEVER = ("03", "21")


@dataclass(frozen=True)
class Tried:
    """One charge on a card; moments are seconds since 1970."""

    at: int
    paid: bool = False
    brand: str | None = None
    response: str | None = None
    """The network's response code."""
    advice: str | None = None
    """Mastercard's advice."""
    stripe_advice: str | None = None
    later: int = 0
    """So much later it may have been by another clock: the windows count it from then."""


def limits(brand: str | None, at: int, cap: int) -> list[tuple[int, int]]:
    """So many attempts in so many seconds, at a moment."""
    if brand == "visa":
        return [(20 if at >= VISA_20_SINCE else 15, MONTH), (cap, MONTH)]
    if brand == "mastercard":
        return [(10, DAY), (35, MONTH), (cap, MONTH)]
    return [(10, DAY), (20, MONTH), (cap, MONTH)]


def is_never(tried: Tried, at: int) -> bool:
    """Whether this refusal forbids any other attempt, by the rules of a moment."""
    if tried.paid:
        return False
    if tried.stripe_advice == "do_not_try_again":
        return True
    if tried.brand == "mastercard":
        return tried.advice in MASTERCARD_NEVER
    if tried.brand == "visa" and tried.response == "57":
        return at < VISA_57_NEVER_UNTIL or at >= VISA_57_NEVER_SINCE
    return tried.brand == "visa" and tried.response in VISA_NEVER


def may(brand: str | None, before: Iterable[Tried], at: int, cap: int) -> bool:
    """Whether one more attempt is allowed after these."""
    history = sorted(before, key=lambda tried: tried.at)
    for limit, window in limits(brand, at, cap):
        if len([tried for tried in history if at - (tried.at + tried.later) < window]) >= limit:
            return False
    return not stands(history, at)


def stands(history: list[Tried], at: int) -> bool:
    """Whether a "never" stands: a refusal said it, and no payment has followed a moment later."""
    paid = max((tried.at for tried in history if tried.paid), default=-1)
    return any(is_never(tried, at) and tried.at >= paid for tried in history if not tried.paid)
