"""A customer's own word that they want to cancel: from then on nothing of that debt is collected or written about."""

from __future__ import annotations

from datetime import datetime

from recoup.ledger import Ledger

CUSTOMER_CANCELLED = "customer_cancelled"
"""Kind of the ledger's events about it: one for each case, so that a later debt of a subscription that was kept is another matter."""


def cancelled_at(ledger: Ledger, invoice: str, customer: str) -> datetime | None:
    """When the customer cancelled what this invoice is for; ``None`` where they did not."""
    return next(
        (
            told.at
            for told in ledger.events.of_customer(customer)
            if told.kind == CUSTOMER_CANCELLED and told.invoice == invoice
        ),
        None,
    )
