"""Which of an invoice's payments is an attempt's own, as Stripe's answers and readings show them."""

from __future__ import annotations

from recoup.billing import ChargeState
from recoup.ledger import AttemptRow


def our_payment(row: AttemptRow, charges: list[ChargeState]) -> ChargeState | None:
    """The charge with which this attempt paid. Not simply the newest: the customer may have paid as well, a moment later."""
    mine = (charge for charge in charges if charge.method in (None, row.payment_method))
    return next((charge for charge in mine if charge.status == "succeeded"), None)


def latest_payment(invoice: dict[str, object]) -> tuple[str | None, str | None, str | None]:
    """Charge, intent and the intent's status of a just paid invoice's newest payment."""
    payments = invoice.get("payments")
    listed = payments.get("data", []) if isinstance(payments, dict) else []
    intents = [
        payment["payment"]["payment_intent"]
        for payment in listed
        if payment.get("payment", {}).get("payment_intent")
    ]
    for intent in reversed(intents):
        if isinstance(intent, dict):
            charge = intent.get("latest_charge")
            return (
                (charge if isinstance(charge, str) else (charge or {}).get("id")),
                intent.get("id"),
                intent.get("status"),
            )
    return None, None, None
