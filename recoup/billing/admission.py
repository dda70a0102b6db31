"""Which failed invoices become cases."""

from __future__ import annotations

from recoup.billing.invoices import InvoiceState

NOT_A_CASE = {
    "no_subscription": "the invoice belongs to no subscription; one-off invoices are not recovered",
    "first_invoice": "it is the first invoice of a subscription; the customer is still at the checkout, and Stripe gives it 23 hours",
    "send_invoice": "the invoice is sent to be paid by its due date, not charged; there is no card to retry",
    "customer_deleted": "the customer was deleted at Stripe",
}


def refusal(state: InvoiceState) -> str | None:
    """Why this invoice is no case for Recoup, or ``None`` if it may be one."""
    if state.subscription is None:
        return NOT_A_CASE["no_subscription"]
    if state.billing_reason == "subscription_create":
        return NOT_A_CASE["first_invoice"]
    if state.collection_method != "charge_automatically":
        return NOT_A_CASE["send_invoice"]
    if state.customer_deleted:
        return NOT_A_CASE["customer_deleted"]
    return None
