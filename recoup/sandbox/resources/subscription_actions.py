"""Subscriptions: cancel, pause, resume."""

from __future__ import annotations

from recoup.sandbox.billing import lifecycle
from recoup.sandbox.billing.collecting import collect, resolve_method
from recoup.sandbox.billing.invoicing import finalize
from recoup.sandbox.billing.periods import current_period, end_for, set_period
from recoup.sandbox.billing.prorating import credit_unused, debit_remaining
from recoup.sandbox.billing.renewals import bill_period
from recoup.sandbox.http.errors import Doc, invalid_request
from recoup.sandbox.http.params import FLAG, MOMENT, TEXT, Fields, Text, request
from recoup.sandbox.http.routing import Call, router
from recoup.sandbox.webhooks import tell_change
from recoup.sandbox.work import Work

_DETAILS = Fields(comment=TEXT, feedback=TEXT)
_SUCCESS_DEADLINE = 23 * 3600


@router.add(
    "DELETE", "/v1/subscriptions/{id}", request(invoice_now=FLAG, prorate=FLAG, cancellation_details=_DETAILS)
)
def cancel(call: Call) -> Doc:
    """End the subscription now."""
    subscription = call.work.get("subscription", call.id)
    if subscription["status"] in lifecycle.ENDED:
        text = f"No such subscription: '{call.id}'"
        raise invalid_request(text, code="resource_missing", param="id")
    subscription["cancellation_details"].update(call.params.get("cancellation_details") or {})
    lifecycle.cancel(call.work, subscription, "cancellation_requested")
    return subscription


@router.add(
    "POST",
    "/v1/subscriptions/{id}/pause",
    request(
        type=Text("subscription"),
        bill_for=Fields(
            unused_time_from=Fields(("type",), type=Text("item_current_period_start", "none", "now")),
            outstanding_usage_through=Fields(("type",), type=Text("none", "now")),
        ),
        invoicing_behavior=Text("invoice", "pending_invoice_item"),
    ),
)
def pause(call: Call) -> Doc:
    """Pause the subscription: no new periods, no new invoices; open invoices stay collectible."""
    work, subscription = call.work, call.work.get("subscription", call.id)
    allowed = ["active", "trialing"]
    if work.switches.text("pause_while_past_due") == "allowed":
        allowed.append("past_due")
    if subscription["status"] not in allowed:
        raise invalid_request(f"You cannot pause a subscription with status `{subscription['status']}`.")
    if not lifecycle.can_pause(subscription):
        text = "Only subscriptions with `billing_mode[type]=flexible` that are charged automatically and have no schedule can be paused."
        raise invalid_request(text)
    unused = (call.params.get("bill_for") or {}).get("unused_time_from") or {"type": "now"}
    credit_unused(work, subscription, unused["type"])
    lifecycle.pause(work, subscription, "pause_requested")
    return subscription


@router.add(
    "POST",
    "/v1/subscriptions/{id}/resume",
    request(
        billing_cycle_anchor=Fields(("type",), type=Text("now", "unchanged")),
        payment_behavior=Text("resume_on_payment_attempt", "resume_on_payment_success"),
        proration_behavior=Text("always_invoice", "create_prorations", "none"),
        proration_date=MOMENT,
    ),
)
def resume(call: Call) -> Doc:
    """Take a paused subscription up again."""
    work, params = call.work, call.params
    subscription = work.get("subscription", call.id)
    if subscription["status"] != "paused":
        raise invalid_request("You cannot resume a subscription that is not paused.")
    anchor = (params.get("billing_cycle_anchor") or {"type": "now"})["type"]
    if anchor == "unchanged" and current_period(subscription)[1] > work.now:
        if params.get("proration_behavior") != "none":
            debit_remaining(work, subscription)
        lifecycle.unpause(work, subscription)
        return subscription
    invoice = _bill_resumption(work, subscription, anchor)
    if invoice["status"] == "paid":
        lifecycle.unpause(work, subscription)
    elif params.get("payment_behavior") == "resume_on_payment_success":
        _wait_for_payment(work, subscription, invoice)
    else:
        _attempt(work, subscription, invoice)
    return subscription


def _bill_resumption(work: Work, subscription: Doc, anchor: str) -> Doc:
    start = work.now
    if anchor == "now":
        subscription["billing_cycle_anchor"] = work.now
    else:
        start = current_period(subscription)[1]
        while end_for(subscription, start) <= work.now:
            start = end_for(subscription, start)
    end = end_for(subscription, start)
    set_period(subscription, start, end)
    invoice = bill_period(work, subscription, start, end, "subscription_update")
    invoice["_no_retries"] = True
    finalize(work, invoice)
    return invoice


def _attempt(work: Work, subscription: Doc, invoice: Doc) -> None:
    lifecycle.unpause(work, subscription)
    collect(work, invoice, resolve_method(work, invoice), automatic=True)


def _wait_for_payment(work: Work, subscription: Doc, invoice: Doc) -> None:
    subscription["_resuming"] = invoice["id"]
    work.plan("resume_deadline", subscription["id"], work.now + _SUCCESS_DEADLINE)
    tell_change(work, "customer.subscription.updated", subscription)
    collect(work, invoice, resolve_method(work, invoice), automatic=True)
