"""The facts that a model's features need and nothing else in the ledger keeps: the card's country and funding, and earlier refusals.

They are written when they are read at Stripe, before anything is decided from them: codes and ids, nothing personal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from recoup.billing import ChargeState
from recoup.billing.invoices import Method
from recoup.ledger import EventRow, Ledger
from recoup.ledger.past import CARD_READ, FAILURE_READ
from recoup.rules.base import Moment, Wire
from recoup.rules.case import Case
from recoup.rules.declines import Decline


class Card(Wire):
    """What is known of the method that an attempt was made with."""

    method: str | None = None
    type: str | None = None
    brand: str | None = None
    country: str | None = None
    funding: str | None = None


class Refused(Wire):
    """A refusal that stood on the invoice before its case began."""

    at: Moment
    decline: Decline
    charge: str | None = None


class Failure(Wire):
    """An invoice as its case found it."""

    card: Card = Card()
    refused: tuple[Refused, ...] = ()
    """Oldest first."""


def keep_failure(
    ledger: Ledger, case: Case, method: Method | None, charges: Sequence[ChargeState], now: datetime
) -> None:
    """Write down, once for a case, the card and the refusals with which it begins."""
    found = Failure(card=_card(method), refused=tuple(refused(charges)))
    ledger.events.append(
        "failure_read",
        now,
        case_id=case.id,
        invoice=case.invoice,
        customer=case.customer,
        data=found.model_dump(mode="json", exclude_none=True),
        unique=f"{FAILURE_READ}/{case.id}",
    )


def keep_card(
    ledger: Ledger, case_id: str, invoice: str, customer: str, method: Method, now: datetime
) -> None:
    """Write down, once for a case and a method, the card that an attempt is about to be made with."""
    ledger.events.append(
        "card_read",
        now,
        case_id=case_id,
        invoice=invoice,
        customer=customer,
        data=_card(method).model_dump(mode="json", exclude_none=True),
        unique=f"{CARD_READ}/{case_id}/{method.id}",
    )


def refused(charges: Iterable[ChargeState]) -> list[Refused]:
    """The refusals among an invoice's charges, oldest first."""
    found = [
        Refused(at=charge.at, decline=charge.decline, charge=charge.id)
        for charge in charges
        if charge.decline is not None
    ]
    return sorted(found, key=lambda one: one.at)


def failure_in(read: Iterable[EventRow]) -> Failure | None:
    """How the case found its invoice; ``None`` of a case that began before this was written down."""
    data = next((event.data for event in read if event.kind == FAILURE_READ), None)
    return Failure.model_validate(data) if data is not None else None


def cards_in(read: Iterable[EventRow]) -> dict[str, Card]:
    """The cards of a case by their method's id."""
    found: dict[str, Card] = {}
    for event in read:
        said: Mapping[str, Any] = event.data.get("card", {}) if event.kind == FAILURE_READ else event.data
        card = Card.model_validate(said)
        if card.method is not None:
            found.setdefault(card.method, card)
    return found


def _card(method: Method | None) -> Card:
    if method is None:
        return Card()
    return Card(
        method=method.id, type=method.type, brand=method.brand, country=method.country, funding=method.funding
    )
