"""Payment methods: made from tokens and numbers, attached, made the default, taken off."""

from __future__ import annotations

from recoup.sandbox.http.errors import Doc, StripeError, invalid_parameter, invalid_request, missing
from recoup.sandbox.http.params import Params, merge_labels
from recoup.sandbox.issuers import Known, message_for
from recoup.sandbox.objects.methods import create_card, create_sepa_debit
from recoup.sandbox.webhooks import tell, tell_change
from recoup.sandbox.work import Work, public
from recoup.worlds.issuer import IssuerAnswer
from recoup.worlds.methods import Card, luhn_digit

_LIVE_NUMBER = "Your card was declined. Your request was in test mode, but used a non test card. For a list of valid test cards, visit: https://stripe.com/docs/testing."


def create_from(work: Work, params: Params) -> Doc:
    """A payment method from the parameters of ``payment_methods.create``; StripeError (402) for a number that is none."""
    metadata = merge_labels({}, params.get("metadata"))
    owner = params.get("billing_details")
    if params["type"] == "sepa_debit":
        iban = (params.get("sepa_debit") or {}).get("iban")
        if not iban:
            raise invalid_parameter("Missing required param: sepa_debit.", "sepa_debit", "parameter_missing")
        known = work.issuer.by_id(iban) or work.issuer.by_number(iban)
        if known is None or isinstance(known.method, Card):
            text = "The IBAN you provided is not one of the sandbox's test accounts."
            raise invalid_parameter(text, "sepa_debit[iban]", "invalid_bank_account_iban")
        return create_sepa_debit(work, known, owner=owner, metadata=metadata)
    card = params.get("card") or {}
    if card.get("token"):
        known = work.issuer.by_id(card["token"])
        if known is None:
            raise missing("token", card["token"], "card[token]")
    elif card.get("number"):
        known = _by_number(work, card["number"])
    else:
        raise invalid_parameter("Missing required param: card.", "card", "parameter_missing")
    if not isinstance(known.method, Card):
        return create_sepa_debit(work, known, owner=owner, metadata=metadata)
    method = create_card(work, known, owner=owner, metadata=metadata)
    if card.get("exp_month") and card.get("exp_year"):
        year = card["exp_year"] + (2000 if card["exp_year"] < 100 else 0)
        method["card"].update(exp_month=card["exp_month"], exp_year=year)
    return method


def find_method(work: Work, id_: str, param: str) -> Doc:
    """The payment method; one of Stripe's ready-made ids makes a new one, as in test mode."""
    method = work.find("payment_method", id_)
    if method is not None:
        return method
    known = work.issuer.by_id(id_) if id_.startswith("pm_") else None
    if known is None:
        raise missing("payment_method", id_, param)
    return create_card(work, known)


def attach(work: Work, id_: str, customer: Doc, param: str) -> Doc:
    """Attach a payment method to a customer; StripeError (402) when its issuer refuses that."""
    method = find_method(work, id_, param)
    if method["customer"] == customer["id"]:
        return method
    if method["customer"] is not None:
        raise invalid_request("The payment method you provided has already been attached to a customer.")
    if method.get("_detached"):
        text = "This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, and may not be used again."
        raise invalid_request(text)
    answer = work.issuer.saving(method, authenticated=True)
    if answer.outcome == "declined":
        raise card_error(answer, method)
    attach_approved(work, method, customer)
    return method


def attach_approved(work: Work, method: Doc, customer: Doc) -> None:
    """Attach a payment method whose issuer has agreed."""
    method["customer"] = customer["id"]
    if method["type"] == "card":
        method["card"]["checks"]["cvc_check"] = "pass"
    tell(work, "payment_method.attached", method)


def detach(work: Work, method: Doc) -> Doc:
    """Take a payment method off its customer; it stops being anybody's default."""
    if method["customer"] is None:
        text = "The payment method you provided is not attached to a customer so detachment is impossible."
        raise invalid_request(text)
    customer = work.get("customer", method["customer"])
    if customer["invoice_settings"]["default_payment_method"] == method["id"]:
        customer["invoice_settings"]["default_payment_method"] = None
        tell_change(work, "customer.updated", customer)
    for subscription in work.select("subscription", {"customer": customer["id"]}):
        if subscription["default_payment_method"] == method["id"]:
            subscription["default_payment_method"] = None
            tell_change(work, "customer.subscription.updated", subscription)
    method.update(customer=None, _detached=True)
    tell(work, "payment_method.detached", method, {"customer": customer["id"]})
    return method


def set_default(work: Work, customer: Doc, method: str | None) -> None:
    """Make it the customer's default for invoices; None clears it. The caller tells ``customer.updated``."""
    if method is not None:
        own_method(work, customer["id"], method, "invoice_settings[default_payment_method]")
    customer["invoice_settings"]["default_payment_method"] = method


def own_method(work: Work, customer: str, id_: str, param: str) -> Doc:
    """A payment method that is attached to this customer; StripeError when it is not."""
    method = work.get("payment_method", id_, param)
    if method["customer"] != customer:
        text = f"The customer does not have a payment method with the ID {id_}. The payment method must be attached to the customer."
        raise invalid_parameter(text, param, "resource_missing")
    return method


def card_error(answer: IssuerAnswer, method: Doc) -> StripeError:
    """The 402 for an issuer's refusal outside an invoice."""
    return StripeError(
        402,
        "card_error",
        message_for(answer),
        code=answer.code or "card_declined",
        keeps_work=True,
        decline_code=answer.decline_code,
        advice_code=answer.advice_code,
        network_decline_code=answer.network_decline_code,
        network_advice_code=answer.network_advice_code,
        payment_method=public(method),
    )


def _by_number(work: Work, number: str) -> Known:
    plain = number.replace(" ", "").replace("-", "")
    if not plain.isdigit() or not 12 <= len(plain) <= 19 or luhn_digit(plain[:-1]) != plain[-1]:
        raise StripeError(
            402, "card_error", "Your card number is incorrect.", code="incorrect_number", param="number"
        )
    known: Known | None = work.issuer.by_number(plain)
    if known is None:
        raise StripeError(
            402, "card_error", _LIVE_NUMBER, code="card_declined", decline_code="test_mode_live_card"
        )
    return known
