"""What customers have said on their page, as the ledger keeps it."""

from __future__ import annotations

from datetime import datetime

from recoup.ledger import Ledger

CUSTOMER_PROMISED = "customer_promised"
"""Kind of the event about a promise to pay: one for each case, with the moment it is for as ``until``."""
CUSTOMER_CANCELLED = "customer_cancelled"
"""Kind of the event about a cancellation: one for each case, so that a later debt of a subscription that was kept is another matter."""
WISH_FULFILLED = "wish_fulfilled"
WISH_REFUSED = "wish_refused"


def cancelled_at(ledger: Ledger, invoice: str, customer: str) -> datetime | None:
    """When the customer cancelled what this invoice is for; ``None`` where they did not.

    From then on nothing of it is collected or written about.
    """
    told = ledger.events.of_kind(CUSTOMER_CANCELLED, customer, invoice)
    return told[0].at if told else None
