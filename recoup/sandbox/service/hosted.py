"""The hosted invoice page: what is owed, paying it on session, and the 3-D Secure step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from recoup.sandbox.billing.collecting import Attempt, collect, finish_authentication
from recoup.sandbox.billing.periods import DAY
from recoup.sandbox.http.errors import Doc, StripeError
from recoup.sandbox.objects.methods import create_other
from recoup.sandbox.service.portal import CardForm, make_default, method_from_form
from recoup.sandbox.service.setup import finish_setup_authentication
from recoup.sandbox.webhooks import tell
from recoup.sandbox.work import Work

OTHER_WAYS = ("blik", "bank_transfer")
"""Ways to pay besides cards that the hosted page offers; both succeed at once."""

_VALID_DAYS = 30


@dataclass(frozen=True)
class Paid:
    """How paying ended: paid, processing, a 3-D Secure page to visit first, or why not."""

    result: Literal["paid", "processing", "requires_action", "declined", "closed"]
    authenticate_at: str | None = None
    error: Doc | None = None


@dataclass(frozen=True)
class Challenge:
    """A 3-D Secure step that waits for its customer."""

    intent: Doc
    amount: int | None
    currency: str | None
    invoice: Doc | None


def hosted_invoice(work: Work, token: str) -> Doc | None:
    """The invoice of an address; None when there is none, or when the page has run out (Stripe: 30 days after it was due)."""
    invoice = work.first("invoice", {"_token": token})
    if invoice is None:
        return None
    begin = invoice["due_date"] or invoice["status_transitions"]["finalized_at"] or work.now
    return None if work.now > begin + _VALID_DAYS * DAY else invoice


def payable_methods(work: Work, invoice: Doc) -> list[Doc]:
    """The payment methods that the invoice's customer has on file."""
    return work.select("payment_method", {"customer": invoice["customer"]})


def is_payable(invoice: Doc) -> bool:
    """Whether the invoice can still be paid."""
    return invoice["status"] in ("open", "uncollectible") and invoice["amount_remaining"] > 0


def pay_with_card(work: Work, invoice: Doc, form: CardForm) -> Paid:
    """Pay with a card typed into the page."""
    try:
        method = method_from_form(work, form)
    except StripeError as error:
        return Paid("declined", error=error.error)
    return pay_with_method(work, invoice, method)


def pay_with_other(work: Work, invoice: Doc, way: str) -> Paid:
    """Pay by BLIK or bank transfer (:data:`OTHER_WAYS`)."""
    return pay_with_method(work, invoice, create_other(work, way))


def pay_with_method(work: Work, invoice: Doc, method: Doc) -> Paid:
    """Pay on session with this payment method; the same collection as ``invoices.pay``, so never beside it twice."""
    if not is_payable(invoice):
        return Paid("closed")
    try:
        attempt = collect(work, invoice, method, on_session=True, hosted=True)
    except StripeError as error:
        return Paid("declined", error=error.error)
    return _paid(attempt)


def challenge(work: Work, token: str) -> Challenge | None:
    """The 3-D Secure step of an address, of a payment or of a card that is being saved; None when nothing waits there."""
    intent = work.first("payment_intent", {"_token": token})
    if intent is not None and intent["status"] == "requires_action":
        return Challenge(
            intent, intent["amount"], intent["currency"], work.find("invoice", intent["_invoice"])
        )
    intent = work.first("setup_intent", {"_token": token})
    if intent is not None and intent["status"] == "requires_action":
        return Challenge(intent, None, None, None)
    return None


def complete_challenge(work: Work, waiting: Challenge, *, passed: bool) -> Paid:
    """The customer authenticated, or failed to: the payment is tried, or the card saved and made the default."""
    intent = waiting.intent
    if intent["object"] == "payment_intent":
        if waiting.invoice is not None and not is_payable(waiting.invoice):
            return Paid("closed")
        return _paid(finish_authentication(work, intent, passed=passed))
    error = finish_setup_authentication(work, intent, passed=passed)
    if error is not None:
        return Paid("declined", error=error.error)
    if intent.get("_portal"):
        make_default(work, intent["customer"], intent["payment_method"])
    if intent.get("_checkout"):
        complete_checkout(work, work.get("checkout.session", intent["_checkout"]))
    return Paid("paid")


def complete_checkout(work: Work, session: Doc) -> None:
    """A checkout session in setup mode has done its work."""
    session.update(status="complete", payment_status="no_payment_required", url=None)
    work.unplan("close_checkout", session["id"])
    tell(work, "checkout.session.completed", session)


def _paid(attempt: Attempt) -> Paid:
    if attempt.result == "requires_action":
        assert attempt.intent is not None
        return Paid("requires_action", attempt.intent["next_action"]["redirect_to_url"]["url"])
    if attempt.result in ("paid", "processing"):
        return Paid("paid" if attempt.result == "paid" else "processing")
    return Paid("declined", error=attempt.error)
