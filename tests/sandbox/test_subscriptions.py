"""Subscriptions: cancelled, paused, resumed, collection paused, on trial."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.stage import DAY, Receiver, Stage, period_end


def test_cancelling_leaves_open_invoices_payable(stage: Stage) -> None:
    """Cancelling stops automatic collection of what is open; it can still be paid, which revives nothing."""
    subscription, invoice = stage.failed_renewal()
    ended = stage.api.subscriptions.cancel(subscription.id, {"invoice_now": False, "prorate": False})
    assert (ended.status, ended.ended_at is not None) == ("canceled", True)
    left = stage.api.invoices.retrieve(invoice.id)
    assert (left.status, left.auto_advance, left.next_payment_attempt) == ("open", False, None)
    stage.forward(days=40)
    assert stage.books()[invoice.id]["failed_charges"] == 1
    card = stage.use_card(str(subscription.customer), "pm_card_visa")
    assert stage.api.invoices.pay(invoice.id, {"payment_method": card}).status == "paid"
    assert stage.status(subscription.id) == "canceled"


def test_cancelling_twice_is_refused(stage: Stage) -> None:
    """A subscription that has ended cannot be cancelled or changed any more."""
    subscription = stage.subscription(stage.customer().id)
    stage.api.subscriptions.cancel(subscription.id)
    with pytest.raises(stripe.InvalidRequestError):
        stage.api.subscriptions.cancel(subscription.id)
    with pytest.raises(stripe.InvalidRequestError):
        stage.api.subscriptions.update(subscription.id, {"cancel_at_period_end": True})


def test_cancelling_at_the_period_end(stage: Stage) -> None:
    """cancel_at_period_end lets the period run out and then ends it without another invoice."""
    subscription = stage.subscription(stage.customer().id)
    stage.api.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    stage.forward(days=32)
    assert stage.status(subscription.id) == "canceled"
    assert len(stage.books()) == 1


def test_pausing_stops_renewals(heard: Stage, receiver: Receiver) -> None:
    """A paused subscription makes no invoices; the open one stays collectible; the pause says why and is told."""
    subscription, invoice = heard.failed_renewal()
    paused = heard.api.subscriptions.pause(subscription.id, {"type": "subscription"}).to_dict()
    assert paused["status"] == "paused"
    assert paused["status_details"]["paused"]["subscription"] == {"type": "pause_requested"}
    heard.api.invoices.update(invoice.id, {"auto_advance": False})
    heard.forward(days=70)
    assert len(heard.books()) == 2
    assert "customer.subscription.paused" in receiver.types
    card = heard.use_card(str(subscription.customer), "pm_card_visa")
    assert heard.api.invoices.pay(invoice.id, {"payment_method": card}).status == "paid"
    assert heard.status(subscription.id) == "paused"


def test_pausing_while_past_due_may_be_refused(stage: Stage) -> None:
    """Switch pause_while_past_due: the other answer is a 400 that changes nothing."""
    stage.switch(pause_while_past_due="refused")
    subscription, _ = stage.failed_renewal()
    with pytest.raises(stripe.InvalidRequestError, match="past_due"):
        stage.api.subscriptions.pause(subscription.id)
    assert stage.status(subscription.id) == "past_due"


def test_classic_billing_cannot_be_paused(stage: Stage) -> None:
    """Only flexible billing that is charged automatically can be paused."""
    classic = stage.subscription(stage.customer().id, billing_mode={"type": "classic"})
    sent = stage.subscription(stage.customer().id, collection_method="send_invoice", days_until_due=5)
    for subscription in (classic, sent):
        with pytest.raises(stripe.InvalidRequestError):
            stage.api.subscriptions.pause(subscription.id)


def test_the_final_action_cancels_what_cannot_pause(stage: Stage) -> None:
    """Where the account pauses after the last retry, a subscription that cannot be paused is cancelled."""
    stage.switch(retry_days=[1], final_action="pause")
    customer = stage.customer()
    subscription = stage.subscription(customer.id, billing_mode={"type": "classic"})
    stage.use_card(customer.id, "pm_card_chargeCustomerFail")
    stage.forward(days=33)
    assert stage.status(subscription.id) == "canceled"


def test_a_pause_after_failure_ends_with_the_payment(stage: Stage) -> None:
    """A subscription that the account paused after its last retry resumes by itself when the invoice is paid."""
    stage.switch(retry_days=[1], final_action="pause")
    subscription, invoice = stage.failed_renewal()
    stage.forward(days=2)
    paused = stage.api.subscriptions.retrieve(subscription.id).to_dict()
    assert paused["status_details"]["paused"]["subscription"]["type"] == "final_payment_failure"
    card = stage.use_card(str(subscription.customer), "pm_card_visa")
    stage.api.invoices.pay(invoice.id, {"payment_method": card})
    assert stage.status(subscription.id) == "active"


def test_a_pause_credits_unused_time(stage: Stage) -> None:
    """Pausing in the middle of a paid period leaves a credit that the next invoice takes off; bill_for none leaves none."""
    subscription = stage.subscription(stage.customer().id)
    start, end = subscription.created, period_end(subscription)
    stage.control("POST", "clock", {"to": (start + end) // 2})
    stage.api.subscriptions.pause(subscription.id)
    credit = stage.api.invoice_items.list({"pending": True}).data[0]
    assert (credit.amount, credit.proration) == (-500, True)
    stage.forward(days=100)
    stage.api.subscriptions.resume(subscription.id)
    assert stage.latest_invoice(subscription.id).amount_paid == 500
    other = stage.subscription(stage.customer().id)
    stage.api.subscriptions.pause(other.id, {"bill_for": {"unused_time_from": {"type": "none"}}})
    assert stage.api.invoice_items.list({"pending": True}).data == []


def test_resuming_starts_a_new_period_and_charges(stage: Stage) -> None:
    """Resuming bills a new period from now and is active again; a failing payment makes it past_due, without retries."""
    subscription, first = stage.failed_renewal()
    stage.api.invoices.void_invoice(first.id)
    stage.api.subscriptions.pause(subscription.id)
    card = stage.use_card(str(subscription.customer), "pm_card_visa")
    resumed = stage.api.subscriptions.resume(subscription.id)
    assert resumed.status == "active"
    assert stage.latest_invoice(subscription.id).status == "paid"
    stage.api.subscriptions.pause(subscription.id, {"bill_for": {"unused_time_from": {"type": "none"}}})
    stage.api.payment_methods.detach(card)
    stage.use_card(str(subscription.customer), "pm_card_chargeCustomerFail")
    assert stage.api.subscriptions.resume(subscription.id).status == "past_due"
    invoice = stage.latest_invoice(subscription.id)
    assert invoice.next_payment_attempt is None


def test_resuming_on_success_waits_for_the_payment(stage: Stage) -> None:
    """resume_on_payment_success stays paused until its invoice is paid, and gives up after 23 hours."""
    subscription, first = stage.failed_renewal()
    stage.api.invoices.void_invoice(first.id)
    stage.api.subscriptions.pause(subscription.id)
    waiting = stage.api.subscriptions.resume(
        subscription.id, {"payment_behavior": "resume_on_payment_success"}
    )
    assert waiting.status == "paused"
    invoice = stage.latest_invoice(subscription.id)
    stage.forward(hours=24)
    assert stage.api.invoices.retrieve(invoice.id).status == "void"
    assert stage.status(subscription.id) == "paused"
    stage.api.subscriptions.resume(subscription.id, {"payment_behavior": "resume_on_payment_success"})
    card = stage.use_card(str(subscription.customer), "pm_card_visa")
    stage.api.invoices.pay(stage.latest_invoice(subscription.id).id, {"payment_method": card})
    assert stage.status(subscription.id) == "active"


def test_resuming_what_is_not_paused_is_refused(stage: Stage) -> None:
    """Only paused subscriptions resume."""
    with pytest.raises(stripe.InvalidRequestError):
        stage.api.subscriptions.resume(stage.subscription(stage.customer().id).id)


def test_resuming_in_the_same_period_keeps_the_cycle(stage: Stage) -> None:
    """billing_cycle_anchor unchanged within the paid period goes on without an invoice, at no cost in the end."""
    subscription = stage.subscription(stage.customer().id)
    stage.api.subscriptions.pause(subscription.id)
    stage.api.subscriptions.resume(subscription.id, {"billing_cycle_anchor": {"type": "unchanged"}})
    assert stage.status(subscription.id) == "active"
    assert sum(item.amount for item in stage.api.invoice_items.list({"pending": True}).data) == pytest.approx(
        0, abs=1
    )
    assert period_end(stage.api.subscriptions.retrieve(subscription.id)) == period_end(subscription)


@pytest.mark.parametrize(
    ("behavior", "status"),
    [("keep_as_draft", "draft"), ("mark_uncollectible", "uncollectible"), ("void", "void")],
)
def test_paused_collection(stage: Stage, behavior: str, status: str) -> None:
    """pause_collection leaves the status and treats new invoices as its behaviour says, until resumes_at."""
    subscription = stage.subscription(stage.customer().id)
    end = period_end(subscription)
    stage.api.subscriptions.update(
        subscription.id,
        {"pause_collection": {"behavior": behavior, "resumes_at": end + 20 * DAY}},
    )
    stage.control("POST", "clock", {"to": end + 60})
    assert stage.latest_invoice(subscription.id).status == status
    assert stage.status(subscription.id) == "active"
    stage.forward(days=35)
    assert stage.latest_invoice(subscription.id).status == "paid"
    assert stage.api.subscriptions.retrieve(subscription.id).pause_collection is None


def test_a_smaller_price_without_prorations_holds_from_the_next_invoice(stage: Stage) -> None:
    """The item has the new price at once, nothing is credited or charged for the change, and the next invoice asks for less."""
    subscription = stage.subscription(stage.customer().id)
    before = stage.latest_invoice(subscription.id)
    items: Any = [{"id": subscription["items"].data[0].id, "price": stage.price(400)}]
    stage.api.subscriptions.update(subscription.id, {"items": items, "proration_behavior": "none"})
    assert stage.latest_invoice(subscription.id).id == before.id
    assert stage.api.invoice_items.list({"pending": True}).data == []
    stage.control("POST", "clock", {"to": period_end(subscription) + 7200})
    assert stage.latest_invoice(subscription.id).total == 400


def test_collection_can_be_taken_up_by_hand(stage: Stage) -> None:
    """An empty pause_collection ends the pause at once."""
    subscription = stage.subscription(stage.customer().id)
    stage.api.subscriptions.update(subscription.id, {"pause_collection": {"behavior": "void"}})
    ended = stage.api.subscriptions.update(subscription.id, {"pause_collection": ""})
    assert ended.pause_collection is None


@pytest.mark.parametrize(
    ("behavior", "status"), [("pause", "paused"), ("cancel", "canceled"), ("create_invoice", "past_due")]
)
def test_a_trial_that_ends_without_a_card(stage: Stage, behavior: str, status: str) -> None:
    """A trial bills nothing; at its end without a payment method it pauses, ends or is invoiced, as its settings say."""
    subscription = stage.subscription(
        stage.customer(None).id,
        trial_period_days=14,
        trial_settings={"end_behavior": {"missing_payment_method": behavior}},
    )
    assert (subscription.status, stage.books()) == ("trialing", {})
    stage.forward(days=15)
    assert stage.status(subscription.id) == status


def test_a_trial_that_ends_with_a_card(stage: Stage) -> None:
    """At the end of a trial, or when it is ended by hand, the first period is billed."""
    subscription = stage.subscription(stage.customer().id, trial_period_days=14)
    stage.api.subscriptions.update(subscription.id, {"trial_end": "now"})
    stage.forward(seconds=5)
    assert stage.status(subscription.id) == "active"
    assert stage.latest_invoice(subscription.id).status == "paid"


def test_default_incomplete_waits_for_the_page(stage: Stage) -> None:
    """payment_behavior default_incomplete makes no attempt, and offers the secret that Stripe.js would confirm with."""
    subscription = stage.subscription(
        stage.customer().id,
        payment_behavior="default_incomplete",
        expand=["latest_invoice.confirmation_secret"],
    ).to_dict()
    assert subscription["status"] == "incomplete"
    assert subscription["latest_invoice"]["attempt_count"] == 0
    assert subscription["latest_invoice"]["confirmation_secret"]["client_secret"].startswith("pi_")


def test_test_clocks(heard: Stage, receiver: Receiver) -> None:
    """Test clocks move the sandbox's time: advancing is told, then ready, and what falls due between has happened."""
    now = int(heard.control("GET", "clock")["now"])
    clocks = heard.api.test_helpers.test_clocks
    clock = clocks.create({"frozen_time": now, "name": "mine"})
    customer = heard.customer(None, test_clock=clock.id)
    heard.use_card(customer.id, "pm_card_visa")
    subscription = heard.subscription(customer.id)
    with pytest.raises(stripe.InvalidRequestError, match="two intervals"):
        clocks.advance(clock.id, {"frozen_time": now + 100 * DAY})
    assert clocks.advance(clock.id, {"frozen_time": now + 40 * DAY}).status == "advancing"
    for _ in range(200):
        if clocks.retrieve(clock.id).status == "ready":
            break
        heard.server.sandbox.timeline.wait(0.05)
    assert clocks.retrieve(clock.id).frozen_time == now + 40 * DAY
    assert heard.latest_invoice(subscription.id).billing_reason == "subscription_cycle"
    heard.settle()
    assert "test_helpers.test_clock.ready" in receiver.types
    clocks.delete(clock.id)
    assert heard.api.customers.retrieve(customer.id).to_dict()["deleted"] is True
