"""Complaints: a dispute, or an early fraud warning, about any charge of a customer's."""

from __future__ import annotations

from datetime import timedelta

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
