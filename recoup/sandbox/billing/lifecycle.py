"""The states of a subscription, and how it moves between them."""

from __future__ import annotations

from recoup.sandbox.billing.periods import current_period
from recoup.sandbox.http.errors import Doc
from recoup.sandbox.webhooks import tell, tell_change
from recoup.sandbox.work import Work

ENDED = ("canceled", "incomplete_expired")


def subscription_of(work: Work, invoice: Doc) -> Doc | None:
    """The subscription that an invoice bills, if any."""
    return work.find("subscription", invoice["_subscription"])


def set_status(work: Work, subscription: Doc, status: str) -> None:
    """Move to a status and tell it."""
    subscription["status"] = status
    tell_change(work, "customer.subscription.updated", subscription)


def cancel(work: Work, subscription: Doc, reason: str) -> None:
    """End the subscription now; what it still bills is left payable, but no longer collected automatically."""
    for invoice in work.select("invoice", {"_subscription": subscription["id"]}):
        if invoice["status"] in ("draft", "open") and invoice["auto_advance"]:
            stop_collecting(work, invoice)
            tell_change(work, "invoice.updated", invoice)
    subscription.update(status="canceled", ended_at=work.now, status_details=None, pause_collection=None)
    subscription["canceled_at"] = subscription["canceled_at"] or work.now
    subscription["cancellation_details"]["reason"] = reason
    for kind in ("renew", "expire", "uncollect", "resume_deadline", "cancel_at"):
        work.unplan(kind, subscription["id"])
    tell(work, "customer.subscription.deleted", subscription)


def stop_collecting(work: Work, invoice: Doc) -> None:
    """No automatic attempt and no automatic finalization for this invoice any more."""
    invoice.update(auto_advance=False, next_payment_attempt=None, automatically_finalizes_at=None)
    for kind in ("retry", "finalize"):
        work.unplan(kind, invoice["id"])


def can_pause(subscription: Doc) -> bool:
    """Whether Stripe could pause it: flexible billing, charged automatically, no schedule attached."""
    return (
        subscription["billing_mode"]["type"] == "flexible"
        and subscription["collection_method"] == "charge_automatically"
        and subscription["schedule"] is None
    )


def pause(work: Work, subscription: Doc, reason: str) -> None:
    """No new periods and no new invoices; open ones stay collectible."""
    work.unplan("renew", subscription["id"])
    subscription["status"] = "paused"
    subscription["status_details"] = {
        "paused": {"subscription": {"type": reason}, "transitioned_at": work.now, "type": "subscription"}
    }
    tell_change(work, "customer.subscription.updated", subscription)
    tell(work, "customer.subscription.paused", subscription)


def unpause(work: Work, subscription: Doc, status: str = "active") -> None:
    """Go on: renewals are planned again from the present period."""
    work.unplan("resume_deadline", subscription["id"])
    subscription.update(status=status, status_details=None, _resuming=None)
    work.plan("renew", subscription["id"], max(current_period(subscription)[1], work.now))
    tell_change(work, "customer.subscription.updated", subscription)
    tell(work, "customer.subscription.resumed", subscription)


def invoice_settled(work: Work, invoice: Doc) -> None:
    """An invoice was paid (or forgiven): the subscription may come back by that."""
    _refresh_delinquency(work, invoice)
    subscription = subscription_of(work, invoice)
    if subscription is None:
        return
    status = subscription["status"]
    if status == "incomplete":
        work.unplan("expire", subscription["id"])
        set_status(work, subscription, "active")
    elif status in ("past_due", "unpaid") and _brings_back(work, subscription, invoice):
        set_status(work, subscription, "active")
    elif status == "paused" and _ends_the_pause(subscription, invoice):
        unpause(work, subscription)


def payment_under_way(work: Work, invoice: Doc) -> None:
    """The first invoice's debit is processing: the subscription begins without waiting for it."""
    subscription = subscription_of(work, invoice)
    if subscription is not None and subscription["status"] == "incomplete":
        work.unplan("expire", subscription["id"])
        set_status(work, subscription, "active")


def _brings_back(work: Work, subscription: Doc, invoice: Doc) -> bool:
    if work.switches.text("older_invoice_reactivates") == "yes":
        return True
    newest = work.first("invoice", {"_subscription": subscription["id"], "status": "open"})
    return bool(newest is None or newest["created"] < invoice["created"])


def _ends_the_pause(subscription: Doc, invoice: Doc) -> bool:
    reason: str = subscription["status_details"]["paused"]["subscription"]["type"]
    return reason.endswith("payment_failure") or bool(subscription.get("_resuming") == invoice["id"])


def _refresh_delinquency(work: Work, invoice: Doc) -> None:
    customer = work.find("customer", invoice["customer"])
    if customer is None or not customer.get("delinquent"):
        return
    owing = [
        other
        for other in work.select("invoice", {"customer": customer["id"], "status": "open"})
        if other["attempted"]
    ]
    if not [other for other in owing if other["id"] != invoice["id"]]:
        customer["delinquent"] = False
        tell_change(work, "customer.updated", customer)
