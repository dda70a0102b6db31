"""Complaints: a dispute, or an early fraud warning, about any charge of a customer's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from stripe import StripeClient

from recoup.billing import ChargeState
from recoup.billing.invoices import moment
from recoup.ledger import Ledger

DISPUTE_OPENED = "webhook.dispute_opened"
"""Kind of the ledger's events about complaints."""

ANY_ORDER = timedelta(days=3)
"""Stripe delivers an event for three days, in no order (Stripe, "Receive events in your webhook endpoint"): a complaint may be told
before the failure that it follows."""


def has_complained(ledger: Ledger, invoice: str, customer: str) -> bool:
    """Whether the customer complained since the invoice's case began, or so shortly before that no case could be told of it."""
    cases = ledger.cases.by_invoice(invoice)
    if not cases:
        return False
    return ledger.events.has(DISPUTE_OPENED, customer, cases[-1].opened_at - ANY_ORDER)


def hear_complaints(
    client: StripeClient,
    ledger: Ledger,
    invoice: str,
    customer: str,
    charges: Sequence[ChargeState],
    failed_at: datetime,
    at: datetime,
) -> None:
    """Note the disputes of these charges that no webhook has told of, if they are as new as :func:`has_complained` asks.

    ``failed_at`` is when the invoice was first refused: a case may have begun long after that, where nobody listened.
    """
    cases = ledger.cases.by_invoice(invoice)
    disputed = [charge.id for charge in charges if charge.disputed]
    if not cases or not disputed or has_complained(ledger, invoice, customer):
        return
    since = min(cases[-1].opened_at, failed_at) - ANY_ORDER
    for charge in disputed:
        for dispute in client.v1.disputes.list({"charge": charge, "limit": 1}).data:
            if moment(dispute.created) < since:
                continue
            data = {
                "charge": charge,
                "type": "read",
                "because": "whoever disputes a charge is not charged again",
            }
            ledger.events.append(
                DISPUTE_OPENED,
                at,
                customer=customer,
                data=data,
                unique=f"{DISPUTE_OPENED}/{dispute.id}/{cases[-1].id}",
            )
