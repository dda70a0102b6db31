"""What an operator can say to a case, and what each word takes."""

from __future__ import annotations

from typing import Any

from activities.contracts import OperatorRequest, PauseUntil
from activities.people_contracts import GiveTo, LongerGrace, Word

_PAYLOADS: dict[str, type[OperatorRequest | PauseUntil | Word]] = {
    "refuse_suspension": LongerGrace,
    "extend_grace": LongerGrace,
    "assign": GiveTo,
    "hand_over": GiveTo,
    "pause_until": PauseUntil,
}
"""By the name of the update; the others take an :class:`~activities.contracts.OperatorRequest`."""


def request_for(update: str, **said: Any) -> OperatorRequest | PauseUntil | Word:
    """What the update of this name takes; raises a ValidationError of pydantic where something is missing or does not fit."""
    return _PAYLOADS.get(update, OperatorRequest)(**said)
