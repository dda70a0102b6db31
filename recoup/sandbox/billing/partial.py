"""Partial payments: a PaymentIntent of its own takes some money, and is then credited to an invoice.

As in Stripe, "Partial payments": an attached PaymentIntent that has succeeded lowers what remains of the invoice, and Stripe keeps
the invoice's default payment in step with it.
"""

from __future__ import annotations

from recoup.sandbox.billing.collecting import outcome_of
from recoup.sandbox.billing.dunning import card_dates
from recoup.sandbox.billing.invoicing import default_payment, refuse_while_processing, settle_payment
from recoup.sandbox.http.errors import Doc, StripeError, invalid_request
from recoup.sandbox.issuers import RATE_LIMITED, message_for
from recoup.sandbox.objects.invoices import create_invoice_payment
from recoup.sandbox.objects.payments import create_charge
from recoup.sandbox.webhooks import tell, tell_change
from recoup.sandbox.work import Work
from recoup.worlds.issuer import IssuerAnswer, PaymentRequest


def take(work: Work, intent: Doc, method: Doc, *, on_session: bool) -> None:
    """Charge a PaymentIntent that belongs to no invoice.

    Raises:
        StripeError: the issuer did not approve (402).
    """
    intent.update(payment_method=method["id"], payment_method_types=[method["type"]])
    request = PaymentRequest(intent["amount"], intent["currency"], not on_session, on_session)
    answer: IssuerAnswer = work.issuer.decide(work, method, request)
    approved = answer.outcome == "approved"
    charge = create_charge(
        work,
        intent,
        method,
        "succeeded" if approved else "failed",
        outcome_of(answer),
        _sent=answer.reason != RATE_LIMITED.reason,
        _authenticated=on_session,
        _card_dates=card_dates(method),
        _invoice=None,
        _automatic=False,
    )
    intent["latest_charge"] = charge["id"]
    if approved:
        intent.update(status="succeeded", amount_received=intent["amount"])
        tell(work, "charge.succeeded", charge)
        tell(work, "payment_intent.succeeded", intent)
        return
    charge.update(captured=False, failure_code=answer.code, failure_message=message_for(answer))
    tell(work, "charge.failed", charge)
    tell(work, "payment_intent.payment_failed", intent)
    code = answer.code or "card_declined"
    raise StripeError(
        402,
        "card_error",
        message_for(answer),
        code=code,
        keeps_work=True,
        decline_code=answer.decline_code,
        charge=charge["id"],
    )


def attach(work: Work, invoice: Doc, intent: Doc) -> None:
    """Credit a PaymentIntent that has succeeded to an open invoice."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise invalid_request(f"You cannot attach a payment to an invoice that is {invoice['status']}.")
    if intent["customer"] != invoice["customer"] or intent["currency"] != invoice["currency"]:
        raise invalid_request("The PaymentIntent must have the customer and the currency of the invoice.")
    if intent["_invoice"] is not None or intent["status"] != "succeeded":
        text = "The sandbox attaches PaymentIntents that have succeeded and belong to no invoice."
        raise invalid_request(text, param="payment_intent")
    if intent["amount"] > invoice["amount_remaining"]:
        raise invalid_request("The payment is more than what remains of the invoice.", param="payment_intent")
    refuse_while_processing(work, invoice)
    intent["_invoice"] = invoice["id"]
    work.get("charge", intent["latest_charge"])["_invoice"] = invoice["id"]
    payment = create_invoice_payment(work, invoice, intent, is_default=False)
    settle_payment(work, payment, invoice, intent["amount"])
    if invoice["status"] != "paid":
        keep_in_step(work, invoice)
        tell_change(work, "invoice.updated", invoice)


def keep_in_step(work: Work, invoice: Doc) -> None:
    """Have the invoice's default payment ask for what remains, as Stripe does."""
    payment = default_payment(work, invoice)
    if payment is not None and payment["status"] == "open":
        payment["amount_requested"] = invoice["amount_remaining"]
        work.get("payment_intent", payment["_intent"])["amount"] = invoice["amount_remaining"]
