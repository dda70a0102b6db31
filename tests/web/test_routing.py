"""From events to commands."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.rules.case import Trigger
from recoup.rules.declines import forbidden
from recoup.rules.money import Money
from recoup.web.webhooks import ROUTES, route
from recoup.web.webhooks.commands import (
    BeginCase,
    CardChanged,
    Command,
    Ignore,
    Observe,
    Record,
    Signal,
    TellCancelled,
    TellDisputed,
    TellEnded,
    TellPaid,
)
from tests.web import stripe_events as told

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


def only(event: dict[str, Any]) -> Command:
    commands = route(event)
    assert len(commands) == 1, commands
    return commands[0]


def test_a_failed_renewal_begins_a_case() -> None:
    """The failure of a renewal carries everything a case begins with, the subscription from where Stripe puts it now."""
    assert only(told.failed()) == BeginCase(
        invoice="in_1",
        customer="cus_1",
        subscription="sub_1",
        due=Money(amount=4900, currency="pln"),
        stripe_retries=True,
        attempt_count=1,
    )


def test_an_endpoint_of_an_old_version_loses_no_failure() -> None:
    """Before basil the subscription stood on the invoice itself, and a payment outside Stripe had a word of its own."""
    old = {key: value for key, value in told.invoice(subscription="sub_1").items() if key != "parent"}
    failed = only(told.event("invoice.payment_failed", old, api_version="2024-06-20"))
    assert isinstance(failed, BeginCase)
    assert failed.subscription == "sub_1"
    paid = old | {"status": "paid", "amount_remaining": 0, "amount_paid": 4900, "paid_out_of_band": True}
    del paid["amount_paid_off_stripe"]
    command = only(told.event("invoice.paid", paid, api_version="2024-06-20"))
    assert isinstance(command, TellPaid)
    assert command.outside


def test_an_expanded_subscription_is_read_too() -> None:
    """Where the subscription is an object instead of an id, its id is taken."""
    parent = {"subscription_details": {"subscription": {"id": "sub_9", "object": "subscription"}}}
    command = only(told.failed(parent=parent))
    assert isinstance(command, BeginCase)
    assert command.subscription == "sub_9"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"parent": None}, "bills no subscription"),
        ({"parent": {"type": "quote_details"}}, "bills no subscription"),
        ({"collection_method": "send_invoice"}, "sent to the customer"),
        ({"billing_reason": "subscription_create"}, "first invoice"),
        ({"amount_remaining": 0}, "nothing is owed"),
        ({"status": "paid"}, "status is paid"),
        ({"status": "void"}, "status is void"),
    ],
)
def test_other_failures_are_recorded_and_begin_nothing(change: dict[str, Any], word: str) -> None:
    """First invoices, sent invoices, nothing owed, no subscription: the reason is recorded, no case begins."""
    command = only(told.failed(**change))
    assert isinstance(command, Record)
    assert word in command.because
    assert command.invoice == "in_1"


@pytest.mark.parametrize("type_", ["invoice.paid", "invoice.payment_succeeded"])
def test_a_payment_is_told(type_: str) -> None:
    """Both events of a payment say the same; paid outside Stripe is told apart."""
    assert only(told.event(type_, told.paid_invoice())) == TellPaid(
        "in_1", "cus_1", outside=False, attempt_count=1
    )
    outside = only(told.event(type_, told.paid_invoice(amount_paid_off_stripe=4900)))
    assert isinstance(outside, TellPaid)
    assert outside.outside


@pytest.mark.parametrize(
    ("type_", "signal"),
    [
        ("invoice.voided", Signal.INVOICE_VOIDED),
        ("invoice.deleted", Signal.INVOICE_VOIDED),
        ("invoice.marked_uncollectible", Signal.INVOICE_UNCOLLECTIBLE),
    ],
)
def test_the_end_of_an_invoice_is_told(type_: str, signal: Signal) -> None:
    """Voided, deleted and uncollectible invoices end their case."""
    command = only(told.event(type_, told.LIFE[type_]))
    assert isinstance(command, TellEnded)
    assert (command.invoice, command.signal) == ("in_1", signal)


def test_a_cancelled_subscription_is_told() -> None:
    """Deleted, and updated to canceled, are both cancellations; the key of the request says whether Recoup made it."""
    deleted = told.event("customer.subscription.deleted", told.subscription(status="canceled"))
    assert only(deleted) == TellCancelled("sub_1", "cus_1", ours=False)
    updated = told.event(
        "customer.subscription.updated",
        told.subscription(status="canceled"),
        {"status": "past_due"},
        request={"id": "req_1", "idempotency_key": "recoup/in_1/cancel"},
    )
    assert only(updated) == TellCancelled("sub_1", "cus_1", ours=True)


@pytest.mark.parametrize("status", ["unpaid", "past_due", "active", "paused"])
def test_other_states_of_a_subscription_are_recorded(status: str) -> None:
    """An unpaid subscription can still be won back, so no state but canceled ends a case."""
    event = told.event(
        "customer.subscription.updated", told.subscription(status=status), {"status": "trialing"}
    )
    command = only(event)
    assert isinstance(command, Record)
    assert status in command.because


def test_a_subscription_can_change_in_several_ways_at_once() -> None:
    """Each change that matters gives its own command."""
    event = told.event(
        "customer.subscription.updated",
        told.subscription(status="active", default_payment_method="pm_9"),
        {"status": "past_due", "default_payment_method": "pm_1", "pause_collection": {"behavior": "void"}},
    )
    assert [type(command) for command in route(event)] == [Record, Record, CardChanged]


CHOSEN = CardChanged("cus_1", "pm_2", Trigger.CARD_UPDATE, chosen=True)
APPEARED = CardChanged("cus_1", "pm_2", Trigger.CARD_UPDATE, chosen=False)


@pytest.mark.parametrize(
    ("type_", "obj", "previous", "expected"),
    [
        (
            "customer.updated",
            told.customer(),
            {"invoice_settings": {"default_payment_method": "pm_1"}},
            CHOSEN,
        ),
        ("customer.updated", told.customer(), {"invoice_settings": {"default_payment_method": None}}, CHOSEN),
        (
            "customer.subscription.updated",
            told.subscription(default_payment_method="pm_2"),
            {"default_payment_method": None},
            CHOSEN,
        ),
        ("payment_method.attached", told.method(), None, APPEARED),
        ("payment_method.updated", told.method(), {"card": {"exp_year": 2026}}, APPEARED),
        (
            "payment_method.automatically_updated",
            told.method(),
            {"card": {"last4": "0341"}},
            CardChanged("cus_1", "pm_2", Trigger.ACCOUNT_UPDATER, chosen=False),
        ),
        ("setup_intent.succeeded", told.setup_intent(), None, CHOSEN),
        (
            "checkout.session.completed",
            {
                "id": "cs_1",
                "mode": "setup",
                "customer": "cus_1",
                "setup_intent": {"id": "s", "payment_method": "pm_2"},
            },
            None,
            CHOSEN,
        ),
    ],
)
def test_a_card_update_is_told(
    type_: str, obj: dict[str, Any], previous: dict[str, Any] | None, expected: Command
) -> None:
    """Every event that tells of a new or renewed payment method gives the same command, chosen or not, with its cause."""
    assert only(told.event(type_, obj, previous)) == expected


@pytest.mark.parametrize(
    ("type_", "obj", "previous"),
    [
        ("customer.updated", told.customer(), {"email": "old@example.com"}),
        ("customer.updated", told.customer(), {"invoice_settings": {"footer": None}}),
        ("customer.updated", told.customer(), {"invoice_settings": "?"}),
        (
            "customer.updated",
            told.customer(invoice_settings={"default_payment_method": None}),
            {"invoice_settings": {"default_payment_method": "pm_1"}},
        ),
        ("customer.subscription.updated", told.subscription(), {"metadata": {}}),
        ("payment_method.updated", told.method(), {"metadata": {}}),
        ("payment_method.attached", told.method(customer=None), None),
        ("setup_intent.succeeded", told.setup_intent(usage="on_session"), None),
        ("setup_intent.succeeded", told.setup_intent(customer=None), None),
        ("checkout.session.completed", told.LIFE["checkout.session.completed"], None),
        ("checkout.session.completed", {"id": "cs_1", "mode": "payment", "customer": "cus_1"}, None),
    ],
)
def test_what_is_no_card_update_is_ignored(
    type_: str, obj: dict[str, Any], previous: dict[str, Any] | None
) -> None:
    """Other changes of customers, methods and sessions set nothing in motion, and say why."""
    command = only(told.event(type_, obj, previous))
    assert isinstance(command, Ignore)
    assert command.because


def test_a_refused_charge_is_counted_with_its_codes() -> None:
    """A failed charge keeps the card's fingerprint, brand and every code of the decline."""
    command = only(told.event("charge.failed", told.charge()))
    assert isinstance(command, Observe)
    seen = command.charge
    assert (seen.charge, seen.fingerprint, seen.brand, seen.failed) == ("ch_1", "fp_1", "mastercard", True)
    assert seen.decline is not None
    assert seen.decline.model_dump(exclude_none=True) == {
        "code": "insufficient_funds",
        "advice_code": "try_again_later",
        "network_decline_code": "51",
        "network_advice_code": "24",
        "kind": "issuer_declined",
        "brand": "mastercard",
        "method_type": "card",
    }


def test_a_co_badged_cards_codes_are_those_of_the_network_that_answered() -> None:
    """Charged over Mastercard, whatever brand is printed on the card: its "never" must be understood as Mastercard's."""
    card = {"brand": "cartes_bancaires", "network": "mastercard", "fingerprint": "fp_1"}
    outcome = {"type": "issuer_declined", "reason": "do_not_honor", "network_advice_code": "03"}
    command = only(
        told.event(
            "charge.failed",
            told.charge(outcome=outcome, payment_method_details={"type": "card", "card": card}),
        )
    )
    assert isinstance(command, Observe)
    assert command.charge.brand == "mastercard"
    assert command.charge.decline is not None
    assert forbidden(command.charge.decline)


def test_a_card_without_a_fingerprint_is_known_by_its_method() -> None:
    """Nothing else tells which card it is; its refusals count for the method at least."""
    details = {"type": "card", "card": {"brand": "visa", "fingerprint": None}}
    command = only(told.event("charge.failed", told.charge(payment_method_details=details)))
    assert isinstance(command, Observe)
    assert command.charge.fingerprint == "pm_1"


def test_a_refused_bank_debit_is_counted_too() -> None:
    """A charge without a card and without an outcome is read by its failure code."""
    details = {"type": "sepa_debit", "sepa_debit": {"fingerprint": "x"}}
    command = only(told.event("charge.failed", told.charge(outcome=None, payment_method_details=details)))
    assert isinstance(command, Observe)
    assert command.charge.fingerprint is None
    assert command.charge.decline is not None
    assert (command.charge.decline.code, command.charge.decline.method_type) == (
        "card_declined",
        "sepa_debit",
    )


@pytest.mark.parametrize("type_", ["charge.dispute.created", "radar.early_fraud_warning.created"])
def test_a_complaint_is_told(type_: str) -> None:
    """Disputes and early fraud warnings name the charge they are about."""
    assert only(told.event(type_, told.LIFE[type_])) == TellDisputed("ch_0", "pi_0", type_)


@pytest.mark.parametrize("type_", sorted(told.LIFE))
def test_every_type_of_the_guides_has_a_route_that_reads_its_object(type_: str) -> None:
    """Each event type named for recovery is known, and its plain object is understood."""
    assert type_ in ROUTES
    for command in route(told.event(type_, told.LIFE[type_])):
        assert not (isinstance(command, Ignore) and "shape" in command.because), command


def test_no_route_is_left_untested() -> None:
    """Every route has an object in these tests."""
    assert set(ROUTES) == set(told.LIFE)


def test_unknown_types_are_ignored() -> None:
    """A type Recoup has no use for is ignored by name."""
    command = only(told.event("payout.paid", {"id": "po_1"}))
    assert command == Ignore("Recoup has no use for events of the type payout.paid")


def test_connected_accounts_are_ignored() -> None:
    """Events of a connected account never touch this account's cases."""
    assert isinstance(only(told.event("invoice.payment_failed", told.invoice(), account="acct_1")), Ignore)


def test_an_older_shape_is_named() -> None:
    """An endpoint set to an older API version is told apart from a defect, without repeating any value."""
    obj = told.invoice(customer_name="Jan Kowalski")
    del obj["amount_remaining"]
    command = only(told.event("invoice.payment_failed", obj, api_version="2024-06-20"))
    assert isinstance(command, Ignore)
    assert "amount_remaining" in command.because
    assert "2024-06-20" in command.because
    assert "Kowalski" not in command.because


@given(json_values)
def test_any_json_is_routed(anything: Any) -> None:
    """Whatever JSON comes, there is an answer and no error."""
    event = anything if isinstance(anything, dict) else {"data": anything}
    assert route(event)


@given(
    st.sampled_from(sorted(told.LIFE)),
    st.dictionaries(st.text(max_size=20), json_values, max_size=6),
    st.data(),
)
def test_any_object_of_a_known_type_is_routed(type_: str, noise: dict[str, Any], data: st.DataObject) -> None:
    """Known types with any field of theirs replaced by anything, and any former values, are answered too."""
    obj = copy.deepcopy(told.LIFE[type_]) | noise
    for key in data.draw(st.lists(st.sampled_from(sorted(told.LIFE[type_])), max_size=3)):
        obj[key] = data.draw(json_values)
    previous = data.draw(
        st.none()
        | st.dictionaries(
            st.sampled_from(["status", "default_payment_method", "invoice_settings", "card", "customer"]),
            json_values,
        )
    )
    commands = route(told.event(type_, obj, previous))
    assert commands
    for command in commands:
        if isinstance(command, Record):
            assert command.because
            assert "\x00" not in f"{command.invoice}{command.customer}{command.data}"
