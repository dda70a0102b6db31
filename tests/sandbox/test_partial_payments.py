"""Partial payments: made apart from an invoice, and credited to it."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.stage import Stage


def apart(stage: Stage, customer: str, amount: int, card: str = "pm_card_visa", **more: Any) -> str:
    """A payment that belongs to no invoice; its PaymentIntent."""
    method = stage.api.payment_methods.attach(card, {"customer": customer})
    asked = {"customer": customer, "amount": amount, "currency": "eur", "payment_method": method.id}
    wanted: Any = {**asked, "confirm": True, **more}
    return stage.api.payment_intents.create(wanted).id


def test_a_part_lowers_what_remains_until_the_rest_is_collected(stage: Stage) -> None:
    """Attached payments are credited; the default payment asks for the rest, and then the invoice is paid."""
    subscription, invoice = stage.failed_renewal()
    customer = str(subscription.customer)
    part = stage.api.invoices.attach_payment(invoice.id, {"payment_intent": apart(stage, customer, 400)})
    assert (part.status, part.amount_due, part.amount_paid, part.amount_remaining) == ("open", 1000, 400, 600)
    payments = stage.api.invoice_payments.list({"invoice": invoice.id}).data
    told = {(each.is_default, each.status, each.amount_requested, each.amount_paid) for each in payments}
    assert told == {(True, "open", 600, None), (False, "paid", 400, 400)}
    good = stage.use_card(customer, "pm_card_mastercard")
    paid = stage.api.invoices.pay(invoice.id, {"payment_method": good})
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 1000, 0)
    assert stage.status(subscription.id) == "active"
    assert len(stage.books()[invoice.id]["successful_charges"]) == 2


def test_the_last_part_pays_the_invoice(stage: Stage) -> None:
    """Parts that come to all of it settle the invoice, and its subscription is active again."""
    subscription, invoice = stage.failed_renewal()
    for amount in (400, 600):
        intent = apart(stage, str(subscription.customer), amount)
        stage.api.invoices.attach_payment(invoice.id, {"payment_intent": intent})
    settled = stage.api.invoices.retrieve(invoice.id)
    assert (settled.status, settled.amount_remaining) == ("paid", 0)
    assert stage.status(subscription.id) == "active"


def test_what_does_not_fit_is_refused(stage: Stage) -> None:
    """More than remains, another customer's money, a payment used already, a settled invoice: a 400, and nothing changes."""
    subscription, invoice = stage.failed_renewal()
    customer = str(subscription.customer)
    used = apart(stage, customer, 100)
    stage.api.invoices.attach_payment(invoice.id, {"payment_intent": used})
    strangers = apart(stage, stage.customer(None).id, 100)
    for intent in (used, strangers, apart(stage, customer, 901)):
        with pytest.raises(stripe.InvalidRequestError):
            stage.api.invoices.attach_payment(invoice.id, {"payment_intent": intent})
    assert stage.api.invoices.retrieve(invoice.id).amount_remaining == 900
    stage.api.invoices.void_invoice(invoice.id)
    with pytest.raises(stripe.InvalidRequestError, match="void"):
        stage.api.invoices.attach_payment(invoice.id, {"payment_intent": apart(stage, customer, 100)})


def test_a_payment_apart_can_be_refused(stage: Stage) -> None:
    """The issuer's decline is a 402 with its charge, and there is nothing to attach."""
    customer = stage.customer(None).id
    with pytest.raises(stripe.CardError) as caught:
        apart(stage, customer, 500, "pm_card_chargeCustomerFail")
    assert caught.value.error is not None
    charge = stage.api.charges.retrieve(str(caught.value.error.charge))
    assert (charge.status, charge.amount) == ("failed", 500)
    with pytest.raises(stripe.InvalidRequestError):
        stage.api.payment_intents.confirm(str(charge.payment_intent))
    with pytest.raises(stripe.InvalidRequestError, match="confirm"):
        apart(stage, customer, 500, confirm=False)
