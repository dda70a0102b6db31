"""New periods: the invoice of each, and what becomes of it."""

from __future__ import annotations

from recoup.sandbox.billing import lifecycle
from recoup.sandbox.billing.collecting import collect, resolve_method
from recoup.sandbox.billing.invoicing import (
    finalize,
    mark_uncollectible,
    pending_lines,
    subscription_lines,
    void,
)
from recoup.sandbox.billing.periods import DAY, current_period, end_for, set_period
from recoup.sandbox.http.errors import Doc
from recoup.sandbox.objects.invoices import create_invoice, set_lines
from recoup.sandbox.webhooks import tell, tell_change
from recoup.sandbox.work import Work


def renew(work: Work, subscription: Doc) -> None:
    """The period has ended: the next one begins, is invoiced, and its invoice is collected."""
    if subscription["cancel_at_period_end"]:
        lifecycle.cancel(work, subscription, "cancellation_requested")
        return
    if subscription["status"] == "trialing" and _trial_ends_without_method(work, subscription):
        return
    start = current_period(subscription)[1]
    end = end_for(subscription, start)
    set_period(subscription, start, end)
    if subscription["status"] == "trialing":
        subscription["status"] = "active"
    work.plan("renew", subscription["id"], end)
    invoice = bill_period(work, subscription, start, end, "subscription_cycle")
    tell_change(work, "customer.subscription.updated", subscription)
    advance(work, invoice, subscription)


def bill_period(work: Work, subscription: Doc, start: int, end: int, reason: str) -> Doc:
    """A draft invoice for this period, with what was pending; it becomes the subscription's latest."""
    customer = work.get("customer", subscription["customer"])
    sent = subscription["collection_method"] == "send_invoice"
    invoice = create_invoice(
        work,
        customer,
        currency=subscription["currency"],
        reason=reason,
        lines=[],
        subscription=subscription,
        collection_method=subscription["collection_method"],
        due_date=work.now + (subscription["days_until_due"] or 0) * DAY if sent else None,
        period_start=start,
        period_end=end,
    )
    lines = pending_lines(work, invoice, customer, subscription) + subscription_lines(
        work, subscription, start, end
    )
    set_lines(invoice, lines)
    subscription["latest_invoice"] = invoice["id"]
    tell(work, "invoice.created", invoice)
    return invoice


def advance(work: Work, invoice: Doc, subscription: Doc) -> None:
    """Move a renewal's draft on: at once, after the draft time, or as paused collection says."""
    paused = subscription["pause_collection"]
    if subscription["status"] == "unpaid" or (paused and paused["behavior"] == "keep_as_draft"):
        invoice["auto_advance"] = False
        return
    if paused:
        finalize(work, invoice)
        if invoice["status"] == "open":
            void(work, invoice) if paused["behavior"] == "void" else mark_uncollectible(
                work, invoice, "subscription_paused"
            )
        return
    wait = int(work.switches.number("draft_seconds"))
    if wait:
        invoice["automatically_finalizes_at"] = work.now + wait
        work.plan("finalize", invoice["id"], work.now + wait)
    else:
        finalize_and_collect(work, invoice)


def finalize_and_collect(work: Work, invoice: Doc) -> None:
    """Finalize a draft and make Stripe's first attempt, where the invoice is charged automatically."""
    finalize(work, invoice)
    if invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
        collect(work, invoice, resolve_method(work, invoice), automatic=True)


def _trial_ends_without_method(work: Work, subscription: Doc) -> bool:
    customer = work.get("customer", subscription["customer"])
    if subscription["default_payment_method"] or customer["invoice_settings"]["default_payment_method"]:
        return False
    behavior = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if behavior == "pause":
        lifecycle.pause(work, subscription, "trial_end_without_payment_method")
    elif behavior == "cancel":
        lifecycle.cancel(work, subscription, "payment_failed")
    return bool(behavior != "create_invoice")
