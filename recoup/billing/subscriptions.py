"""Pausing, resuming and cancelling a subscription."""

from __future__ import annotations

from stripe import InvalidRequestError, StripeClient

from recoup.ledger import AccessMeans


def pause(client: StripeClient, subscription: str, *, key: str) -> AccessMeans:
    """Pause a subscription so that it does not renew into new debts.

    Where Stripe cannot pause it (classic billing mode, an attached schedule, a state it refuses), its collection is paused
    and the invoices of the time without access are voided.
    """
    state = client.v1.subscriptions.retrieve(subscription).to_dict()
    if state.get("status") == "paused":
        return AccessMeans.PAUSED
    if state.get("pause_collection"):
        return AccessMeans.COLLECTION_PAUSED
    try:
        client.v1.subscriptions.pause(
            subscription,
            {"type": "subscription", "invoicing_behavior": "invoice"},
            {"idempotency_key": key},
        )
    except InvalidRequestError as error:
        if error.http_status == 404:
            raise
        client.v1.subscriptions.update(subscription, {"pause_collection": {"behavior": "void"}})
        return AccessMeans.COLLECTION_PAUSED
    return AccessMeans.PAUSED


def resume(client: StripeClient, subscription: str, how: AccessMeans, *, key: str) -> None:
    """Undo what :func:`pause` did; nothing is charged for the time without access."""
    state = client.v1.subscriptions.retrieve(subscription).to_dict()
    # One with an end is the customer's own, and goes on as long as they were told.
    if (state.get("pause_collection") or {"resumes_at": 0}).get("resumes_at") is None:
        client.v1.subscriptions.update(subscription, {"pause_collection": ""})
    if how is AccessMeans.PAUSED and state.get("status") == "paused":
        client.v1.subscriptions.resume(
            subscription,
            {"billing_cycle_anchor": {"type": "unchanged"}, "proration_behavior": "none"},
            {"idempotency_key": key},
        )


def paused_as(client: StripeClient, subscription: str) -> AccessMeans | None:
    """In which way a subscription is paused at this moment; ``None`` where it runs, or has ended."""
    state = client.v1.subscriptions.retrieve(subscription).to_dict()
    if state.get("status") == "paused":
        return AccessMeans.PAUSED
    ended = state.get("status") == "canceled"
    return AccessMeans.COLLECTION_PAUSED if state.get("pause_collection") and not ended else None


def cancel(client: StripeClient, subscription: str, *, key: str) -> None:
    """Cancel a subscription now, without a last invoice; its open invoices stay payable."""
    if client.v1.subscriptions.retrieve(subscription).to_dict().get("status") == "canceled":
        return
    client.v1.subscriptions.cancel(
        subscription, {"invoice_now": False, "prorate": False}, {"idempotency_key": key}
    )


def open_invoices_of(client: StripeClient, subscription: str) -> list[str]:
    """Ids of the subscription's invoices on which something is owed."""
    found = client.v1.invoices.list({"subscription": subscription, "status": "open", "limit": 100})
    return [
        data["id"]
        for data in (invoice.to_dict() for invoice in found.auto_paging_iter())
        if data.get("amount_remaining")
    ]
