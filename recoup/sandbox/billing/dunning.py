"""What Stripe itself does about an unpaid invoice: the retries of the account's schedule, then its final action."""

from __future__ import annotations

from recoup.sandbox.billing import lifecycle
from recoup.sandbox.billing.periods import DAY
from recoup.sandbox.http.errors import Doc
from recoup.sandbox.webhooks import tell, tell_change
from recoup.sandbox.work import Work

NEVER_RETRIED_AUTOMATICALLY = frozenset(
    {
        "incorrect_number",
        "lost_card",
        "pickup_card",
        "stolen_card",
        "revocation_of_authorization",
        "revocation_of_all_authorizations",
        "authentication_required",
        "highest_risk_level",
        "transaction_not_allowed",
    }
)
"""Declines after which a retry is made only with another payment method (Stripe, "Smart Retries")."""


def attempt_failed(work: Work, invoice: Doc, *, automatic: bool, needs_action: bool) -> None:
    """Count a failed attempt, plan the next one, tell it, and let the subscription fall behind.

    Any attempt counts as the first; after it only automatic ones do (Stripe, ``invoice.attempt_count``).
    """
    final = count_attempt(work, invoice, automatic=automatic)
    tell_change(work, "invoice.updated", invoice)
    tell(work, "invoice.payment_failed", invoice)
    if needs_action:
        tell(work, "invoice.payment_action_required", invoice)
    _fall_behind(work, invoice)
    if final:
        final_action(work, invoice)


def count_attempt(work: Work, invoice: Doc, *, automatic: bool) -> bool:
    """Count the attempt and plan the next; True when it was the last of the schedule."""
    first = invoice["attempt_count"] == 0
    if first or automatic:
        invoice["attempt_count"] += 1
    invoice["attempted"] = True
    if first:
        invoice.update(_first_failure=work.now, _retry=0)
    if not (first or automatic) or not _is_collected(work, invoice):
        return False
    return not plan_retry(work, invoice)


def plan_retry(work: Work, invoice: Doc) -> bool:
    """Plan the next automatic attempt that still lies ahead; False when the schedule is over."""
    days, began = work.switches.days("retry_days"), invoice["_first_failure"]
    while invoice["_retry"] < len(days):
        due = began + days[invoice["_retry"]] * DAY
        invoice["_retry"] += 1
        if due > work.now:
            invoice["next_payment_attempt"] = due
            work.plan("retry", invoice["id"], due)
            return True
    invoice["next_payment_attempt"] = None
    return False


def final_action(work: Work, invoice: Doc) -> None:
    """The schedule is over: what the account's setting says happens to the subscription."""
    subscription = lifecycle.subscription_of(work, invoice)
    if subscription is None or subscription["status"] not in ("active", "past_due"):
        return
    action = work.switches.text("final_action")
    if action == "unpaid":
        lifecycle.set_status(work, subscription, "unpaid")
    elif action == "pause" and lifecycle.can_pause(subscription):
        lifecycle.pause(work, subscription, "final_payment_failure")
    elif action in ("cancel", "pause"):
        lifecycle.cancel(work, subscription, "payment_failed")


def auto_advance_changed(work: Work, invoice: Doc) -> None:
    """``auto_advance`` was switched by the API: the schedule of the invoice stops, or goes on where it should be by now."""
    if not invoice["auto_advance"]:
        lifecycle.stop_collecting(work, invoice)
        if (
            invoice.get("_first_failure")
            and work.switches.text("final_action_without_auto_advance") != "never"
        ):
            last = max(work.switches.days("retry_days"), default=0)
            work.plan("final", invoice["id"], max(invoice["_first_failure"] + last * DAY, work.now))
        return
    work.unplan("final", invoice["id"])
    if invoice["status"] == "draft":
        invoice["automatically_finalizes_at"] = work.now + 3600
        work.plan("finalize", invoice["id"], work.now + 3600)
    elif invoice["status"] == "open" and invoice["attempted"] and not plan_retry(work, invoice):
        work.plan("final", invoice["id"], work.now)


def is_pointless(work: Work, invoice: Doc, method: Doc) -> bool:
    """Whether Stripe would skip an automatic retry: a hard decline, and still the same card with the same dates."""
    payment = work.first("invoice_payment", {"invoice": invoice["id"], "is_default": 1})
    intent = work.find("payment_intent", payment["_intent"]) if payment else None
    charge = work.find("charge", intent["latest_charge"]) if intent else None
    if charge is None or charge["status"] != "failed" or charge["payment_method"] != method["id"]:
        return False
    hard = {charge["failure_code"], charge["outcome"]["reason"]} & NEVER_RETRIED_AUTOMATICALLY
    return bool(hard) and charge["_card_dates"] == card_dates(method)


def card_dates(method: Doc) -> str:
    """What tells a renewed card from the old one: its fingerprint and its last month."""
    card = method.get("card") or {}
    return f"{method['_fingerprint']}/{card.get('exp_month')}/{card.get('exp_year')}"


def _is_collected(work: Work, invoice: Doc) -> bool:
    subscription = lifecycle.subscription_of(work, invoice)
    abandoned = subscription is not None and subscription["status"] in ("incomplete", *lifecycle.ENDED)
    by_stripe = invoice["auto_advance"] and invoice["collection_method"] == "charge_automatically"
    return by_stripe and not abandoned and not invoice.get("_no_retries")


def _fall_behind(work: Work, invoice: Doc) -> None:
    subscription = lifecycle.subscription_of(work, invoice)
    if subscription is not None and subscription["status"] in ("active", "trialing"):
        lifecycle.set_status(work, subscription, "past_due")
    customer = work.get("customer", invoice["customer"])
    if not customer.get("delinquent") and not customer.get("deleted"):
        customer["delinquent"] = True
        tell_change(work, "customer.updated", customer)
