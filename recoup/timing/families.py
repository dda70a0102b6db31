"""Families of declines: what the timing makes of a code, coarser than the codes and finer than the classes.

Which codes are final, ask for the customer, or are only a pause is what :mod:`recoup.rules.declines` reads; a family says
which story about money and time the code belongs to.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from recoup.rules.declines import CustomerReason, Decline, DeclineClass, Reading, read


class Family(StrEnum):
    """What kind of story a decline tells."""

    FUNDS = "funds"
    """Not enough money."""
    REFUSED = "refused"
    """A refusal without a reason."""
    LIMIT = "limit"
    """A limit of the card is used up."""
    PASSING = "passing"
    """Something technical, or "try again later"."""
    HARD = "hard"
    """Final for this method."""
    ACTION = "action"
    """The customer has to act."""


FAMILIES = tuple(Family)

_PASSING_CODES = frozenset({"try_again_later"})


@lru_cache(maxsize=4096)
def reading_of(decline: Decline) -> Reading:
    """What the rules read in a decline; kept, because the same few declines come again and again."""
    return read(decline)


@lru_cache(maxsize=4096)
def family_of(decline: Decline) -> Family:
    """The family of a decline. Advice that makes it final or asks for the customer counts before the code."""
    reading = reading_of(decline)
    if reading.decline_class in (DeclineClass.HARD, DeclineClass.FRAUD):
        return Family.HARD
    if reading.decline_class is DeclineClass.ACTION:
        return Family.ACTION
    if reading.reason is CustomerReason.INSUFFICIENT_FUNDS:
        return Family.FUNDS
    if reading.reason is CustomerReason.LIMIT:
        return Family.LIMIT
    if reading.reason is CustomerReason.OTHER or decline.code in _PASSING_CODES:
        return Family.PASSING
    return Family.REFUSED
