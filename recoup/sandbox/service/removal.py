"""Removing a customer with all that belongs to it."""

from __future__ import annotations

from recoup.sandbox.billing import lifecycle
from recoup.sandbox.http.errors import Doc
from recoup.sandbox.service.methods import detach
from recoup.sandbox.webhooks import tell
from recoup.sandbox.work import Work


def delete_customer(work: Work, customer: Doc) -> None:
    """Delete a customer: subscriptions end, payment methods come off."""
    for subscription in work.select("subscription", {"customer": customer["id"]}):
        if subscription["status"] not in lifecycle.ENDED:
            lifecycle.cancel(work, subscription, "cancellation_requested")
    for method in work.select("payment_method", {"customer": customer["id"]}):
        detach(work, method)
    tell(work, "customer.deleted", customer)
    customer["deleted"] = True
