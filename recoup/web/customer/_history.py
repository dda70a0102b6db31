"""What a customer has said on their page before, as the ledger has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from activities.customer_words import (
    CUSTOMER_CANCELLED,
    CUSTOMER_PROMISED,
    WISH_FULFILLED,
    WISH_REFUSED,
)
from activities.wish_contracts import WishKind
from recoup.ledger import EventRow, Ledger

FRESH = timedelta(minutes=15)
"""So long the page says what became of the last wish."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a wish."""

    kind: WishKind
    subscription: str
    done: bool


@dataclass(frozen=True, slots=True)
class History:
    """Everything a customer has said."""

    promises: dict[str, datetime]
    """By the case: until when it was promised to be paid."""
    cancelled: dict[str, str]
    """By the invoice: the subscription that the customer cancelled."""
    answers: tuple[Answer, ...]
    """What became of the wishes of the last minutes, the newest last."""


def history_of(ledger: Ledger, customer: str, now: datetime) -> History:
    """Read it."""
    events = ledger.events.of_customer(customer)
    return History(
        promises={
            str(event.case_id): datetime.fromisoformat(event.data["until"])
            for event in events
            if event.kind == CUSTOMER_PROMISED
        },
        cancelled={
            str(event.invoice): str(event.data["subscription"])
            for event in events
            if event.kind == CUSTOMER_CANCELLED
        },
        answers=tuple(_answers(event for event in events if now - event.at < FRESH)),
    )


def _answers(events: Iterable[EventRow]) -> Iterable[Answer]:
    for event in events:
        if event.kind in (WISH_FULFILLED, WISH_REFUSED):
            kind, subscription = WishKind(event.data["kind"]), str(event.data["subscription"])
            yield Answer(kind, subscription, event.kind == WISH_FULFILLED)
