"""Paying an invoice: declines, other methods, outside payments, 3-D Secure, races."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import stripe

from tests.sandbox.stage import DAY, Stage


def declined(stage: Stage, invoice: str, **params: Any) -> stripe.CardError:
    """The decline of a payment that must fail."""
    with pytest.raises(stripe.CardError) as caught:
        stage.api.invoices.pay(invoice, params)  # type: ignore[arg-type]
    return caught.value


def test_a_decline_tells_everything(stage: Stage) -> None:
    """The 402 carries all decline fields, the charge, the PaymentIntent and the payment method."""
    _, invoice = stage.failed_renewal("pm_card_visa_chargeCustomerFailLostCard")
    problem = declined(stage, invoice.id, off_session=True)
    assert (problem.http_status, problem.code) == (402, "card_declined")
    error = problem.error
    assert error is not None
    assert (error.decline_code, error.network_decline_code, error.advice_code) == (
        "lost_card",
        "41",
        "do_not_try_again",
    )
    assert stage.api.charges.retrieve(str(error.charge)).status == "failed"
    assert error.payment_intent is not None
    assert error.payment_intent.status == "requires_payment_method"
    assert error.payment_method is not None
    assert problem.request_id is not None


def test_another_method_pays_this_once(stage: Stage) -> None:
    """Paying with a payment_method collects, reactivates, and leaves the default as it is."""
    subscription, invoice = stage.failed_renewal()
    customer = str(subscription.customer)
    before = stage.api.customers.retrieve(customer).to_dict()["invoice_settings"]["default_payment_method"]
    other = stage.api.payment_methods.attach("pm_card_mastercard", {"customer": customer})
    paid = stage.api.invoices.pay(invoice.id, {"payment_method": other.id})
    assert (paid.status, paid.amount_remaining) == ("paid", 0)
    assert stage.status(subscription.id) == "active"
    after = stage.api.customers.retrieve(customer).to_dict()
    assert after["invoice_settings"]["default_payment_method"] == before
    assert after["delinquent"] is False
    assert len(stage.books()[invoice.id]["successful_charges"]) == 1


def test_a_paid_invoice_is_not_paid_twice(stage: Stage) -> None:
    """Paying a paid invoice is an invalid request and makes no charge."""
    subscription, invoice = stage.failed_renewal()
    stage.use_card(str(subscription.customer), "pm_card_visa")
    stage.api.invoices.pay(invoice.id)
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        stage.api.invoices.pay(invoice.id)
    assert len(stage.books()[invoice.id]["successful_charges"]) == 1


def test_a_foreign_method_is_refused(stage: Stage) -> None:
    """A payment method of another customer cannot pay, and nothing is charged."""
    _, invoice = stage.failed_renewal()
    stranger = stage.api.payment_methods.attach("pm_card_visa", {"customer": stage.customer(None).id})
    with pytest.raises(stripe.InvalidRequestError):
        stage.api.invoices.pay(invoice.id, {"payment_method": stranger.id})
    assert stage.books()[invoice.id]["successful_charges"] == []


def test_paid_outside(stage: Stage) -> None:
    """paid_out_of_band pays without a charge and reactivates; the PaymentIntent is closed."""
    subscription, invoice = stage.failed_renewal()
    paid = stage.api.invoices.pay(invoice.id, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_paid_off_stripe) == ("paid", 1000)
    assert stage.status(subscription.id) == "active"
    assert stage.books()[invoice.id]["successful_charges"] == []
    assert stage.intent(invoice.id)["status"] == "canceled"


def test_voided_and_uncollectible(stage: Stage) -> None:
    """A voided invoice cannot be paid any more; an uncollectible one can."""
    _, first = stage.failed_renewal()
    stage.api.invoices.void_invoice(first.id)
    with pytest.raises(stripe.InvalidRequestError):
        stage.api.invoices.pay(first.id)
    subscription, second = stage.failed_renewal()
    written_off = stage.api.invoices.mark_uncollectible(second.id).to_dict()
    assert written_off["status_details"] == {"uncollectible": {"reason": "user_forgiven"}}
    card = stage.use_card(str(subscription.customer), "pm_card_visa")
    assert stage.api.invoices.pay(second.id, {"payment_method": card}).status == "paid"


def test_nothing_on_file(stage: Stage) -> None:
    """Without any payment method a renewal fails without a charge, and pay says what is missing."""
    customer = stage.customer()
    subscription = stage.subscription(customer.id)
    methods = stage.api.customers.payment_methods.list(customer.id)
    stage.api.payment_methods.detach(methods.data[0].id)
    stage.forward(days=32)
    invoice = stage.latest_invoice(subscription.id)
    assert (stage.status(subscription.id), invoice.attempt_count) == ("past_due", 2)
    assert stage.books()[invoice.id]["failed_charges"] == 0
    with pytest.raises(stripe.InvalidRequestError, match="default_payment_method"):
        stage.api.invoices.pay(invoice.id)


@pytest.mark.parametrize("code", ["authentication_required", "invoice_payment_intent_requires_action"])
@pytest.mark.parametrize("status", ["requires_payment_method", "requires_action"])
def test_3d_secure_off_session(stage: Stage, code: str, status: str) -> None:
    """Switches pay_3ds_error and pay_3ds_status: both answers of an off-session payment that needs authentication."""
    stage.switch(pay_3ds_error=code, pay_3ds_status=status)
    subscription, invoice = stage.failed_renewal()
    customer = str(subscription.customer)
    card = stage.api.payment_methods.attach("pm_card_authenticationRequired", {"customer": customer})
    problem = declined(stage, invoice.id, payment_method=card.id)
    assert problem.code == code
    assert problem.error is not None
    assert problem.error.decline_code == "authentication_required"
    intent = stage.intent(invoice.id)
    assert intent["status"] == status
    assert (intent["next_action"] is not None) is (status == "requires_action")
    assert intent["latest_charge"]["failure_code"] == "authentication_required"


def test_3d_secure_off_session_as_an_invalid_request(stage: Stage) -> None:
    """Switch pay_3ds_type: the other answer is no card error; the refused charge stands all the same."""
    stage.switch(pay_3ds_error="invoice_payment_intent_requires_action", pay_3ds_type="invalid_request_error")
    subscription, invoice = stage.failed_renewal()
    customer = str(subscription.customer)
    card = stage.api.payment_methods.attach("pm_card_authenticationRequired", {"customer": customer})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stage.api.invoices.pay(invoice.id, {"payment_method": card.id})
    assert refused.value.code == "invoice_payment_intent_requires_action"
    assert stage.intent(invoice.id)["latest_charge"]["failure_code"] == "authentication_required"


def test_3d_secure_off_session_without_a_charge(stage: Stage) -> None:
    """Switch pay_3ds_charge: no charge is made, and the payment waits for the customer."""
    stage.switch(pay_3ds_charge="none")
    subscription, invoice = stage.failed_renewal()
    before = stage.books()[invoice.id]["failed_charges"]
    card = stage.api.payment_methods.attach(
        "pm_card_authenticationRequired", {"customer": str(subscription.customer)}
    )
    problem = declined(stage, invoice.id, payment_method=card.id)
    assert problem.code == "invoice_payment_intent_requires_action"
    intent = stage.intent(invoice.id)
    assert (intent["status"], intent["payment_method"]) == ("requires_action", card.id)
    assert stage.books()[invoice.id]["failed_charges"] == before


def test_an_older_invoice_does_not_bring_the_subscription_back(stage: Stage) -> None:
    """By default paying the older of two open invoices leaves the subscription past_due; paying the newest ends that."""
    subscription, older = two_open_invoices(stage)
    card = stage.use_card(str(subscription.customer), "pm_card_visa")
    stage.api.invoices.pay(older, {"payment_method": card})
    assert stage.status(subscription.id) == "past_due"
    stage.api.invoices.pay(stage.latest_invoice(subscription.id).id, {"payment_method": card})
    assert stage.status(subscription.id) == "active"


def test_an_older_invoice_may_bring_it_back(stage: Stage) -> None:
    """Switch older_invoice_reactivates: the other answer."""
    stage.switch(older_invoice_reactivates="yes")
    subscription, older = two_open_invoices(stage)
    card = stage.use_card(str(subscription.customer), "pm_card_visa")
    stage.api.invoices.pay(older, {"payment_method": card})
    assert stage.status(subscription.id) == "active"


def two_open_invoices(stage: Stage) -> tuple[stripe.Subscription, str]:
    """A past_due subscription with two open invoices, and the older one's id."""
    stage.switch(retry_days=[1, 60])
    subscription, invoice = stage.failed_renewal()
    stage.forward(days=32)
    assert stage.latest_invoice(subscription.id).id != invoice.id
    return subscription, invoice.id


def race(stage: Stage, invoice: str, card: str) -> list[str]:
    """Two payments of one invoice at once; what each came to."""
    stage.switch(issuer_seconds=0.4)
    results: list[str] = []

    def pay() -> None:
        try:
            api = stage.client(max_network_retries=0).v1
            results.append(api.invoices.pay(invoice, {"payment_method": card}).status or "")
        except stripe.RateLimitError as error:
            results.append(str(error.error and error.error.code))

    threads = [threading.Thread(target=pay) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(results)


def test_the_lock_lets_one_of_two_payments_through(stage: Stage) -> None:
    """With the invoice's lock a second payment at the same time is told lock_timeout, and one charge is made."""
    subscription, invoice = stage.failed_renewal()
    card = stage.use_card(str(subscription.customer), "pm_card_visa")
    assert race(stage, invoice.id, card) == ["lock_timeout", "paid"]
    assert len(stage.books()[invoice.id]["successful_charges"]) == 1


def test_without_the_lock_both_payments_charge(stage: Stage) -> None:
    """Switch invoice_lock=off: two payments that run at once both charge, and the invoice is overpaid."""
    stage.switch(invoice_lock="off")
    subscription, invoice = stage.failed_renewal()
    card = stage.use_card(str(subscription.customer), "pm_card_visa")
    assert race(stage, invoice.id, card) == ["paid", "paid"]
    assert len(stage.books()[invoice.id]["successful_charges"]) == 2
    assert stage.api.invoices.retrieve(invoice.id).amount_overpaid == 1000


def test_stripes_own_limit_of_declines(stage: Stage) -> None:
    """Switch decline_rate_limit: a card declined so often in a day is refused by Stripe itself, until the day is over."""
    stage.switch(decline_rate_limit=3)
    _, invoice = stage.failed_renewal()
    stage.api.invoices.update(invoice.id, {"auto_advance": False})
    codes = [declined(stage, invoice.id).code for _ in range(3)]
    assert codes == ["card_declined", "card_declined", "card_decline_rate_limit_exceeded"]
    assert stage.intent(invoice.id)["latest_charge"]["outcome"]["network_status"] == "not_sent_to_network"
    stage.forward(days=1.1)
    assert declined(stage, invoice.id).code == "card_declined"


def test_radar_blocks_are_not_sent_to_the_network(stage: Stage) -> None:
    """A blocked payment says blocked, the risk rule as its reason, and no network code."""
    _, invoice = stage.failed_renewal("pm_card_riskLevelHighest")
    outcome = stage.intent(invoice.id)["latest_charge"]["outcome"]
    assert (outcome["type"], outcome["reason"]) == ("blocked", "highest_risk_level")
    assert (outcome["network_status"], outcome["network_decline_code"]) == ("not_sent_to_network", None)


def test_refunds(stage: Stage) -> None:
    """A charge can be refunded in parts up to its whole; more is refused."""
    subscription = stage.subscription(stage.customer().id)
    invoice = stage.latest_invoice(subscription.id)
    charge = stage.books()[invoice.id]["successful_charges"][0]
    stage.api.refunds.create({"charge": charge, "amount": 400})
    with pytest.raises(stripe.InvalidRequestError):
        stage.api.refunds.create({"charge": charge, "amount": 700})
    stage.api.refunds.create({"payment_intent": stage.intent(invoice.id)["id"]})
    refunded = stage.api.charges.retrieve(charge, {"expand": ["refunds"]})
    assert (refunded.refunded, refunded.amount_refunded) == (True, 1000)
    assert [entry["amount"] for entry in stage.books()[invoice.id]["refunds"]] == [400, 600]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.api.refunds.create({"charge": charge})
    assert caught.value.code == "charge_already_refunded"


def test_a_credit_note_lowers_what_is_asked(stage: Stage) -> None:
    """A credit note on an open invoice lowers what is collected; one over all of it settles the invoice."""
    subscription, invoice = stage.failed_renewal()
    note = stage.api.credit_notes.create({"invoice": invoice.id, "amount": 400})
    assert (note.type, note.pre_payment_amount) == ("pre_payment", 400)
    assert stage.api.invoices.retrieve(invoice.id).amount_remaining == 600
    card = stage.use_card(str(subscription.customer), "pm_card_visa")
    assert stage.api.invoices.pay(invoice.id, {"payment_method": card}).amount_paid == 600
    assert stage.intent(invoice.id)["latest_charge"]["amount"] == 600


def test_manual_invoices(stage: Stage) -> None:
    """Invoice items make a manual invoice, which is finalized, declined and retried like any other."""
    customer = stage.customer("pm_card_chargeCustomerFail")
    stage.api.invoice_items.create({"customer": customer.id, "amount": 2500, "currency": "eur"})
    draft = stage.api.invoices.create({"customer": customer.id, "pending_invoice_items_behavior": "include"})
    assert (draft.status, draft.amount_due, draft.auto_advance) == ("draft", 2500, False)
    assert declined(stage, draft.id).code == "card_declined"
    opened = stage.api.invoices.retrieve(draft.id)
    assert (opened.status, opened.attempt_count, opened.parent) == ("open", 1, None)
    stage.api.invoices.update(draft.id, {"auto_advance": True})
    assert stage.api.invoices.retrieve(draft.id).next_payment_attempt == pytest.approx(
        opened.created + DAY, abs=5
    )
