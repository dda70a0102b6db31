"""Webhooks: signed, told for everything that happens, tried again, and disturbed on request."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import stripe

from recoup.sandbox.webhooks.delivery import GIVE_UP_SECONDS, retry_due
from tests.sandbox.stage import SECRET, Receiver, Stage


def test_deliveries_are_signed_at_virtual_time(heard: Stage, receiver: Receiver) -> None:
    """The SDK accepts the signature with the endpoint's secret, and its time is the virtual one, the body's bytes unchanged."""
    heard.forward(days=3)
    heard.customer(None)
    heard.settle()
    headers, body = receiver.received[-1]
    event = heard.stripe.construct_event(body, headers["Stripe-Signature"], SECRET, tolerance=10**9)
    assert event.type == "customer.created"
    assert event.api_version == "2026-10-28.endive"
    stamp = int(headers["Stripe-Signature"].split(",")[0].removeprefix("t="))
    assert stamp == pytest.approx(time.time() + 3 * 86_400, abs=20)
    with pytest.raises(stripe.SignatureVerificationError):
        heard.stripe.construct_event(body, headers["Stripe-Signature"], "whsec_other", tolerance=10**9)


def test_a_failed_renewal_tells_its_whole_story(heard: Stage, receiver: Receiver) -> None:
    """A failed renewal is told by events about the charge, the PaymentIntent, the invoice and the subscription."""
    subscription, invoice = heard.failed_renewal()
    heard.settle()
    assert {"invoice.created", "invoice.finalized", "charge.failed", "payment_intent.payment_failed"} <= set(
        receiver.types
    )
    failed = [event for event in receiver.events if event["type"] == "invoice.payment_failed"]
    assert [event["data"]["object"]["id"] for event in failed] == [invoice.id]
    assert failed[0]["data"]["object"]["attempt_count"] == 1
    updates = [event for event in receiver.events if event["type"] == "customer.subscription.updated"]
    past_due = [event for event in updates if event["data"]["object"]["status"] == "past_due"]
    assert past_due[0]["data"]["previous_attributes"]["status"] == "active"
    assert past_due[0]["data"]["object"]["id"] == subscription.id


def test_paying_tells_its_whole_story(heard: Stage, receiver: Receiver) -> None:
    """A payment is told by charge, PaymentIntent, InvoicePayment, invoice (paid and payment_succeeded) and subscription."""
    subscription, invoice = heard.failed_renewal()
    card = heard.use_card(str(subscription.customer), "pm_card_visa")
    heard.settle()
    before = len(receiver.received)
    heard.api.invoices.pay(invoice.id, {"payment_method": card}, {"idempotency_key": "my key"})
    heard.settle()
    events = receiver.events[before:]
    assert {event["type"] for event in events} == {
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
        "customer.subscription.updated",
        "customer.updated",
    }
    assert {event["request"]["idempotency_key"] for event in events} == {"my key"}


def test_a_new_default_is_told_with_the_old_one(heard: Stage, receiver: Receiver) -> None:
    """customer.updated names the former default payment method, and only what changed."""
    customer = heard.customer()
    heard.use_card(customer.id, "pm_card_mastercard")
    heard.settle()
    updates = [event for event in receiver.events if event["type"] == "customer.updated"]
    previous = sorted((event["data"]["previous_attributes"] for event in updates), key=str)
    assert [list(entry) for entry in previous] == [["invoice_settings"], ["invoice_settings"]]
    assert {type(entry["invoice_settings"]["default_payment_method"]) for entry in previous} == {
        type(None),
        str,
    }


def test_an_endpoint_gets_the_types_it_asked_for(stage: Stage, receiver: Receiver) -> None:
    """Endpoints are made by the API, get only their event types, show their secret once, and get nothing when disabled."""
    made = stage.api.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["customer.deleted"]})
    assert made.secret is not None
    assert stage.api.webhook_endpoints.retrieve(made.id).to_dict().get("secret") is None
    stage.api.customers.delete(stage.customer(None).id)
    stage.settle()
    assert receiver.types == ["customer.deleted"]
    stage.api.webhook_endpoints.update(made.id, {"disabled": True})
    stage.api.customers.delete(stage.customer(None).id)
    stage.settle()
    assert receiver.types == ["customer.deleted"]


def test_what_is_not_accepted_is_sent_again_in_virtual_time(heard: Stage, receiver: Receiver) -> None:
    """A delivery answered with an error waits for its virtual time and comes again, freshly signed, until it is accepted."""
    receiver.answer = lambda number: 503 if number <= 2 else 200
    heard.customer(None)
    heard.settle()
    assert len(receiver.received) == 1
    event = heard.api.events.list().data[0]
    assert event.pending_webhooks == 1
    assert [entry.id for entry in heard.api.events.list({"delivery_success": False}).data] == [event.id]
    heard.forward(hours=1)
    heard.settle()
    assert len({headers["Stripe-Signature"] for headers, _ in receiver.received}) == 3
    assert {json.loads(body)["id"] for _, body in receiver.received} == {event.id}
    assert heard.api.events.retrieve(event.id).pending_webhooks == 0
    assert [row["attempt"] for row in heard.control("GET", "deliveries")] == [3]


def test_deliveries_are_given_up_after_three_days(heard: Stage, receiver: Receiver) -> None:
    """The pauses grow, and after three days a delivery is given up."""
    receiver.answer = lambda _: 500
    heard.customer(None)
    heard.forward(days=5)
    row = heard.control("GET", "deliveries")[0]
    assert (row["state"], row["attempt"]) == ("failed", len(receiver.received))
    assert 6 <= row["attempt"] <= 15
    pauses = [(retry_due(attempt, 0, 0) or 0) for attempt in range(1, 7)]
    assert pauses == sorted(pauses)
    assert retry_due(7, 0, GIVE_UP_SECONDS) is None


def test_redirects_are_failures(heard: Stage, receiver: Receiver) -> None:
    """An answer that redirects is not followed and not accepted."""
    receiver.answer = lambda _: 302
    heard.customer(None)
    heard.settle()
    assert heard.control("GET", "deliveries")[0]["last_answer"] == "302"
    assert heard.control("GET", "pending")["waiting"] == 1


def test_nobody_there_is_a_failure(tmp_path: Path) -> None:
    """An endpoint that refuses connections is tried again like one that answers badly."""
    gone = Receiver()
    gone.close()
    stage = Stage(tmp_path, receiver=gone)
    stage.customer(None)
    stage.settle()
    assert stage.control("GET", "deliveries")[0]["last_answer"] == "ConnectError"
    assert stage.control("GET", "clock")["next_event_at"] is not None
    stage.close()


def test_duplicates(heard: Stage, receiver: Receiver) -> None:
    """A duplicate rule delivers the same event so many times more."""
    heard.fault("duplicate", event="customer.created", times=4)
    heard.customer(None)
    heard.settle()
    assert len({json.loads(body)["id"] for _, body in receiver.received}) == 1
    assert receiver.types == ["customer.created"] * 5


def test_dropped_and_failed_deliveries(heard: Stage, receiver: Receiver) -> None:
    """A dropped delivery never comes; a failed one comes at its next try."""
    heard.fault("drop", event="customer.created", count=1)
    heard.customer(None)
    heard.settle()
    heard.control("DELETE", "faults")
    heard.fault("fail", event="customer.created", count=1)
    heard.customer(None)
    heard.settle()
    assert receiver.received == []
    heard.forward(hours=2)
    assert receiver.types == ["customer.created"]


def test_held_deliveries_come_late(heard: Stage, receiver: Receiver) -> None:
    """A held delivery waits so many virtual seconds while later ones pass it."""
    heard.fault("hold", event="customer.created", seconds=600)
    customer = heard.customer(None)
    heard.api.customers.update(customer.id, {"name": "B"})
    heard.settle()
    assert receiver.types == ["customer.updated"]
    heard.forward(seconds=700)
    assert receiver.types == ["customer.updated", "customer.created"]


def test_shuffled_deliveries_all_come(heard: Stage, receiver: Receiver) -> None:
    """Shuffled deliveries come in another order, each once."""
    heard.fault("shuffle", event="customer.created", seconds=5)
    names = [str(number) for number in range(12)]
    for name in names:
        heard.api.customers.create({"name": name})
    heard.forward(seconds=10)
    heard.settle()
    came = [event["data"]["object"]["name"] for event in receiver.events]
    assert sorted(came, key=int) == names
    assert came != names


def test_the_clock_waits_for_deliveries(heard: Stage, receiver: Receiver) -> None:
    """Moving far ahead delivers each event before the clock moves on, so that its signature is fresh when it arrives."""
    ages = []

    def answer(number: int) -> int:
        headers, body = receiver.received[number - 1]
        stamp = int(headers["Stripe-Signature"].split(",")[0].removeprefix("t="))
        ages.append(stamp - json.loads(body)["created"])
        return 200

    receiver.answer = answer
    heard.subscription(heard.customer().id)
    heard.forward(days=100)
    assert len(ages) > 20
    assert max(ages) < 60


def test_events_can_be_listed(heard: Stage) -> None:
    """Events are kept for 30 days and can be found by type, by several types, and by a pattern."""
    heard.subscription(heard.customer().id)
    found = heard.api.events.list({"type": "invoice.*", "limit": 100}).data
    assert {"invoice.created", "invoice.paid"} <= {event.type for event in found}
    assert all(event.type.startswith("invoice.") for event in found)
    some = heard.api.events.list({"types": ["invoice.paid", "customer.created"]}).data
    assert sorted(event.type for event in some) == ["customer.created", "invoice.paid"]
    heard.forward(days=31)
    assert "customer.created" not in {event.type for event in heard.api.events.list({"limit": 100}).data}
