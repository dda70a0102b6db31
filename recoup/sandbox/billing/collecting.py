"""Collecting an invoice: one attempt with one payment method, from the issuer's answer to all that follows from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from recoup.sandbox.billing import dunning
from recoup.sandbox.billing.invoicing import default_payment, refuse_while_processing, settle_payment
from recoup.sandbox.billing.lifecycle import payment_under_way
from recoup.sandbox.http.errors import Doc, StripeError, invalid_request
from recoup.sandbox.ids import random_text
from recoup.sandbox.issuers import RATE_LIMITED, message_for
from recoup.sandbox.objects.invoices import create_invoice_payment
from recoup.sandbox.objects.payments import create_charge, create_intent, payment_error
from recoup.sandbox.webhooks import tell, tell_change
from recoup.sandbox.work import Work, public
from recoup.worlds.issuer import IssuerAnswer, PaymentRequest

Result = Literal["paid", "declined", "requires_action", "processing", "no_method"]


@dataclass(frozen=True)
class Attempt:
    """How an attempt ended; ``error`` is the ``error`` object of the answer that the API gives for it."""

    result: Result
    intent: Doc | None = None
    charge: Doc | None = None
    error: Doc | None = None

    def check(self) -> None:
        """Raise the card error that the API answers with, unless money came or is on its way."""
        if self.result == "no_method":
            text = "There is no `default_payment_method` set on this Customer or Invoice. Please set one and try again."
            raise StripeError(400, "invalid_request_error", text, code="resource_missing", keeps_work=True)
        if self.error is not None and self.error["type"] == "invalid_request_error":
            refused = invalid_request(self.error["message"], code=self.error["code"])
            refused.keeps_work = True
            raise refused
        if self.error is not None:
            fields = {
                key: value for key, value in self.error.items() if key not in ("type", "message", "doc_url")
            }
            code = fields.pop("code")
            raise StripeError(402, "card_error", self.error["message"], code=code, keeps_work=True, **fields)


def resolve_method(work: Work, invoice: Doc) -> Doc | None:
    """The payment method by Stripe's precedence: the invoice's, the subscription's, the customer's default."""
    subscription = work.find("subscription", invoice["_subscription"])
    customer = work.get("customer", invoice["customer"])
    candidates = [invoice["default_payment_method"]]
    candidates.append(subscription["default_payment_method"] if subscription else None)
    candidates.append((customer.get("invoice_settings") or {}).get("default_payment_method"))
    return next((work.find("payment_method", id_) for id_ in candidates if id_), None)


def collect(
    work: Work,
    invoice: Doc,
    method: Doc | None,
    *,
    on_session: bool = False,
    automatic: bool = False,
    hosted: bool = False,
) -> Attempt:
    """Try to collect what remains of the invoice with this payment method.

    On session the customer is there to authenticate; ``hosted`` says that they pay on the invoice's own page, where a step
    that is still to be done is no failure. Automatic attempts are Stripe's own.
    """
    if method is None:
        dunning.attempt_failed(work, invoice, automatic=automatic, needs_action=False)
        return Attempt("no_method")
    payment, intent = _payment_for(work, invoice)
    refuse_while_processing(work, invoice)
    intent.update(payment_method=method["id"], payment_method_types=[method["type"]], next_action=None)
    intent["_how"] = {
        "automatic": automatic,
        "hosted": hosted,
        "on_session": on_session,
        "method": method["id"],
    }
    return _charge(work, invoice, payment, intent, method, authenticated=False)


def finish_authentication(work: Work, intent: Doc, *, passed: bool) -> Attempt:
    """The customer has done, or failed, the 3-D Secure step that an attempt asked for."""
    if intent["status"] != "requires_action":
        raise invalid_request(
            "This payment no longer waits for authentication.", code="payment_intent_unexpected_state"
        )
    invoice = work.get("invoice", intent["_invoice"])
    payment = work.first("invoice_payment", {"invoice": invoice["id"], "_intent": intent["id"]})
    method = work.get("payment_method", intent["_how"]["method"])
    assert payment is not None
    intent.update(next_action=None, _token=None)
    if passed:
        return _charge(work, invoice, payment, intent, method, authenticated=True)
    code = "payment_intent_authentication_failure"
    error = _error(IssuerAnswer("declined", code=code), intent, None, method)
    error["message"] = "The provided PaymentMethod has failed authentication."
    _intent_failed(work, intent, method, error)
    return Attempt("declined", intent, None, error)


def settle_debit(work: Work, charge: Doc) -> None:
    """The bank has answered about a debit that was processing."""
    intent = work.get("payment_intent", charge["payment_intent"])
    invoice = work.get("invoice", intent["_invoice"])
    method = work.get("payment_method", charge["payment_method"])
    answer = IssuerAnswer(**charge.pop("_settles_as"))
    payment = work.first("invoice_payment", {"invoice": invoice["id"], "_intent": intent["id"]})
    assert payment is not None
    if answer.outcome == "approved":
        charge.update(status="succeeded", paid=True, amount_captured=charge["amount"])
        charge["balance_transaction"] = f"txn_{random_text(24)}"
        _succeeded(work, invoice, payment, intent, charge)
        return
    _charge_failed(charge, answer)
    _declined(work, invoice, intent, charge, method, answer)


def outcome_of(answer: IssuerAnswer) -> Doc:
    """``charge.outcome`` for an issuer's answer."""
    if answer.outcome in ("approved", "processing"):
        text = "Payment complete."
    elif answer.type == "blocked":
        text = "Stripe blocked this payment as too risky."
    else:
        text = f"The bank returned the decline code `{answer.decline_code}`."
    return {
        "advice_code": answer.advice_code,
        "network_advice_code": answer.network_advice_code,
        "network_decline_code": answer.network_decline_code,
        "network_status": answer.network_status,
        "reason": answer.reason,
        "risk_level": "highest" if answer.type == "blocked" else "normal",
        "risk_score": 92 if answer.type == "blocked" else 24,
        "seller_message": text,
        "type": answer.type,
    }


def _payment_for(work: Work, invoice: Doc) -> tuple[Doc, Doc]:
    payment = default_payment(work, invoice)
    if payment is not None and payment["status"] == "open":
        return payment, work.get("payment_intent", payment["_intent"])
    # The invoice's own PaymentIntent is spent: only a race (switch invoice_lock=off) or an uncollectible one gets here.
    amount = invoice["amount_remaining"] or invoice["amount_due"]
    intent = create_intent(work, invoice["customer"], amount, invoice["currency"], "Subscription update")
    intent["_invoice"] = invoice["id"]
    tell(work, "payment_intent.created", intent)
    return create_invoice_payment(work, invoice, intent, is_default=False), intent


def _charge(
    work: Work, invoice: Doc, payment: Doc, intent: Doc, method: Doc, *, authenticated: bool
) -> Attempt:
    how = intent["_how"]
    request = PaymentRequest(intent["amount"], intent["currency"], not how["on_session"], authenticated)
    answer: IssuerAnswer = work.issuer.decide(work, method, request)
    chargeless = how["on_session"] or work.switches.text("pay_3ds_charge") == "none"
    if answer.outcome == "authentication_required" and chargeless:
        return _ask(work, invoice, intent, method)
    status = {"approved": "succeeded", "processing": "pending"}.get(answer.outcome, "failed")
    charge = create_charge(
        work,
        intent,
        method,
        status,
        outcome_of(answer),
        _sent=answer.reason != RATE_LIMITED.reason,
        _authenticated=authenticated,
        _card_dates=dunning.card_dates(method),
        _invoice=invoice["id"],
        _automatic=how["automatic"],
    )
    intent["latest_charge"] = charge["id"]
    if authenticated and charge["payment_method_details"]["type"] == "card":
        charge["payment_method_details"]["card"]["three_d_secure"] = {
            "authentication_flow": "challenge",
            "electronic_commerce_indicator": "05",
            "exemption_indicator": None,
            "result": "authenticated",
            "result_reason": None,
            "transaction_id": None,
            "version": "2.2.0",
        }
    if status == "succeeded":
        _succeeded(work, invoice, payment, intent, charge)
        return Attempt("paid", intent, charge)
    if status == "pending":
        return _processing(work, invoice, intent, charge, answer)
    _charge_failed(charge, answer)
    return _declined(work, invoice, intent, charge, method, answer)


def _succeeded(work: Work, invoice: Doc, payment: Doc, intent: Doc, charge: Doc) -> None:
    intent.update(
        status="succeeded", amount_received=intent["amount"], last_payment_error=None, processing=None
    )
    if invoice["attempt_count"] == 0 or intent["_how"]["automatic"]:
        invoice["attempt_count"] += 1
    tell(work, "charge.succeeded", charge)
    tell(work, "payment_intent.succeeded", intent)
    settle_payment(work, payment, invoice, intent["amount"])


def _processing(work: Work, invoice: Doc, intent: Doc, charge: Doc, answer: IssuerAnswer) -> Attempt:
    assert answer.settles_at is not None
    assert answer.settles_as is not None
    charge["_settles_as"] = asdict(answer.settles_as)
    work.plan("settle", charge["id"], int(answer.settles_at.timestamp()))
    work.unplan("retry", invoice["id"])
    intent.update(status="processing", last_payment_error=None)
    invoice.update(attempted=True, next_payment_attempt=None)
    tell(work, "charge.pending", charge)
    tell(work, "payment_intent.processing", intent)
    tell_change(work, "invoice.updated", invoice)
    payment_under_way(work, invoice)
    return Attempt("processing", intent, charge)


def _charge_failed(charge: Doc, answer: IssuerAnswer) -> None:
    charge.update(status="failed", paid=False, captured=False, outcome=outcome_of(answer))
    charge.update(failure_code=answer.code, failure_message=message_for(answer))


def _declined(
    work: Work, invoice: Doc, intent: Doc, charge: Doc, method: Doc, answer: IssuerAnswer
) -> Attempt:
    needs_action = answer.outcome == "authentication_required"
    tell(work, "charge.failed", charge)
    error = _error(answer, intent, charge, method)
    if needs_action and work.switches.text("pay_3ds_status") == "requires_action":
        _await_action(work, intent)
        intent["last_payment_error"] = payment_error(error, public(method))
        tell(work, "payment_intent.requires_action", intent)
    else:
        _intent_failed(work, intent, method, error)
    if not intent["_how"]["hosted"]:
        dunning.attempt_failed(
            work, invoice, automatic=intent["_how"]["automatic"], needs_action=needs_action
        )
    else:
        tell(work, "invoice.payment_failed", invoice)
    error["payment_intent"] = public(intent)
    if needs_action:
        error["code"] = work.switches.text("pay_3ds_error")
        error["type"] = work.switches.text("pay_3ds_type")
    return Attempt("declined", intent, charge, error)


def _intent_failed(work: Work, intent: Doc, method: Doc, error: Doc) -> None:
    intent.update(status="requires_payment_method", payment_method=None, processing=None)
    intent["last_payment_error"] = payment_error(error, public(method))
    tell(work, "payment_intent.payment_failed", intent)


def _ask(work: Work, invoice: Doc, intent: Doc, method: Doc) -> Attempt:
    _await_action(work, intent)
    tell(work, "payment_intent.requires_action", intent)
    if not intent["_how"]["hosted"]:
        dunning.attempt_failed(work, invoice, automatic=intent["_how"]["automatic"], needs_action=True)
    error = _error(
        IssuerAnswer("declined", code="invoice_payment_intent_requires_action"), intent, None, method
    )
    return Attempt("requires_action", intent, None, error)


def _await_action(work: Work, intent: Doc) -> None:
    token = random_text(40)
    intent.update(status="requires_action", _token=token)
    redirect = {"return_url": None, "url": f"{work.base_url}/pages/3ds/{token}"}
    intent["next_action"] = {"redirect_to_url": redirect, "type": "redirect_to_url"}


def _error(answer: IssuerAnswer, intent: Doc, charge: Doc | None, method: Doc) -> Doc:
    code = answer.code or "card_declined"
    error: dict[str, Any] = {
        "type": "card_error",
        "code": code,
        "message": message_for(answer),
        "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}",
        "decline_code": answer.decline_code,
        "advice_code": answer.advice_code,
        "network_decline_code": answer.network_decline_code,
        "network_advice_code": answer.network_advice_code,
        "charge": charge["id"] if charge else None,
        "payment_intent": public(intent),
        "payment_method": public(method),
        "payment_method_type": method["type"],
    }
    return {key: value for key, value in error.items() if value is not None}
