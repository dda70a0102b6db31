"""What is done about webhooks on invoices, through the whole endpoint: with the ledger's rows and what Temporal was told as outcomes."""

from __future__ import annotations

import itertools
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from activities.contracts import FailedAgain, InvoicePaid
from recoup.errors import ConnectionFailed
from recoup.ledger import Ledger
from recoup.rules.base import Wire
from recoup.rules.case import AttemptState, Outcome
from recoup.rules.money import Money
from tests.web import stripe_events as told
from tests.web.conftest import Book, Hook
from tests.web.doubles import NOW, FakeBilling, FakeGateway, StandingClock


def test_a_failed_renewal_begins_its_case(
    hook: Hook, gateway: FakeGateway, ledger: Ledger, book: Book
) -> None:
    """Temporal gets the case with what is known of it, then the ledger notes the event and its delivery."""
    event = told.failed()
    hook(event)
    start = gateway.begun["in_1"]
    assert (start.invoice, start.at, start.event, start.return_number) == ("in_1", NOW, event["id"], 1)
    assert gateway.about["in_1"] == {
        "customer": "cus_1",
        "subscription": "sub_1",
        "due": Money(amount=4900, currency="pln"),
    }
    assert book.kinds() == ["webhook.payment_failed"]
    row = ledger.webhooks.get(event["id"])
    assert row is not None
    assert (row.type, row.object_id, row.deliveries) == ("invoice.payment_failed", "in_1", 1)


def test_one_event_delivered_twenty_times_acts_once(
    hook: Hook, gateway: FakeGateway, ledger: Ledger, book: Book
) -> None:
    """Redeliveries, several at once among them, are counted and change nothing."""
    event = told.failed()
    with ThreadPoolExecutor(5) as threads:
        list(threads.map(hook, [event] * 20))
    assert gateway.asked_to_begin == ["in_1"]
    assert book.kinds() == ["webhook.payment_failed"]
    row = ledger.webhooks.get(event["id"])
    assert row is not None
    assert row.deliveries == 20


def test_temporal_away_is_503_and_the_redelivery_is_not_swallowed(
    hook: Hook, gateway: FakeGateway, ledger: Ledger, book: Book
) -> None:
    """Nothing counts as seen before Temporal has it, so the same event sent again begins the case."""
    event = told.failed()
    gateway.away = True
    hook(event, expect=503)
    assert ledger.webhooks.get(event["id"]) is None
    assert book.kinds() == []
    gateway.away = False
    hook(event)
    assert list(gateway.begun) == ["in_1"]


def test_a_broken_off_delivery_is_repeated_without_a_second_case(
    hook: Hook, gateway: FakeGateway, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the ledger fails after Temporal accepted, Stripe sends again, and Temporal still has one case."""
    event = told.failed()

    def fail(*_: Any, **__: Any) -> bool:
        from recoup.errors import ConnectionFailed

        raise ConnectionFailed("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(ledger.events, "append", fail)
        hook(event, expect=503)
    hook(event)
    assert gateway.asked_to_begin == ["in_1", "in_1"]
    assert list(gateway.begun) == ["in_1"]


def test_a_first_invoice_is_noted_and_begins_nothing(hook: Hook, gateway: FakeGateway, book: Book) -> None:
    """What is no case leaves its reason in the ledger."""
    answer = hook(told.failed(billing_reason="subscription_create"))
    assert gateway.asked_to_begin == []
    assert book.kinds() == ["webhook.no_case"]
    assert "first invoice" in answer["did"][0]


def test_an_echo_of_recoups_own_attempt_stays_in_the_ledger(
    hook: Hook, gateway: FakeGateway, book: Book
) -> None:
    """Once Recoup has taken the invoice over, further failures on it are its own or the customer's: no signal."""
    hook(told.failed())
    book.case()
    hook(told.failed(auto_advance=False))
    hook(told.failed(auto_advance=False, attempt_count=2))
    assert gateway.told == []
    assert gateway.asked_to_begin == ["in_1"]
    assert book.kinds() == ["webhook.payment_failed"] * 3


def test_a_retry_of_stripes_own_is_told_to_the_case(hook: Hook, gateway: FakeGateway, book: Book) -> None:
    """Where Stripe retries by itself, each automatic attempt that failed is told once."""
    hook(told.failed(attempt_count=1))
    book.case()
    event = told.failed(attempt_count=2)
    hook(event)
    assert gateway.told == [("in_1", "payment_failed", FailedAgain(at=NOW, event=event["id"]))]
    hook(told.failed(attempt_count=2))
    assert len(gateway.told) == 1, "an attempt that was not automatic does not raise the count: an echo"


def test_when_stripe_tries_next_is_told_along(hook: Hook, gateway: FakeGateway, book: Book) -> None:
    """The next attempt of Stripe's schedule comes with the news of the last one."""
    hook(told.failed(attempt_count=1))
    book.case()
    hook(told.failed(attempt_count=2, next_payment_attempt=int((NOW + timedelta(days=2)).timestamp())))
    payload = gateway.told[0][2]
    assert isinstance(payload, FailedAgain)
    assert payload.coming == NOW + timedelta(days=2)


def test_two_events_of_the_same_first_failure_are_no_news(
    hook: Hook, gateway: FakeGateway, book: Book
) -> None:
    """Stripe may make two events of one failure; the second changes nothing for the open case."""
    hook(told.failed())
    book.case()
    hook(told.failed())
    assert gateway.told == []


def test_a_failure_after_the_end_is_only_noted(hook: Hook, gateway: FakeGateway, book: Book) -> None:
    """The failure of an invoice whose case has ended never opens it again."""
    book.end(book.case(), Outcome.LOST_SUSPENDED)
    answer = hook(told.failed())
    assert gateway.asked_to_begin == []
    assert "ended as lost_suspended" in answer["did"][0]


def test_a_customers_payment_is_told_to_the_open_case(hook: Hook, gateway: FakeGateway, book: Book) -> None:
    """Paid on Stripe's page, and nothing of Recoup's under way: the case must know."""
    book.case()
    book.attempt(state=AttemptState.DECLINED)
    event = told.event("invoice.paid", told.paid_invoice())
    hook(event)
    assert gateway.told == [("in_1", "invoice_paid", InvoicePaid(at=NOW, event=event["id"]))]


@pytest.mark.parametrize("state", [None, AttemptState.PAID])
def test_recoups_own_payment_is_an_echo(
    hook: Hook, gateway: FakeGateway, book: Book, state: AttemptState | None
) -> None:
    """While an attempt of Recoup's is under way, or has paid, the event of the payment stays in the ledger."""
    book.case()
    book.attempt(state=state)
    hook(told.event("invoice.paid", told.paid_invoice()))
    assert gateway.told == []
    assert book.kinds() == ["webhook.invoice_paid"]


def test_a_payment_outside_stripe_is_told_apart(hook: Hook, gateway: FakeGateway, book: Book) -> None:
    """A bank transfer that the merchant noted at Stripe counts as paid outside, never as Stripe's retry."""
    hook(told.failed())
    book.case()
    hook(told.event("invoice.paid", told.paid_invoice(amount_paid_off_stripe=4900, attempt_count=5)))
    [(_, _, payload)] = gateway.told
    assert isinstance(payload, InvoicePaid)
    assert (payload.outside, payload.by_stripe) == (True, False)


@pytest.mark.parametrize(
    ("attempts", "taken_over", "by_stripe"), [(2, False, True), (1, False, False), (2, True, False)]
)
def test_a_payment_by_stripes_own_retry_is_guessed(
    hook: Hook,
    gateway: FakeGateway,
    book: Book,
    ledger: Ledger,
    attempts: int,
    taken_over: bool,
    by_stripe: bool,
) -> None:
    """One more automatic attempt than had failed, on an invoice Recoup has not taken over, was Stripe's."""
    hook(told.failed(attempt_count=1))
    book.case()
    if taken_over:
        ledger.invoices.note_takeover("in_1", True, NOW)
    hook(told.event("invoice.paid", told.paid_invoice(attempt_count=attempts)))
    [(_, _, payload)] = gateway.told
    assert isinstance(payload, InvoicePaid)
    assert payload.by_stripe is by_stripe


def test_a_payment_reaches_a_case_that_is_not_in_the_ledger_yet(
    hook: Hook, gateway: FakeGateway, book: Book
) -> None:
    """Between its beginning and its first act a case is known to Temporal alone; it is told too."""
    hook(told.event("invoice.paid", told.paid_invoice()))
    assert gateway.signals == [("in_1", "invoice_paid")]
    assert book.kinds() == [], "nearly every paid invoice never was a case; none of them fills the ledger"


def test_a_payment_after_the_suspension_begins_the_return(
    hook: Hook, gateway: FakeGateway, book: Book
) -> None:
    """The return carries the payment, and the number after the cases there were."""
    book.end(book.case(), Outcome.LOST_SUSPENDED)
    event = told.event("invoice.paid", told.paid_invoice())
    hook(event)
    start = gateway.begun["in_1/r2"]
    assert (start.return_number, start.paid) == (2, InvoicePaid(at=NOW, event=event["id"]))
    assert gateway.about["in_1/r2"]["subscription"] == "sub_1"


def test_a_return_whose_number_was_used_up_takes_the_next(
    hook: Hook, gateway: FakeGateway, book: Book
) -> None:
    """A run that found nothing to do leaves no row; Temporal still knows its name, so the next one is taken."""
    book.end(book.case(), Outcome.LOST_SUSPENDED)
    gateway.over = {"in_1/r2", "in_1/r3"}
    hook(told.event("invoice.paid", told.paid_invoice()))
    assert list(gateway.begun) == ["in_1/r4"]


def test_a_case_that_ran_before_is_not_begun_under_another_number(hook: Hook, gateway: FakeGateway) -> None:
    """A first case that Temporal remembers as over stays over."""
    gateway.over = {"in_1"}
    hook(told.failed())
    assert gateway.asked_to_begin == ["in_1"]
    assert gateway.begun == {}


def test_a_payment_after_another_end_is_only_noted(hook: Hook, gateway: FakeGateway, book: Book) -> None:
    """A case that an operator stopped, say, has no return."""
    book.end(book.case(), Outcome.CLOSED_STOPPED)
    hook(told.event("invoice.paid", told.paid_invoice()))
    assert (gateway.begun, gateway.told) == ({}, [])


@pytest.mark.parametrize(
    ("type_", "signal"),
    [
        ("invoice.voided", "invoice_voided"),
        ("invoice.deleted", "invoice_voided"),
        ("invoice.marked_uncollectible", "invoice_uncollectible"),
    ],
)
def test_the_end_of_an_invoice_is_told_to_its_open_case(
    hook: Hook, gateway: FakeGateway, book: Book, type_: str, signal: str
) -> None:
    """Open or not in the ledger yet: the case is told. Ended: nothing is."""
    hook(told.event(type_, told.LIFE[type_]))
    book.case()
    hook(told.event(type_, told.LIFE[type_]))
    assert gateway.signals == [("in_1", signal)] * 2
    book.end("in_1", Outcome.CLOSED_VOIDED)
    hook(told.event(type_, told.LIFE[type_]))
    assert len(gateway.told) == 2


def test_an_operators_trouble_is_recorded(hook: Hook, book: Book) -> None:
    """A draft that could not become an invoice is a kind of its own, for the operator to see."""
    hook(told.event("invoice.finalization_failed", told.invoice(status="draft")))
    assert book.kinds() == ["operator.finalization_failed"]


def test_a_payment_that_came_after_ours_is_recorded(hook: Hook, book: Book) -> None:
    """Ours was settled when the customer's came through as well: Stripe says that more was paid than was due, and so does the ledger."""
    hook(told.event("invoice.overpaid", told.paid_invoice()))
    assert book.kinds() == ["operator.overpaid"]


def test_a_case_that_does_not_run_is_no_error(hook: Hook, gateway: FakeGateway, book: Book) -> None:
    """A signal that nobody hears is acknowledged: the ledger says open, Temporal says over, the sweep compares them."""
    book.case()
    gateway.unheard = {"in_1"}
    answer = hook(told.event("invoice.voided", told.invoice(status="void")))
    assert "in_1 does not run" in answer["did"]


def test_every_type_is_acknowledged_in_any_state(hook: Hook, book: Book, billing: FakeBilling) -> None:
    """All known types, before a case, with one and after it, are answered 200."""
    billing.charges = {"ch_0": "cus_1"}
    for prepare in (lambda: None, book.case, lambda: book.end("in_1", Outcome.LOST_SUSPENDED)):
        prepare()
        for type_, obj in told.LIFE.items():
            hook(told.event(type_, obj))


def test_any_order_of_a_failure_with_its_neighbours_is_one_case(
    hook: Hook, gateway: FakeGateway, book: Book, clock: StandingClock
) -> None:
    """The events around one failed renewal, shuffled and doubled: one case, no signal, no card update."""
    neighbours = [
        told.failed(),
        told.event("charge.failed", told.charge()),
        told.event("payment_intent.payment_failed", {"id": "pi_1"}),
        told.event("customer.subscription.updated", told.subscription(), {"status": "active"}),
        told.event("invoice.updated", told.invoice(), {"attempt_count": 0}),
    ]
    orders = list(itertools.permutations(neighbours))
    for order in random.Random(7).sample(orders, 10):
        for event in [*order, *order]:
            hook(event)
    assert list(gateway.begun) == ["in_1"]
    assert (gateway.told, gateway.updates) == ([], [])
    assert sorted(book.kinds()) == ["charge_observed", "webhook.payment_failed", "webhook.subscription"]


@pytest.mark.parametrize("state", [AttemptState.PENDING, AttemptState.UNKNOWN])
@pytest.mark.parametrize("paid", [True, False])
def test_a_case_that_waits_for_an_answer_is_told_to_read_it(
    hook: Hook, gateway: FakeGateway, ledger: Ledger, book: Book, state: AttemptState, paid: bool
) -> None:
    """A bank debit of Recoup's is concluded, either way: the case reads the result now, not at its next look."""
    hook(told.failed())
    book.case()
    attempt = book.attempt()
    mark = ledger.attempts.mark_pending if state is AttemptState.PENDING else ledger.attempts.mark_unknown
    mark(attempt, NOW)
    event = told.event("invoice.paid", told.paid_invoice()) if paid else told.failed(auto_advance=False)
    hook(event)
    assert gateway.signals == [("in_1", "attempt_answered")]


def test_a_case_that_ends_between_the_plan_and_the_act_is_planned_again(
    hook: Hook, gateway: FakeGateway, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planned for an open case, which is suspended before it is told: the payment begins the return."""
    book.case()
    real = gateway.tell

    async def over(case: str, signal: str, payload: Wire) -> bool:
        book.end("in_1", Outcome.LOST_SUSPENDED)
        gateway.unheard.add("in_1")
        return await real(case, signal, payload)

    monkeypatch.setattr(gateway, "tell", over)
    hook(told.event("invoice.paid", told.paid_invoice()))
    assert list(gateway.begun) == ["in_1/r2"]


def test_a_credited_invoice_is_no_payment(hook: Hook, gateway: FakeGateway, book: Book) -> None:
    """Stripe says paid, but credit notes took all of it: the case ends as voided, never as recovered."""
    book.case()
    credited = told.paid_invoice(amount_paid=0, pre_payment_credit_notes_amount=4900)
    hook(told.event("invoice.paid", credited))
    assert gateway.signals == [("in_1", "invoice_voided")]


def test_what_a_delivery_did_is_noted_with_the_delivery_or_not_at_all(
    hook: Hook, ledger: Ledger, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger that breaks off between the note and the count keeps neither, and the delivery that follows writes both."""
    event = told.failed()

    def away(*_: object) -> bool:
        raise ConnectionFailed("the ledger went away")

    with monkeypatch.context() as broken:
        broken.setattr(ledger.webhooks, "seen", away)
        hook(event, expect=503)
    assert book.kinds() == []
    hook(event)
    assert book.kinds() == ["webhook.payment_failed"]
    assert ledger.webhooks.get(event["id"]) is not None
