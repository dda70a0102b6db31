"""Which of an invoice's payments is an attempt's own, as Stripe's answers and readings show them."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from recoup.billing import ChargeState
from recoup.ledger import AttemptRow
from recoup.rules.case import AttemptState


def answer_to(row: AttemptRow, charges: list[ChargeState]) -> ChargeState | None:
    """The charge that answers an attempt without paying the invoice: refused, or on its way."""
    found = (
        charge
        for charge in _news_of(row, charges)
        if charge.status in ("failed", "pending") or charge.intent_status == "processing"
    )
    return next(found, None)


def our_payment(row: AttemptRow, charges: list[ChargeState]) -> ChargeState | None:
    """The charge with which this attempt paid. Not simply the newest: the customer may have paid as well, a moment later."""
    paid = (charge for charge in _news_of(row, charges) if charge.status == "succeeded")
    # A part that the customer paid apart from the invoice, even with the same card, is not ours.
    mine = [charge for charge in paid if charge.is_default or charge.amount in (None, row.amount)]
    return max(mine, key=lambda charge: charge.amount == row.amount, default=None)


def latest_payment(invoice: dict[str, Any]) -> tuple[str | None, str | None, str | None]:
    """Charge, intent and the intent's status of the payment that Stripe keeps for the invoice, or of another one there is."""
    payments = invoice.get("payments")
    listed = payments.get("data", []) if isinstance(payments, dict) else []
    intents = [
        payment["payment"]["payment_intent"]
        for payment in sorted(listed, key=lambda payment: not payment.get("is_default", True))
        if payment.get("payment", {}).get("payment_intent")
    ]
    for intent in intents:
        if isinstance(intent, dict):
            charge = intent.get("latest_charge")
            return (
                (charge if isinstance(charge, str) else (charge or {}).get("id")),
                intent.get("id"),
                intent.get("status"),
            )
    return None, None, None


def _news_of(row: AttemptRow, charges: list[ChargeState]) -> list[ChargeState]:
    """The charges that can be this attempt's: with its method, and newer than the one frozen in the reservation."""
    newer = takewhile(lambda charge: charge.id != row.latest_charge, charges)
    return [charge for charge in newer if charge.method in (None, row.payment_method)]


def stands(row: AttemptRow) -> bool:
    """Whether no other attempt may be begun beside it: it may still charge, or has paid the invoice."""
    return not row.state.is_settled or row.state is AttemptState.PAID
