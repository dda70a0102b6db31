"""What an operator can say to a case, and what each word takes."""

from __future__ import annotations

from typing import Any

from activities.contracts import OperatorRequest, PauseUntil
from activities.people_contracts import GiveTo, LongerGrace, StopCase, TellCustomer, Word
from activities.wish_contracts import PromiseToPay

Payload = OperatorRequest | PauseUntil | PromiseToPay | StopCase | Word
_PAYLOADS: dict[str, type[Payload]] = {
    "refuse_suspension": LongerGrace,
    "extend_grace": LongerGrace,
    "assign": GiveTo,
    "hand_over": GiveTo,
    "pause_until": PauseUntil,
    "promise_to_pay": PromiseToPay,
    "stop": StopCase,
    "send_message": TellCustomer,
}
"""By the name of the update; the others take an :class:`~activities.contracts.OperatorRequest`."""


def request_for(update: str, **said: Any) -> Payload:
    """What the update of this name takes; raises a ValidationError of pydantic where something is missing or does not fit."""
    return _PAYLOADS.get(update, OperatorRequest)(**said)
