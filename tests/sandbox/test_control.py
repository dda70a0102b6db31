"""The control API: clock, pending, switches, books, disputes, the card updater."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import stripe

from recoup.clock import FileClock
from tests.sandbox.stage import DAY, Receiver, Stage


def test_the_clock_moves_forward_and_others_can_read_it(stage: Stage, tmp_path: Path) -> None:
    """Moving the clock writes the clock file, which every other process reads its time from."""
    stage.control("POST", "clock", {"to": "2030-01-01T09:00:00Z"})
    assert abs(FileClock(tmp_path / "clock").now() - datetime(2030, 1, 1, 9, tzinfo=UTC)).total_seconds() < 5
    answer = stage.control("POST", "clock", {"by": DAY})
    assert answer["now"] == pytest.approx(time.time() + answer["offset"], abs=5)
    assert answer["now_iso"].startswith("2030-01-02T09:00")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"to": "yesterday"},
        {"to": "2030-01-01T09:00:00"},
        {"to": 1_000_000},
        {"by": -5},
        {"by": "x"},
        {"by": 1e12},
        {"by": 1, "to": 1},
    ],
)
def test_the_clock_refuses_what_makes_no_sense(stage: Stage, body: dict[str, Any]) -> None:
    """Backwards, nowhere, both ways at once or without an offset: one sentence, and the clock stays."""
    before = stage.control("GET", "clock")["offset"]
    assert "error" in stage.control("POST", "clock", body)
    assert stage.control("GET", "clock")["offset"] == before


def test_events_happen_in_their_order_and_at_their_time(stage: Stage) -> None:
    """One long move does every renewal and retry at its own moment, in order."""
    stage.switch(retry_days=[2, 4])
    customers = [stage.customer(), stage.customer()]
    for customer in customers:
        stage.subscription(customer.id)
        stage.use_card(customer.id, "pm_card_chargeCustomerFail")
    stage.forward(days=45)
    charges = stage.api.charges.list({"limit": 100}).data[::-1]
    moments = [charge.created for charge in charges if charge.status == "failed"]
    assert moments == sorted(moments)
    assert sorted({(moment - min(moments)) // DAY for moment in moments}) == [0, 2, 4]


def test_the_newest_event_is_known(stage: Stage) -> None:
    """The clock names the event that the API lists first, so that nobody has to list events that are not there."""
    assert stage.control("GET", "clock")["newest_event"] is None
    stage.customer()
    told = stage.control("POST", "clock", {"by": 1})["newest_event"]
    assert told == stage.api.events.list({"limit": 1}).data[0].id


def test_the_books_know_who_made_a_charge(stage: Stage) -> None:
    """What Stripe's own schedule collected is told apart from what was asked for."""
    stage.switch(retry_days=[2])
    customer = stage.customer()
    subscription = stage.subscription(customer.id)
    stage.use_card(customer.id, "pm_card_chargeCustomerFail")
    stage.forward(days=31)
    asked = stage.latest_invoice(subscription.id)
    stage.use_card(customer.id, "pm_card_visa")
    stage.api.invoices.pay(asked.id)
    stage.forward(days=31)
    renewed = stage.latest_invoice(subscription.id)
    books = stage.books()
    assert books[asked.id]["automatic_charges"] == []
    assert books[renewed.id]["automatic_charges"] == books[renewed.id]["successful_charges"] != []


def test_the_next_event_is_known(stage: Stage) -> None:
    """The control API says when something will happen by itself next: a renewal, then Stripe's retry."""
    assert stage.control("GET", "clock")["next_event_at"] is None
    subscription, invoice = stage.failed_renewal()
    assert stage.control("GET", "pending")["next_event_at"] == invoice.next_payment_attempt
    stage.api.subscriptions.cancel(subscription.id)
    assert stage.control("GET", "pending")["next_event_at"] is None


def test_time_flows_by_itself(stage: Stage) -> None:
    """What falls due while nobody moves the clock happens as real time flows."""
    subscription = stage.subscription(stage.customer().id)
    end = int(subscription["items"].data[0].current_period_end)
    stage.control("POST", "clock", {"to": end - 1})
    for _ in range(100):
        if len(stage.books()) == 2:
            break
        time.sleep(0.05)
    assert stage.latest_invoice(subscription.id).billing_reason == "subscription_cycle"


def test_pending_tells_what_is_not_delivered(heard: Stage, receiver: Receiver) -> None:
    """While a delivery waits for its next try it is waiting, not due; once delivered nothing is."""
    receiver.answer = lambda number: 500 if number == 1 else 200
    heard.customer(None)
    heard.settle()
    pending = heard.control("GET", "pending")
    assert (pending["due"], pending["in_flight"], pending["waiting"]) == (0, 0, 1)
    assert pending["next_event_at"] > heard.control("GET", "clock")["now"]
    heard.forward(hours=1)
    assert heard.control("GET", "pending")["waiting"] == 0


def test_switches_explain_themselves(stage: Stage) -> None:
    """Every switch tells its meaning; the open questions are marked as unverified; wrong values are refused."""
    shown = stage.control("GET", "switches")
    assert all(entry["meaning"] for entry in shown.values())
    assert {"pay_3ds_error", "older_invoice_reactivates", "pause_while_past_due"} <= {
        name for name, entry in shown.items() if entry["unverified"]
    }
    for wrong in (
        {"colour": "red"},
        {"final_action": "explode"},
        {"retry_days": [3, 1]},
        {"debit_days": "soon"},
    ):
        assert "error" in stage.control("POST", "switches", wrong)
    assert {name: entry["value"] for name, entry in stage.control("GET", "switches").items()} == {
        name: entry["default"] for name, entry in shown.items()
    }


def test_disputes(heard: Stage, receiver: Receiver) -> None:
    """A dispute is opened on a successful charge and closed; both are told, and the charge cannot be refunded meanwhile."""
    subscription = heard.subscription(heard.customer().id)
    invoice = heard.latest_invoice(subscription.id)
    charge = heard.books()[invoice.id]["successful_charges"][0]
    dispute = heard.control("POST", "disputes", {"charge": charge, "reason": "product_not_received"})
    found = heard.api.disputes.list({"payment_intent": heard.intent(invoice.id)["id"]}).data[0]
    assert (found.id, found.status, found.reason) == (dispute["id"], "needs_response", "product_not_received")
    with pytest.raises(stripe.InvalidRequestError, match="charged back"):
        heard.api.refunds.create({"charge": charge})
    heard.control("POST", "disputes", {"dispute": dispute["id"], "status": "lost"})
    heard.settle()
    assert {"charge.dispute.created", "charge.dispute.closed"} <= set(receiver.types)
    assert "error" in heard.control("POST", "disputes", {"charge": charge})


def test_the_card_updater(heard: Stage, receiver: Receiver) -> None:
    """The network renews a card: the same payment method with a new expiry or number, told by its own event."""
    subscription, invoice = heard.failed_renewal()
    customer = heard.api.customers.retrieve(str(subscription.customer)).to_dict()
    method = customer["invoice_settings"]["default_payment_method"]
    heard.control("POST", "updater", {"payment_method": method, "exp_year": 2040, "card": "tok_mastercard"})
    renewed = heard.api.payment_methods.retrieve(method).to_dict()
    assert (renewed["card"]["last4"], renewed["card"]["exp_year"]) == ("4444", 2040)
    heard.settle()
    told = [event for event in receiver.events if event["type"] == "payment_method.automatically_updated"]
    assert told[0]["data"]["previous_attributes"]["card"]["last4"] == "0341"
    assert heard.api.invoices.pay(invoice.id).status == "paid"


def test_any_event_can_be_told(heard: Stage, receiver: Receiver) -> None:
    """An event of any type is delivered, about an object of the sandbox or any other; without a type it is refused."""
    customer = heard.customer(None)
    heard.control("POST", "events", {"type": "customer.updated", "object": customer.id})
    heard.control("POST", "events", {"type": "weather.changed", "object": {"id": "w_1", "object": "weather"}})
    heard.settle()
    told = {event["type"]: event["data"]["object"]["id"] for event in receiver.events}
    assert told["customer.updated"] == customer.id
    assert told["weather.changed"] == "w_1"
    for wrong in ({"object": customer.id}, {"type": "x", "object": "cus_nobody"}, {"type": "x"}):
        assert "error" in heard.control("POST", "events", wrong)


def test_health(stage: Stage) -> None:
    """The health call tells the API version and the time."""
    health = stage.control("GET", "health")
    assert (health["status"], health["api_version"]) == ("ok", "2026-10-28.endive")
