"""Collecting exactly once: whatever gets lost between Recoup and Stripe, the books show one successful charge or none."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities._waits import MOST_CALLS
from activities.complaints import DISPUTE_OPENED
from activities.contracts import TakeUp
from recoup.ledger import AttemptResult, AttemptRow
from recoup.rules.case import AttemptState, Outcome, Trigger
from recoup.rules.declines import read
from tests.activities.conftest import Desk

PAY = "/v1/invoices/*/pay"


def test_a_declined_attempt_is_a_result_with_all_its_codes(desk: Desk) -> None:
    """A refusal comes back as data: the decline, what it was tried with, and a settled row in the ledger."""
    case = desk.take_up("empty")
    report = desk.attempt(case)
    assert (report.state, report.number) == (AttemptState.DECLINED, 1)
    assert report.decline is not None
    assert (report.decline.code, report.decline.network_decline_code, report.decline.brand) == (
        "insufficient_funds",
        "51",
        "visa",
    )
    row = desk.ledger.attempts.latest(case.invoice)
    assert row is not None
    assert (row.key, row.state, row.charge is not None) == (
        f"recoup/{case.invoice}/1",
        AttemptState.DECLINED,
        True,
    )


def test_a_bank_that_asks_for_authentication_is_heard_in_either_form(desk: Desk) -> None:
    """Stripe may tell it as an invalid request rather than as a card error: the customer has to confirm, not to bring a card."""
    case = desk.take_up("short")
    card = desk.stripe.v1.payment_methods.attach(
        "pm_card_authenticationRequired", {"customer": case.customer}
    )
    settings = {"invoice_settings": {"default_payment_method": card.id}}
    desk.stripe.v1.customers.update(case.customer, settings)
    told = {
        "pay_3ds_error": "invoice_payment_intent_requires_action",
        "pay_3ds_type": "invalid_request_error",
    }
    desk.sandbox.control("switches", told)
    report = desk.attempt(case, trigger=Trigger.CARD_UPDATE)
    usual = {"pay_3ds_error": "authentication_required", "pay_3ds_type": "card_error"}
    desk.sandbox.control("switches", usual)
    assert (report.state, report.decline is not None) == (AttemptState.DECLINED, True)
    assert report.decline is not None
    assert read(report.decline).needs_authentication
    assert desk.ledger.attempts.of_invoice(case.invoice)[0].charge is not None


def test_a_paid_attempt_is_known_and_never_repeated(desk: Desk) -> None:
    """The same request again answers from the ledger: Stripe is not even asked."""
    case = desk.take_up("short")
    first, again = desk.attempt(case), desk.attempt(case)
    assert (first.state, again.state) == (AttemptState.PAID, AttemptState.PAID)
    assert len(desk.sandbox.pays(case.invoice)) == 1
    assert len(desk.sandbox.books(case.invoice)["successful_charges"]) == 1


def test_a_lost_answer_is_never_a_second_charge(desk: Desk) -> None:
    """The charge was made and the answer lost: the next try finds it by reading and charges nothing."""
    case = desk.take_up("short")
    desk.sandbox.fault(fault="lose_answer", method="POST", path=PAY, count=3)
    with pytest.raises(ApplicationError, match="no final answer"):
        desk.attempt(case)
    report = desk.attempt(case, tries=2)
    assert report.state is AttemptState.PAID
    assert len(desk.sandbox.books(case.invoice)["successful_charges"]) == 1


def test_no_answer_and_no_charge_is_sent_again_under_the_same_key(desk: Desk) -> None:
    """Stripe was never reached: the same key goes out again, and the attempt keeps its number."""
    case = desk.take_up("short")
    desk.sandbox.fault(fault="refuse_connection", method="POST", path=PAY, count=3)
    with pytest.raises(ApplicationError, match="no final answer"):
        desk.attempt(case)
    report = desk.attempt(case, tries=2)
    assert (report.state, report.number) == (AttemptState.PAID, 1)
    assert {call["key"] for call in desk.sandbox.pays(case.invoice)} == {f"recoup/{case.invoice}/1"}


def test_an_unknown_outcome_is_never_told_as_a_decline(desk: Desk) -> None:
    """After the quick tries the case gets "unknown" with a moment to look again, and settling finds the truth."""
    case = desk.take_up("short")
    desk.sandbox.fault(fault="lose_answer", method="POST", path=PAY, count=3)
    report = desk.attempt(case, tries=9)
    assert report.state is AttemptState.UNKNOWN
    assert report.check_at is not None
    assert desk.settle(case, 1).state is AttemptState.PAID
    assert len(desk.sandbox.books(case.invoice)["successful_charges"]) == 1


def test_no_new_attempt_begins_while_one_is_unknown(desk: Desk) -> None:
    """Another request meanwhile is led to the open attempt instead of charging beside it."""
    case = desk.take_up("short")
    desk.sandbox.fault(fault="lose_answer", method="POST", path=PAY, count=3)
    desk.attempt(case, tries=9)
    report = desk.attempt(case, request="r2", trigger=Trigger.MANUAL)
    assert (report.number, report.state) == (1, AttemptState.PAID)
    assert len(desk.sandbox.books(case.invoice)["successful_charges"]) == 1


def test_a_stored_failure_of_stripes_is_settled_by_reading(desk: Desk) -> None:
    """A 500 kept under the key would come back for ever: after ten quiet minutes reading decides, and a new number is free."""
    case = desk.take_up("empty")
    desk.sandbox.fault(fault="error_after", method="POST", path=PAY, count=1)
    first = desk.attempt(case, tries=9)
    desk.sandbox.pass_time(minutes=11)
    second = desk.settle(case, 1)
    assert first.state in (AttemptState.UNKNOWN, AttemptState.DECLINED)
    assert second.state.is_settled
    assert desk.sandbox.books(case.invoice)["successful_charges"] == []


def test_an_attempt_older_than_its_key_is_settled_by_reading_alone(desk: Desk) -> None:
    """Past the key's life nothing is sent again: Stripe would take the same key for a new payment."""
    case = desk.take_up("short")
    desk.sandbox.fault(fault="refuse_connection", method="POST", path=PAY, count=3)
    desk.attempt(case, tries=9)
    before = len(desk.sandbox.pays(case.invoice))
    desk.sandbox.pass_time(hours=25)
    report = desk.settle(case, 1)
    assert report.state is AttemptState.SKIPPED
    assert len(desk.sandbox.pays(case.invoice)) == before


def test_a_payment_by_the_customer_between_two_looks_is_seen(desk: Desk) -> None:
    """Paid meanwhile by the customer: nothing is charged, and the report says who paid."""
    case = desk.take_up("short")
    desk.stripe.v1.invoices.pay(case.invoice)
    report = desk.attempt(case)
    assert (report.ended, report.number) == (Outcome.RECOVERED_BY_CUSTOMER, None)
    assert len(desk.sandbox.books(case.invoice)["successful_charges"]) == 1


@pytest.mark.parametrize(
    ("what", "outcome"),
    [
        ("void", Outcome.CLOSED_VOIDED),
        ("uncollectible", Outcome.CLOSED_UNCOLLECTIBLE),
        ("cancel", Outcome.LOST_CANCELLED),
    ],
)
def test_what_has_ended_is_never_charged(desk: Desk, what: str, outcome: Outcome) -> None:
    """Voided, written off or cancelled before the attempt: the fresh read stops it."""
    case = desk.take_up("short")
    if what == "void":
        desk.stripe.v1.invoices.void_invoice(case.invoice)
    elif what == "uncollectible":
        desk.stripe.v1.invoices.mark_uncollectible(case.invoice)
    else:
        desk.stripe.v1.subscriptions.cancel(case.subscription)
    assert desk.attempt(case).ended is outcome
    assert desk.sandbox.pays(case.invoice) == []


def test_too_many_requests_are_tried_again_and_charge_once(desk: Desk) -> None:
    """A 429 was not executed: the activity fails for Temporal to try again, with the same key."""
    case = desk.take_up("short")
    desk.sandbox.fault(fault="rate_limit", method="POST", path=PAY, count=1)
    with pytest.raises(ApplicationError) as refused:
        desk.attempt(case)
    assert not refused.value.non_retryable
    assert desk.attempt(case, tries=2).state is AttemptState.PAID


def test_a_limit_of_the_networks_is_a_hard_gate(desk: Desk) -> None:
    """When the card has used up its attempts even an operator's wish is answered with "not before", and nothing is sent."""
    case = desk.take_up("empty")
    for number in range(15):
        desk.attempt(case, request=f"r{number}")
    sent = len(desk.sandbox.pays(case.invoice))
    report = desk.attempt(case, request="one more", trigger=Trigger.MANUAL)
    assert (report.state, report.number) == (AttemptState.SKIPPED, None)
    assert report.not_before is not None
    assert report.not_before > desk.clock.now() + timedelta(days=29)
    assert len(desk.sandbox.pays(case.invoice)) == sent


def test_a_wrong_key_waits_for_the_operator_and_is_said_in_one_sentence(desk: Desk) -> None:
    """A wrong key loses no case: it is tried again until an operator has mended it, and nothing was charged meanwhile."""
    case, right = desk.take_up("short"), desk.payments.client
    desk.payments.client = right.__class__("nonsense", base_addresses={"api": desk.sandbox.address})
    with pytest.raises(ApplicationError) as refused:
        desk.attempt(case)
    assert not refused.value.non_retryable
    assert f"Stripe could not collect the invoice {case.invoice}" in str(refused.value)
    desk.payments.client = right
    assert desk.attempt(case, tries=2).state is AttemptState.PAID


def test_an_attempt_that_another_worker_settled_is_not_sent(desk: Desk) -> None:
    """Between the fresh read and the sending another worker may have settled the attempt: then nothing goes out."""
    case = desk.take_up("short")
    attempts, real = desk.ledger.attempts, desk.ledger.attempts.mark_sent

    def settled_meanwhile(attempt_id: int, at: datetime) -> AttemptRow:
        attempts.settle(
            attempt_id, AttemptResult(state=AttemptState.SKIPPED, because="settled elsewhere"), at
        )
        return real(attempt_id, at)

    attempts.mark_sent = settled_meanwhile  # type: ignore[method-assign]
    assert desk.attempt(case).state is AttemptState.SKIPPED
    assert desk.sandbox.pays(case.invoice) == []


def test_the_longest_way_through_an_attempt_is_known(desk: Desk) -> None:
    """The activity's time is measured in Stripe calls: refused, read again, found out and paid after all are the most."""
    case = desk.take_up("short")
    before = len(desk.sandbox.control("requests"))
    desk.sandbox.fault(fault="lose_answer", method="POST", path=PAY, count=3)
    desk.attempt(case, tries=9)
    first = len(desk.sandbox.control("requests")) - before
    desk.settle(case, 1)
    settled = len(desk.sandbox.control("requests")) - before - first
    retries = 2
    assert first - retries <= MOST_CALLS
    assert settled <= MOST_CALLS


def test_an_attempt_without_an_answer_is_not_sent_again_for_less(desk: Desk) -> None:
    """What is owed became less while an attempt had no answer: its key is not sent again, and a new attempt asks for the rest."""
    case = desk.take_up("short")
    desk.sandbox.fault(fault="refuse_connection", method="POST", path=PAY, count=3)
    assert desk.attempt(case, tries=9).state is AttemptState.UNKNOWN
    sent = len(desk.sandbox.pays(case.invoice))
    desk.stripe.v1.credit_notes.create({"invoice": case.invoice, "amount": 1900})
    assert desk.settle(case, 1).state is AttemptState.UNKNOWN
    desk.sandbox.pass_time(minutes=11)
    assert desk.settle(case, 1).state is AttemptState.SKIPPED
    assert len(desk.sandbox.pays(case.invoice)) == sent
    assert desk.attempt(case, request="r2").state is AttemptState.PAID
    assert desk.ledger.attempts.of_invoice(case.invoice)[-1].amount == 3000


def test_a_complaint_that_came_before_the_failure_was_told_is_heeded(desk: Desk) -> None:
    """Webhooks come in any order: a dispute told while the customer had no case yet ends the one that begins, and charges nothing."""
    now = desk.clock.now()
    customer, data = desk.customers["short"]["customer"], {"charge": "ch_1"}
    desk.ledger.events.append(DISPUTE_OPENED, now, customer=customer, data=data)
    invoice = desk.invoice("short")
    order = TakeUp(
        invoice=invoice, at=now, return_number=1, workflow_id=f"recovery/{invoice}", run_id="run-1"
    )
    taken = desk.run(desk.payments.take_up, order)
    assert (taken.outcome, taken.case is None) == (Outcome.CLOSED_DISPUTED, False)
    assert desk.attempt(taken.case).ended is Outcome.CLOSED_DISPUTED
    assert desk.sandbox.pays(invoice) == []


def test_a_complaint_of_long_ago_ends_no_case(desk: Desk) -> None:
    """A customer whose dispute is history is helped like everybody else."""
    long_ago = desk.clock.now() - timedelta(days=4)
    desk.ledger.events.append(DISPUTE_OPENED, long_ago, customer=desk.customers["short"]["customer"])
    assert desk.attempt(desk.take_up("short")).state is AttemptState.PAID


def test_what_is_not_wanted_any_more_is_not_sent_again(desk: Desk) -> None:
    """An attempt without an answer whose case has ended: its key is young and the invoice open, yet reading alone decides."""
    case = desk.take_up("short")
    desk.sandbox.fault(fault="refuse_connection", method="POST", path=PAY, count=3)
    assert desk.attempt(case, tries=9).state is AttemptState.UNKNOWN
    sent = len(desk.sandbox.pays(case.invoice))
    assert desk.settle(case, 1, only_read=True).state is AttemptState.UNKNOWN
    desk.sandbox.pass_time(minutes=11)
    assert desk.settle(case, 1, only_read=True).state is AttemptState.SKIPPED
    assert len(desk.sandbox.pays(case.invoice)) == sent
