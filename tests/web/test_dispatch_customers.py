"""What is done about webhooks on subscriptions, disputes, payment methods and charges."""

from __future__ import annotations

from datetime import timedelta

from recoup.ledger import AccessMeans, Ledger
from recoup.rules.case import Access, AttemptState, Outcome, Trigger
from tests.web import stripe_events as told
from tests.web.conftest import Book, Hook
from tests.web.doubles import NOW, FakeBilling, FakeGateway

CANCELLED = told.subscription(status="canceled")


def test_a_cancellation_is_told_to_each_open_case_of_the_subscription(
    hook: Hook, gateway: FakeGateway, book: Book
) -> None:
    """All open cases of that subscription, and none of another one."""
    book.case("in_1")
    book.case("in_2")
    book.case("in_3", subscription="sub_other")
    book.end(book.case("in_4"), Outcome.RECOVERED_BY_RETRY)
    hook(told.event("customer.subscription.deleted", CANCELLED))
    assert sorted(gateway.signals) == [("in_1", "subscription_cancelled"), ("in_2", "subscription_cancelled")]


def test_recoups_own_cancellation_is_an_echo(
    hook: Hook, gateway: FakeGateway, book: Book, ledger: Ledger
) -> None:
    """A suspension by cancelling is known by the ledger, or by the key of the request that made it."""
    book.case()
    ours = {"id": "req_1", "idempotency_key": "recoup/in_1/cancel"}
    hook(told.event("customer.subscription.deleted", CANCELLED, request=ours))
    ledger.access.note("sub_1", "cus_1", Access.SUSPENDED, AccessMeans.CANCELLED, "in_1", NOW)
    hook(told.event("customer.subscription.deleted", CANCELLED))
    assert gateway.told == []


def test_a_cancellation_of_a_paused_subscription_is_told(
    hook: Hook, gateway: FakeGateway, book: Book, ledger: Ledger
) -> None:
    """What Recoup only paused and somebody else cancels is no echo."""
    book.case()
    ledger.access.note("sub_1", "cus_1", Access.SUSPENDED, AccessMeans.PAUSED, "in_1", NOW)
    hook(told.event("customer.subscription.deleted", CANCELLED))
    assert gateway.signals == [("in_1", "subscription_cancelled")]


def test_a_dispute_stops_every_open_case_of_the_customer(
    hook: Hook, gateway: FakeGateway, book: Book, billing: FakeBilling
) -> None:
    """Stripe says whose charge it was; whoever disputes one charge is not charged for another."""
    billing.charges = {"ch_0": "cus_1"}
    book.case("in_1")
    book.case("in_2")
    book.case("in_3", customer="cus_other")
    hook(told.event("charge.dispute.created", told.dispute()))
    assert sorted(gateway.signals) == [("in_1", "dispute_opened"), ("in_2", "dispute_opened")]


def test_a_dispute_of_an_unknown_charge_is_noted(hook: Hook, gateway: FakeGateway, book: Book) -> None:
    """A charge of nobody's stops nobody's case."""
    book.case()
    answer = hook(told.event("charge.dispute.created", told.dispute()))
    assert gateway.told == []
    assert answer["did"]


def test_stripe_away_is_503_too(hook: Hook, billing: FakeBilling, ledger: Ledger) -> None:
    """A dispute whose customer Stripe cannot name now must come again."""
    billing.away = True
    event = told.event("charge.dispute.created", told.dispute())
    hook(event, expect=503)
    assert ledger.webhooks.get(event["id"]) is None


NEW_DEFAULT = ("customer.updated", told.customer(), {"invoice_settings": {"default_payment_method": "pm_1"}})


def test_a_chosen_method_begins_a_card_update(hook: Hook, gateway: FakeGateway, book: Book) -> None:
    """With an open case, or a suspended one: the way back stays open."""
    book.case()
    hook(told.event(*NEW_DEFAULT))
    book.end("in_1", Outcome.LOST_SUSPENDED)
    hook(told.event(*NEW_DEFAULT))
    assert [(update.customer, update.method, update.chosen) for update in gateway.updates] == [
        ("cus_1", "pm_2", True)
    ] * 2
    assert gateway.updates[0].cause is Trigger.CARD_UPDATE


def test_recoups_own_change_of_the_method_is_an_echo(hook: Hook, gateway: FakeGateway, book: Book) -> None:
    """What an update of ours set is not taken for a choice, of the customer's default as of a subscription's."""
    book.case()
    ours = {"id": "req_1", "idempotency_key": "recoup/adopt/1"}
    hook(told.event(*NEW_DEFAULT, request=ours))
    own = {"default_payment_method": "pm_1"}
    subscription = told.subscription() | {"default_payment_method": "pm_2"}
    hook(told.event("customer.subscription.updated", subscription, own, request=ours))
    assert gateway.updates == []
    hook(told.event("customer.subscription.updated", subscription, own))
    assert len(gateway.updates) == 1


def test_nobodys_methods_are_touched_who_owes_nothing(hook: Hook, gateway: FakeGateway, book: Book) -> None:
    """Without a case and without a failed renewal, no card update begins, whatever the customer saves."""
    hook(told.event(*NEW_DEFAULT))
    hook(told.event("setup_intent.succeeded", told.setup_intent()))
    hook(told.event("payment_method.attached", told.method()))
    assert gateway.updates == []
    assert book.kinds() == []


def test_a_method_chosen_through_the_link_is_adopted_ahead(
    hook: Hook, gateway: FakeGateway, ledger: Ledger
) -> None:
    """Owing nothing, the customer used our link a moment ago: a card update begins. Long ago, or not chosen: none does."""
    link = ledger.links.issue("cus_1", "update", NOW + timedelta(days=1), NOW - timedelta(days=1))
    ledger.links.note_used(link.id, NOW - timedelta(hours=3))
    hook(told.event(*NEW_DEFAULT))
    assert gateway.updates == []
    ledger.links.note_used(link.id, NOW - timedelta(minutes=5))
    hook(told.event("payment_method.attached", told.method()))
    assert gateway.updates == []
    hook(told.event(*NEW_DEFAULT))
    (update,) = gateway.updates
    assert (update.method, update.chosen, update.ahead) == ("pm_2", True, True)


def test_a_chosen_method_meets_a_case_that_has_not_begun(
    hook: Hook, gateway: FakeGateway, billing: FakeBilling
) -> None:
    """A failed renewal whose case is not in the ledger yet counts; for a method that only appeared it does not."""
    billing.failed_renewals = {"cus_1"}
    hook(told.event("payment_method.attached", told.method()))
    assert gateway.updates == []
    hook(told.event(*NEW_DEFAULT))
    assert len(gateway.updates) == 1


def test_the_account_updater_is_named_as_the_cause(hook: Hook, gateway: FakeGateway, book: Book) -> None:
    """A card that the network renewed is told as such, and was not chosen by the customer."""
    book.case()
    hook(told.event("payment_method.automatically_updated", told.method()))
    [update] = gateway.updates
    assert (update.cause, update.chosen) == (Trigger.ACCOUNT_UPDATER, False)


def test_refused_charges_are_counted_once(hook: Hook, book: Book, ledger: Ledger) -> None:
    """A charge of somebody else's counts for its card; the same charge in another event, or one of Recoup's, does not."""
    hook(told.event("charge.failed", told.charge()))
    hook(told.event("charge.failed", told.charge()))
    book.case()
    book.attempt(state=AttemptState.PAID)
    hook(told.event("charge.failed", told.charge(id="ch_ours")))
    assert [
        row.data["charge"] for row in ledger.events.of_customer("cus_1") if row.kind == "charge_observed"
    ] == ["ch_1"]
