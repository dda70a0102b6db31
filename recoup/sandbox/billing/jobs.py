"""What falls due on the virtual clock, by kind of plan."""

from __future__ import annotations

from collections.abc import Callable

from recoup.sandbox.billing import dunning, lifecycle
from recoup.sandbox.billing.collecting import collect, resolve_method, settle_debit
from recoup.sandbox.billing.invoicing import void
from recoup.sandbox.billing.renewals import finalize_and_collect, renew
from recoup.sandbox.http.errors import Doc
from recoup.sandbox.webhooks import tell, tell_change
from recoup.sandbox.work import Work


def _renew(work: Work, subscription: Doc) -> None:
    if subscription["status"] in ("active", "trialing", "past_due", "unpaid"):
        renew(work, subscription)


def _finalize(work: Work, invoice: Doc) -> None:
    if invoice["status"] == "draft" and invoice["auto_advance"]:
        finalize_and_collect(work, invoice)


def _retry(work: Work, invoice: Doc) -> None:
    if invoice["status"] != "open" or not invoice["auto_advance"]:
        return
    method = resolve_method(work, invoice)
    if method is None or not dunning.is_pointless(work, invoice, method):
        collect(work, invoice, method, automatic=True)
        return
    final = dunning.count_attempt(work, invoice, automatic=True)
    tell_change(work, "invoice.updated", invoice)
    if final:
        dunning.final_action(work, invoice)


def _final(work: Work, invoice: Doc) -> None:
    if invoice["status"] == "open":
        dunning.final_action(work, invoice)


def _expire(work: Work, subscription: Doc) -> None:
    if subscription["status"] != "incomplete":
        return
    invoice = work.find("invoice", subscription["latest_invoice"])
    if invoice is not None and invoice["status"] == "open":
        void(work, invoice)
    work.unplan("renew", subscription["id"])
    subscription.update(ended_at=work.now)
    lifecycle.set_status(work, subscription, "incomplete_expired")


def _uncollect(work: Work, subscription: Doc) -> None:
    subscription["pause_collection"] = None
    tell_change(work, "customer.subscription.updated", subscription)


def _resume_deadline(work: Work, subscription: Doc) -> None:
    invoice = work.find("invoice", subscription.get("_resuming"))
    subscription["_resuming"] = None
    if invoice is not None and invoice["status"] == "open":
        void(work, invoice)


def _cancel_at(work: Work, subscription: Doc) -> None:
    if subscription["status"] not in lifecycle.ENDED:
        lifecycle.cancel(work, subscription, "cancellation_requested")


def _overdue(work: Work, invoice: Doc) -> None:
    if invoice["status"] != "open":
        return
    tell(work, "invoice.overdue", invoice)
    subscription = lifecycle.subscription_of(work, invoice)
    if subscription is not None and subscription["status"] == "active":
        lifecycle.set_status(work, subscription, "past_due")


def _close_checkout(work: Work, session: Doc) -> None:
    if session["status"] == "open":
        session.update(status="expired", url=None)
        tell(work, "checkout.session.expired", session)


def _clock_ready(work: Work, clock: Doc) -> None:
    clock.update(status="ready", frozen_time=work.now, status_details={})
    tell(work, "test_helpers.test_clock.ready", clock)


JOBS: dict[str, tuple[str, Callable[[Work, Doc], None]]] = {
    "renew": ("subscription", _renew),
    "finalize": ("invoice", _finalize),
    "retry": ("invoice", _retry),
    "final": ("invoice", _final),
    "settle": ("charge", settle_debit),
    "expire": ("subscription", _expire),
    "uncollect": ("subscription", _uncollect),
    "resume_deadline": ("subscription", _resume_deadline),
    "cancel_at": ("subscription", _cancel_at),
    "overdue": ("invoice", _overdue),
    "clock_ready": ("test_helpers.test_clock", _clock_ready),
    "close_checkout": ("checkout.session", _close_checkout),
}


def run_job(work: Work, kind: str, object_: str) -> None:
    """Do what was planned for an object, if it is still there."""
    type_, action = JOBS[kind]
    doc = work.find(type_, object_)
    if doc is not None and not doc.get("deleted"):
        action(work, doc)
