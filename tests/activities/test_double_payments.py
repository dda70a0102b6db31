"""The customer pays at the very moment of an attempt: both payments go through, which is noticed and mended."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from temporalio.exceptions import ApplicationError

from activities._double_payments import DoublePayments
from recoup.ledger import EventRow
from recoup.rules.case import AttemptState, Case
from recoup.rules.policy import RacedPayments
from tests.activities.conftest import Desk

THINKS = 0.8
"""Seconds that the bank thinks about a charge: long enough for another payment to begin meanwhile."""


@pytest.fixture
def unlocked(desk: Desk) -> Iterator[Desk]:
    """A Stripe that does not lock an invoice while it is being paid."""
    desk.sandbox.control("switches", {"invoice_lock": "off", "issuer_seconds": THINKS})
    yield desk
    desk.sandbox.control("switches", {"invoice_lock": "on", "issuer_seconds": 0})


def _race(desk: Desk, case: Case, *, outside: bool = False) -> AttemptState:
    """An attempt of ours that begins while the customer's own payment, or somebody's word of one outside, is under way."""
    stripe = desk.sandbox.client()
    attached = stripe.v1.payment_methods.attach("pm_card_visa", {"customer": case.customer})
    how = {"paid_out_of_band": True} if outside else {"payment_method": attached.id}

    def customer() -> None:
        stripe.v1.invoices.pay(case.invoice, how)

    mark_sent, other = desk.ledger.attempts.mark_sent, threading.Thread(target=customer)

    def sent_meanwhile(*arguments: object) -> object:
        other.start()
        time.sleep(THINKS / 4)
        return mark_sent(*arguments)  # type: ignore[arg-type]

    desk.ledger.attempts.mark_sent = sent_meanwhile  # type: ignore[assignment, method-assign]
    try:
        return desk.attempt(case).state
    finally:
        other.join()
        desk.ledger.attempts.mark_sent = mark_sent  # type: ignore[method-assign]


def _race_that_nobody_has_heard_of(desk: Desk, case: Case, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both payments go through, and our worker dies before it has looked; the customer's charge."""

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DoublePayments, "look", dies)
        with pytest.raises(KeyboardInterrupt):
            _race(desk, case)
    charges = desk.stripe.v1.charges.list({"customer": case.customer}).data
    used = desk.customers["short"]["payment_method"]
    return str(
        next(each.id for each in charges if each.status == "succeeded" and each.payment_method != used)
    )


def _flags(desk: Desk, case: Case) -> list[EventRow]:
    return [each for each in desk.ledger.events.of_case(case.id) if each.kind == "double_payment"]


def test_our_payment_is_given_back(unlocked: Desk) -> None:
    """Where both payments went through ours is refunded once, and the ledger says so."""
    case = unlocked.take_up("short")
    assert _race(unlocked, case) is AttemptState.PAID
    book = unlocked.sandbox.books(case.invoice)
    assert len(book["successful_charges"]) == 2
    assert [refund["amount"] for refund in book["refunds"]] == [4900]
    (flag,) = _flags(unlocked, case)
    assert flag.data["refunded"] is True
    assert flag.data["ours"] == unlocked.ledger.attempts.of_invoice(case.invoice)[0].charge


def test_a_policy_can_leave_it_to_a_person(unlocked: Desk) -> None:
    """With ``raced_payments: flag`` nothing is given back by itself, and the ledger says so."""
    loaded = unlocked.payments.policy
    flagging = loaded.policy.model_copy(update={"raced_payments": RacedPayments.FLAG})
    unlocked.payments.policy = loaded.model_copy(update={"policy": flagging})
    case = unlocked.take_up("short")
    _race(unlocked, case)
    assert unlocked.sandbox.books(case.invoice)["refunds"] == []
    (flag,) = _flags(unlocked, case)
    assert flag.data["refunded"] is False


def test_a_death_before_the_result_is_written_refunds_once(unlocked: Desk) -> None:
    """A worker that dies between the refund and the ledger leaves work that is done again without a second refund."""
    case = unlocked.take_up("short")
    settle = unlocked.ledger.attempts.settle
    unlocked.ledger.attempts.settle = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        _race(unlocked, case)
    unlocked.ledger.attempts.settle = settle  # type: ignore[method-assign]
    assert unlocked.attempt(case, tries=2).state is AttemptState.PAID
    assert len(unlocked.sandbox.books(case.invoice)["refunds"]) == 1
    assert len(_flags(unlocked, case)) == 1


def test_what_a_person_gave_back_is_not_given_back_again(
    unlocked: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person saw both payments first and refunded the customer's: ours is kept, or nothing would be paid."""
    case = unlocked.take_up("short")
    theirs = _race_that_nobody_has_heard_of(unlocked, case, monkeypatch)
    unlocked.stripe.v1.refunds.create({"charge": theirs})
    assert unlocked.attempt(case, tries=2).state is AttemptState.PAID
    assert len(unlocked.sandbox.books(case.invoice)["refunds"]) == 1
    assert _flags(unlocked, case) == []


def test_a_dispute_about_the_second_payment_leaves_nothing_in_limbo(
    unlocked: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The customer's bank takes our payment back before we could: Stripe refuses the refund, and the attempt is settled all the same."""
    case = unlocked.take_up("short")
    theirs = _race_that_nobody_has_heard_of(unlocked, case, monkeypatch)
    ours = next(id_ for id_ in unlocked.sandbox.books(case.invoice)["successful_charges"] if id_ != theirs)
    unlocked.sandbox.control("disputes", {"charge": ours})
    assert unlocked.attempt(case, tries=2).state is AttemptState.PAID
    assert len(_flags(unlocked, case)) == 1


@pytest.mark.parametrize("answer_lost", [False, True])
def test_what_was_paid_outside_at_the_same_moment_counts(
    unlocked: Desk, monkeypatch: pytest.MonkeyPatch, *, answer_lost: bool
) -> None:
    """A bank transfer is entered at Stripe while our charge is under way: that is paid twice too, and ours is given back."""
    case = unlocked.take_up("short")
    if answer_lost:
        unlocked.sandbox.fault(fault="lose_answer", method="POST", path="/v1/invoices/*/pay", nth=2, count=3)
        with pytest.raises(ApplicationError, match="no final answer"):
            _race(unlocked, case, outside=True)
        assert unlocked.attempt(case, tries=2).state is AttemptState.PAID
    else:
        assert _race(unlocked, case, outside=True) is AttemptState.PAID
    book = unlocked.sandbox.books(case.invoice)
    assert (book["paid_out_of_band"], len(book["successful_charges"])) == (True, 1)
    assert [refund["amount"] for refund in book["refunds"]] == [4900]
    assert len(_flags(unlocked, case)) == 1


def test_one_payment_is_no_double_payment(desk: Desk) -> None:
    """An ordinary success is not flagged, and nothing is given back."""
    case = desk.take_up("short")
    assert desk.attempt(case).state is AttemptState.PAID
    assert _flags(desk, case) == []
    assert desk.sandbox.books(case.invoice)["refunds"] == []
