"""Two workers with one attempt in their hands: one was cut off from Temporal and goes on, the other took its work over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe
from temporalio.testing import ActivityEnvironment

from activities.contracts import AttemptOrder
from recoup.billing import read_invoice
from recoup.ledger import AttemptResult
from recoup.rules.case import AttemptState, Case, Outcome, Trigger
from tests.activities.conftest import Desk

PAY = "/v1/invoices/*/pay"


@pytest.fixture
def before_reading(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], Any]], None]:
    """Have something done just before the invoice is read for the ``n``-th time from now on."""
    planned: dict[int, Callable[[], Any]] = {}
    count, real = [0], read_invoice

    def reading(*arguments: Any) -> Any:
        count[0] += 1
        if (act := planned.pop(count[0], None)) is not None:
            act()
        return real(*arguments)

    def plan(number: int, act: Callable[[], Any]) -> None:
        planned[count[0] + number] = act

    monkeypatch.setattr("activities._collecting.read_invoice", reading)
    return plan


def _unknown(desk: Desk) -> Case:
    """A case whose first attempt never reached Stripe, for all that is known."""
    case = desk.take_up("short")
    desk.sandbox.fault(fault="refuse_connection", method="POST", path=PAY, count=3)
    assert desk.attempt(case, tries=9).state is AttemptState.UNKNOWN
    return case


def test_an_attempt_that_the_other_settled_is_not_sent_again(
    desk: Desk, before_reading: Callable[[int, Callable[[], Any]], None]
) -> None:
    """Settled while this worker was reading: the key is not sent again beside whatever has followed."""
    case = _unknown(desk)
    (row,) = desk.ledger.attempts.of_invoice(case.invoice)
    sent = len(desk.sandbox.pays(case.invoice))
    result = AttemptResult(state=AttemptState.SKIPPED, because="settled elsewhere")
    before_reading(1, lambda: desk.ledger.attempts.settle(row.id, result, desk.clock.now()))
    assert desk.settle(case, 1).state is AttemptState.SKIPPED
    assert len(desk.sandbox.pays(case.invoice)) == sent


def test_the_quiet_time_counts_from_the_last_request(desk: Desk) -> None:
    """Asked once more a moment ago, perhaps by a worker that died: nobody says yet that nothing was executed."""
    case = _unknown(desk)
    desk.sandbox.pass_time(hours=19, minutes=55)
    desk.sandbox.fault(fault="refuse_connection", method="POST", path=PAY, count=1)
    assert desk.settle(case, 1).state is AttemptState.UNKNOWN
    desk.sandbox.pass_time(minutes=6)
    assert desk.settle(case, 1).state is AttemptState.UNKNOWN
    assert desk.settle(case, 1, only_read=True).state is AttemptState.UNKNOWN
    desk.sandbox.pass_time(minutes=5)
    assert desk.settle(case, 1).state is AttemptState.SKIPPED


def test_nobody_gives_up_what_the_other_asks_for_again(
    desk: Desk, before_reading: Callable[[int, Callable[[], Any]], None]
) -> None:
    """The sweep finds ten quiet minutes just when the case asks once more: the attempt stays open until its answer is known."""
    case = _unknown(desk)
    (row,) = desk.ledger.attempts.of_invoice(case.invoice)
    desk.sandbox.pass_time(minutes=11)
    before_reading(1, lambda: desk.ledger.attempts.ask_again(row.id, desk.clock.now()))
    assert desk.settle(case, 1, only_read=True).state is AttemptState.UNKNOWN
    (row,) = desk.ledger.attempts.of_invoice(case.invoice)
    assert row.settled_at is None


def test_a_failure_that_stripe_stored_just_now_is_no_end(desk: Desk) -> None:
    """Only the request that was sent again reached Stripe, which charged and then failed: reading finds the payment."""
    case = _unknown(desk)
    desk.sandbox.pass_time(minutes=11)
    desk.sandbox.fault(fault="error_after", method="POST", path=PAY, count=1)
    assert desk.settle(case, 1).state is AttemptState.UNKNOWN
    assert desk.settle(case, 1).state is AttemptState.PAID


def test_what_the_other_has_just_sent_is_not_withdrawn(
    desk: Desk, before_reading: Callable[[int, Callable[[], Any]], None]
) -> None:
    """Less is owed, says the second reading; but the attempt was sent by the other worker meanwhile, and may have charged."""
    case = desk.take_up("short")

    def meanwhile() -> None:
        (row,) = desk.ledger.attempts.of_invoice(case.invoice)
        desk.ledger.attempts.mark_sent(row.id, desk.clock.now())
        desk.stripe.v1.credit_notes.create({"invoice": case.invoice, "amount": 1900})

    before_reading(2, meanwhile)
    assert desk.attempt(case).state is AttemptState.SENT
    (row,) = desk.ledger.attempts.of_invoice(case.invoice)
    assert row.settled_at is None
    assert desk.attempt(case, request="r2").number == 1
    assert desk.sandbox.pays(case.invoice) == []


@pytest.mark.parametrize("comes_through", [True, False])
def test_what_was_sent_before_the_debt_was_written_off_is_waited_for(
    desk: Desk, *, comes_through: bool
) -> None:
    """An invoice that is written off can still be paid: a request that is executed late is known as the payment it was."""
    case = _unknown(desk)
    desk.stripe.v1.invoices.mark_uncollectible(case.invoice)
    assert desk.settle(case, 1, only_read=True).state is AttemptState.UNKNOWN
    if comes_through:
        (row,) = desk.ledger.attempts.of_invoice(case.invoice)
        desk.stripe.v1.invoices.pay(case.invoice, {"payment_method": row.payment_method})
    desk.sandbox.pass_time(minutes=11)
    report = desk.settle(case, 1, only_read=True)
    assert report.state is (AttemptState.PAID if comes_through else AttemptState.SKIPPED)
    assert report.ended is (None if comes_through else Outcome.CLOSED_UNCOLLECTIBLE)
    assert desk.sandbox.books(case.invoice)["refunds"] == []


def test_a_card_that_was_replaced_meanwhile_is_not_asked_for_again(desk: Desk) -> None:
    """No answer, and the customer changes the card: the old one's key is not sent again, and the new one pays after the quiet time."""
    case = _unknown(desk)
    new = desk.stripe.v1.payment_methods.attach("pm_card_visa", {"customer": case.customer})
    settings = {"invoice_settings": {"default_payment_method": new.id}}
    desk.stripe.v1.customers.update(case.customer, settings)
    sent = len(desk.sandbox.pays(case.invoice))
    assert desk.settle(case, 1).state is AttemptState.UNKNOWN
    desk.sandbox.pass_time(minutes=11)
    assert desk.settle(case, 1).state is AttemptState.SKIPPED
    assert len(desk.sandbox.pays(case.invoice)) == sent
    assert desk.attempt(case, request="r2", trigger=Trigger.CARD_UPDATE).state is AttemptState.PAID
    assert desk.ledger.attempts.of_invoice(case.invoice)[-1].payment_method == new.id


def test_a_key_that_stands_for_something_else_is_left_behind(desk: Desk) -> None:
    """The ledger was restored from a copy and gives a number again: reading settles it, and the next number pays."""
    case = desk.take_up("short")
    other = desk.stripe.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": case.customer})
    with pytest.raises(stripe.CardError):
        desk.stripe.v1.invoices.pay(
            case.invoice, {"payment_method": other.id}, {"idempotency_key": f"recoup/{case.invoice}/1"}
        )
    assert desk.attempt(case, tries=9).state is AttemptState.UNKNOWN
    assert desk.settle(case, 1).state is AttemptState.UNKNOWN
    desk.sandbox.pass_time(minutes=11)
    assert desk.settle(case, 1).state is AttemptState.SKIPPED
    assert desk.attempt(case, request="r2").state is AttemptState.PAID


@pytest.mark.parametrize("comes_through", [True, False])
def test_what_was_sent_before_a_cancellation_is_waited_for(desk: Desk, *, comes_through: bool) -> None:
    """Cancelled while an attempt has no answer: its request may be executed late; then it is known, and given back."""
    case = _unknown(desk)
    desk.stripe.v1.subscriptions.cancel(case.subscription or "")
    assert desk.settle(case, 1, only_read=True).state is AttemptState.UNKNOWN
    if comes_through:
        (row,) = desk.ledger.attempts.of_invoice(case.invoice)
        desk.stripe.v1.invoices.pay(case.invoice, {"payment_method": row.payment_method})
    desk.sandbox.pass_time(minutes=11)
    report = desk.settle(case, 1, only_read=True)
    assert report.state is (AttemptState.PAID if comes_through else AttemptState.SKIPPED)
    assert report.ended is Outcome.LOST_CANCELLED
    assert len(desk.sandbox.books(case.invoice)["refunds"]) == comes_through


def _reserved(desk: Desk, before_reading: Callable[[int, Callable[[], Any]], None]) -> Case:
    """A case whose first attempt was reserved, and whose worker died before it was sent."""
    case = desk.take_up("short")

    def dies() -> None:
        raise KeyboardInterrupt

    before_reading(2, dies)
    with pytest.raises(KeyboardInterrupt):
        desk.attempt(case)
    (row,) = desk.ledger.attempts.of_invoice(case.invoice)
    assert row.state is AttemptState.RESERVED
    return case


def test_a_card_that_was_replaced_after_the_reservation_is_not_charged(
    desk: Desk, before_reading: Callable[[int, Callable[[], Any]], None]
) -> None:
    """The customer changed the card before the reserved attempt could be sent: the old one is left alone, the new one pays."""
    case = _reserved(desk, before_reading)
    new = desk.stripe.v1.payment_methods.attach("pm_card_visa", {"customer": case.customer})
    settings = {"invoice_settings": {"default_payment_method": new.id}}
    desk.stripe.v1.customers.update(case.customer, settings)
    assert desk.attempt(case, tries=2).state is AttemptState.SKIPPED
    assert desk.sandbox.pays(case.invoice) == []
    assert desk.attempt(case, request="r2", trigger=Trigger.CARD_UPDATE).state is AttemptState.PAID
    assert desk.ledger.attempts.of_invoice(case.invoice)[-1].payment_method == new.id


def test_an_old_reservation_is_asked_for_anew(
    desk: Desk, before_reading: Callable[[int, Callable[[], Any]], None]
) -> None:
    """What the guard allowed days ago it may forbid today: a reservation that was left is withdrawn, and the guard asked again."""
    case = _reserved(desk, before_reading)
    desk.sandbox.pass_time(hours=3)
    assert desk.attempt(case, tries=2).state is AttemptState.SKIPPED
    assert desk.sandbox.pays(case.invoice) == []
    assert desk.attempt(case, request="r2").number == 2


def test_an_attempt_that_the_case_has_called_off_is_not_sent(desk: Desk) -> None:
    """The case heard of a dispute while its attempt was still being prepared: the worker is told in time, and nothing goes out."""
    case = desk.take_up("short")
    environment = ActivityEnvironment()
    environment.cancel()
    order = AttemptOrder(**desk.common(case, "r1"), trigger=Trigger.SCHEDULE, due=case.due)
    assert environment.run(desk.payments.attempt, order).state is AttemptState.SKIPPED
    assert desk.sandbox.pays(case.invoice) == []


def test_an_answer_that_is_no_result_is_not_asked_for_over_and_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stripe accepts the request and leaves the invoice open: the outcome is unknown, and the case looks again later."""
    case, asked = desk.take_up("empty"), []

    def accepts(service: Any, invoice: str, *_: Any) -> Any:
        asked.append(invoice)
        return service.retrieve(invoice)

    monkeypatch.setattr(stripe.InvoiceService, "pay", accepts)
    report = desk.attempt(case)
    assert (report.state, len(asked)) == (AttemptState.UNKNOWN, 1)
    assert report.check_at is not None
    assert report.check_at - report.at == timedelta(minutes=10)
