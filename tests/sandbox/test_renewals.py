"""Renewals, failures, Stripe's own retries and their end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.sandbox.stage import DAY, Stage, period_end


def test_a_renewal_is_invoiced_and_paid_at_the_period_end(stage: Stage) -> None:
    """When the period ends the next one begins, and its invoice is paid with the customer's card."""
    subscription = stage.subscription(stage.customer().id)
    end = period_end(subscription)
    stage.control("POST", "clock", {"to": end})
    invoice = stage.latest_invoice(subscription.id)
    assert (invoice.status, invoice.billing_reason, invoice.amount_paid) == (
        "paid",
        "subscription_cycle",
        1000,
    )
    assert invoice.created == end
    renewed = stage.api.subscriptions.retrieve(subscription.id)
    assert renewed["items"].data[0].current_period_start == end
    assert renewed.status == "active"
    assert invoice.parent is not None
    assert invoice.parent.subscription_details is not None
    assert invoice.parent.subscription_details.subscription == subscription.id


def test_months_keep_the_day_of_the_anchor(stage: Stage) -> None:
    """A subscription anchored on the 31st renews on the last day of shorter months and returns to the 31st."""
    stage.control("POST", "clock", {"to": "2027-01-31T10:00:00Z"})
    subscription = stage.subscription(stage.customer().id)
    ends = []
    for _ in range(3):
        current = stage.api.subscriptions.retrieve(subscription.id)
        ends.append(period_end(current))
        stage.control("POST", "clock", {"to": ends[-1]})
    days = [stripe_day(end) for end in ends]
    assert days == ["02-28", "03-31", "04-30"]


def stripe_day(moment: int) -> str:
    """Month and day of a Unix time."""
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(moment, UTC):%m-%d}"


def test_a_failed_renewal_makes_the_subscription_past_due(stage: Stage) -> None:
    """A declined renewal leaves an open invoice with one counted attempt, a planned next one, and a past_due subscription."""
    subscription, invoice = stage.failed_renewal()
    assert subscription.status == "past_due"
    assert (invoice.status, invoice.attempt_count, invoice.attempted) == ("open", 1, True)
    assert invoice.next_payment_attempt == invoice.created + DAY
    assert stage.books()[invoice.id]["failed_charges"] == 1
    customer = stage.api.customers.retrieve(str(subscription.customer))
    assert customer.delinquent is True


def test_the_decline_can_be_read_from_the_invoice(stage: Stage) -> None:
    """invoice_payments leads, expanded four levels deep, to the charge and all its decline codes."""
    _, invoice = stage.failed_renewal("pm_card_visa_chargeCustomerFailStolenCard")
    intent = stage.intent(invoice.id)
    outcome = intent["latest_charge"]["outcome"]
    assert (outcome["type"], outcome["reason"], outcome["network_decline_code"]) == (
        "issuer_declined",
        "stolen_card",
        "43",
    )
    assert outcome["advice_code"] == "do_not_try_again"
    assert intent["last_payment_error"]["decline_code"] == "stolen_card"
    card = intent["latest_charge"]["payment_method_details"]["card"]
    assert (card["brand"], card["network"], len(card["fingerprint"])) == ("visa", "visa", 16)


def test_stripe_retries_on_its_schedule_and_counts(stage: Stage) -> None:
    """Automatic retries come on the account's days and are counted; one that succeeds ends it."""
    stage.switch(retry_days=[2, 5])
    subscription, invoice = stage.failed_renewal()
    stage.forward(days=2)
    again = stage.api.invoices.retrieve(invoice.id)
    assert (again.attempt_count, again.next_payment_attempt) == (2, invoice.created + 5 * DAY)
    stage.use_card(str(subscription.customer), "pm_card_visa")
    stage.forward(days=3)
    assert stage.api.invoices.retrieve(invoice.id).status == "paid"
    assert stage.status(subscription.id) == "active"
    assert stage.books()[invoice.id]["failed_charges"] == 2


def test_manual_attempts_after_the_first_are_not_counted(stage: Stage) -> None:
    """invoices.pay makes a charge but leaves attempt_count and the schedule alone."""
    _, invoice = stage.failed_renewal()
    with pytest.raises(stripe.CardError):
        stage.api.invoices.pay(invoice.id)
    after = stage.api.invoices.retrieve(invoice.id)
    assert (after.attempt_count, after.next_payment_attempt) == (1, invoice.next_payment_attempt)
    assert stage.books()[invoice.id]["failed_charges"] == 2


@pytest.mark.parametrize(
    ("action", "status"),
    [("cancel", "canceled"), ("unpaid", "unpaid"), ("past_due", "past_due"), ("pause", "paused")],
)
def test_the_final_action_follows_the_last_retry(stage: Stage, action: str, status: str) -> None:
    """After the last failed retry the subscription ends as the account's setting says, and nothing is attempted any more."""
    stage.switch(retry_days=[1, 3], final_action=action)
    subscription, invoice = stage.failed_renewal()
    stage.forward(days=4)
    assert stage.status(subscription.id) == status
    after = stage.api.invoices.retrieve(invoice.id)
    assert (after.attempt_count, after.next_payment_attempt, after.status) == (3, None, "open")
    assert after.auto_advance is (action != "cancel")


def test_an_unpaid_subscription_only_drafts(stage: Stage) -> None:
    """While unpaid, new periods are invoiced as drafts that nobody collects."""
    stage.switch(retry_days=[1], final_action="unpaid")
    subscription, _ = stage.failed_renewal()
    stage.forward(days=33)
    latest = stage.latest_invoice(subscription.id)
    assert (latest.status, latest.auto_advance) == ("draft", False)


def test_a_hard_decline_is_retried_only_with_another_card(stage: Stage) -> None:
    """After a stolen card Stripe goes on counting retries, but charges again only when the card has changed."""
    stage.switch(retry_days=[1, 2, 3])
    subscription, invoice = stage.failed_renewal("pm_card_visa_chargeCustomerFailStolenCard")
    stage.forward(days=1.5)
    assert stage.api.invoices.retrieve(invoice.id).attempt_count == 2
    assert stage.books()[invoice.id]["failed_charges"] == 1
    stage.use_card(str(subscription.customer), "pm_card_visa")
    stage.forward(days=1)
    assert stage.api.invoices.retrieve(invoice.id).status == "paid"


def test_auto_advance_off_stops_stripes_retries(stage: Stage) -> None:
    """An invoice that was taken over is not attempted by Stripe, and by default its subscription stays past_due."""
    subscription, invoice = stage.failed_renewal()
    taken = stage.api.invoices.update(invoice.id, {"auto_advance": False})
    assert (taken.auto_advance, taken.next_payment_attempt) == (False, None)
    stage.forward(days=20)
    assert stage.status(subscription.id) == "past_due"
    assert stage.books()[invoice.id]["failed_charges"] == 1


def test_the_final_action_may_come_without_auto_advance(stage: Stage) -> None:
    """Switch final_action_without_auto_advance: the other answer ends the subscription when the schedule would be over."""
    stage.switch(final_action_without_auto_advance="at_end_of_schedule")
    subscription, invoice = stage.failed_renewal()
    stage.api.invoices.update(invoice.id, {"auto_advance": False})
    stage.forward(days=13)
    assert stage.status(subscription.id) == "past_due"
    stage.forward(days=2)
    assert stage.status(subscription.id) == "canceled"


def test_auto_advance_on_again_takes_the_schedule_up(stage: Stage) -> None:
    """An invoice that is given back is retried on the next day of the schedule that still lies ahead."""
    _, invoice = stage.failed_renewal()
    stage.api.invoices.update(invoice.id, {"auto_advance": False})
    stage.forward(days=4)
    back = stage.api.invoices.update(invoice.id, {"auto_advance": True})
    assert back.next_payment_attempt == invoice.created + 5 * DAY


def test_a_first_invoice_that_fails_makes_an_incomplete_subscription(stage: Stage) -> None:
    """A subscription whose first payment fails is incomplete, is not retried, and expires after 23 hours."""
    subscription = stage.subscription(stage.customer("pm_card_chargeCustomerFail").id)
    assert subscription.status == "incomplete"
    invoice = stage.latest_invoice(subscription.id)
    assert invoice.next_payment_attempt is None
    stage.forward(hours=22)
    assert stage.status(subscription.id) == "incomplete"
    stage.forward(hours=2)
    assert stage.status(subscription.id) == "incomplete_expired"
    assert stage.api.invoices.retrieve(invoice.id).status == "void"


def test_paying_the_first_invoice_activates(stage: Stage) -> None:
    """Another card within the 23 hours makes the subscription active for good."""
    customer = stage.customer("pm_card_chargeCustomerFail")
    subscription = stage.subscription(customer.id)
    card = stage.use_card(customer.id, "pm_card_visa")
    stage.api.invoices.pay(stage.latest_invoice(subscription.id).id, {"payment_method": card})
    stage.forward(days=2)
    assert stage.status(subscription.id) == "active"


def test_a_draft_can_be_left_for_an_hour(stage: Stage) -> None:
    """Switch draft_seconds: the renewal's invoice is a draft first and is collected when its time is over."""
    stage.switch(draft_seconds=3600)
    _, invoice = stage.failed_renewal()
    assert (invoice.status, invoice.attempt_count) == ("draft", 0)
    assert invoice.automatically_finalizes_at == invoice.created + 3600
    stage.forward(hours=1)
    assert stage.api.invoices.retrieve(invoice.id).attempt_count == 1


def test_the_subscriptions_own_card_goes_before_the_customers(stage: Stage) -> None:
    """The precedence is the invoice's card, then the subscription's, then the customer's default."""
    customer = stage.customer()
    bad = stage.api.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    subscription = stage.subscription(customer.id)
    stage.api.subscriptions.update(subscription.id, {"default_payment_method": bad.id})
    stage.control("POST", "clock", {"to": period_end(subscription)})
    invoice = stage.latest_invoice(subscription.id)
    assert invoice.status == "open"
    good = stage.api.payment_methods.attach("pm_card_mastercard", {"customer": customer.id})
    stage.api.invoices.update(invoice.id, {"default_payment_method": good.id})
    assert stage.api.invoices.pay(invoice.id).status == "paid"
    assert stage.intent(invoice.id)["latest_charge"]["payment_method"] == good.id


def test_sepa_debits_are_processing_for_days(stage: Stage) -> None:
    """A debit leaves the PaymentIntent processing; days later it succeeds, or fails and makes the subscription past_due."""
    outcomes = {}
    for iban in ("AT611904300234573201", "AT861904300235473202"):
        customer = stage.customer()
        subscription = stage.subscription(customer.id)
        debit = stage.api.payment_methods.create({"type": "sepa_debit", "sepa_debit": {"iban": iban}})
        stage.use_card(customer.id, debit.id)
        outcomes[iban] = subscription
    stage.control("POST", "clock", {"to": max(period_end(entry) for entry in outcomes.values())})
    invoices = {iban: stage.latest_invoice(entry.id) for iban, entry in outcomes.items()}
    assert {stage.intent(invoice.id)["status"] for invoice in invoices.values()} == {"processing"}
    assert {stage.status(entry.id) for entry in outcomes.values()} == {"active"}
    stage.forward(days=3.5)
    good, bad = (stage.api.invoices.retrieve(invoices[iban].id) for iban in outcomes)
    assert (good.status, bad.status) == ("paid", "open")
    assert [stage.status(entry.id) for entry in outcomes.values()] == ["active", "past_due"]
    assert stage.intent(bad.id)["last_payment_error"]["decline_code"] == "insufficient_funds"


def test_what_an_answer_showed_is_not_kept(stage: Stage) -> None:
    """A debit that was shown as processing within the answer to its payment is shown as refused once it is."""
    subscription, invoice = stage.failed_renewal()
    customer = str(subscription.customer)
    iban = "AT861904300235473202"
    debit = stage.api.payment_methods.create({"type": "sepa_debit", "sepa_debit": {"iban": iban}})
    wanted: Any = {
        "payment_method": stage.use_card(customer, debit.id),
        "expand": ["payments.data.payment.payment_intent"],
    }
    stage.api.invoices.pay(invoice.id, wanted)
    stage.forward(days=4)
    shown: Any = {"invoice": invoice.id, "expand": ["data.payment.payment_intent"]}
    (payment,) = stage.api.invoice_payments.list(shown).data
    intent: Any = payment.payment.payment_intent
    assert intent.status == stage.intent(invoice.id)["status"] == "requires_payment_method"


def test_nothing_else_settles_what_a_debit_is_settling(stage: Stage) -> None:
    """While a debit is processing the invoice can be neither paid again, nor paid outside, nor voided; then it is paid once."""
    customer = stage.customer(None)
    debit = stage.api.payment_methods.create(
        {"type": "sepa_debit", "sepa_debit": {"iban": "AT611904300234573201"}}
    )
    stage.use_card(customer.id, debit.id)
    subscription = stage.subscription(customer.id)
    assert subscription.status == "active"
    invoice = stage.latest_invoice(subscription.id)
    acts: list[Callable[[], object]] = [
        lambda: stage.api.invoices.pay(invoice.id),
        lambda: stage.api.invoices.pay(invoice.id, {"paid_out_of_band": True}),
        lambda: stage.api.invoices.void_invoice(invoice.id),
    ]
    for act in acts:
        with pytest.raises(stripe.InvalidRequestError, match="payment in progress"):
            act()
    stage.forward(days=4)
    assert stage.status(subscription.id) == "active"
    assert len(stage.books()[invoice.id]["successful_charges"]) == 1


def test_a_subscription_that_is_sent_waits_for_its_due_date(stage: Stage) -> None:
    """send_invoice invoices are never charged; after the due date the subscription is past_due."""
    subscription = stage.subscription(stage.customer().id, collection_method="send_invoice", days_until_due=7)
    invoice = stage.latest_invoice(subscription.id)
    assert (subscription.status, invoice.status, invoice.due_date) == (
        "active",
        "open",
        invoice.created + 7 * DAY,
    )
    stage.forward(days=8)
    assert stage.status(subscription.id) == "past_due"
    assert stage.books()[invoice.id]["failed_charges"] == 0
