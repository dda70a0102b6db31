"""A part of the invoice is paid apart from it, at every moment around ours: what we take is what is owed then, never more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from activities._own_payment import latest_payment
from activities._waits import MOST_CALLS
from recoup.ledger import AttemptRow, ReserveAttempt
from recoup.rules.case import AttemptState, Case, Outcome, Trigger
from tests.activities.conftest import Desk

PAY = "/v1/invoices/*/pay"
PART = 1900


def pays_apart(desk: Desk, case: Case, method: str | None = None, amount: int = PART) -> None:
    """The customer pays a part of the invoice, with another card unless one is named."""
    api = desk.sandbox.client().v1
    card = method or api.payment_methods.attach("pm_card_mastercard", {"customer": case.customer}).id
    wanted = {"customer": case.customer, "amount": amount, "currency": case.due.currency, "confirm": True}
    part = api.payment_intents.create({**wanted, "payment_method": card})
    api.invoices.attach_payment(case.invoice, {"payment_intent": part.id})


def meanwhile(desk: Desk, step: str, act: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have something happen right after a step of the ledger."""
    original = getattr(desk.ledger.attempts, step)

    def then(*arguments: Any, **named: Any) -> Any:
        result = original(*arguments, **named)
        act()
        return result

    monkeypatch.setattr(desk.ledger.attempts, step, then)


def taken(desk: Desk, case: Case) -> list[int]:
    """What Stripe has taken for the invoice, charge by charge, the smallest first."""
    charges = desk.stripe.v1.charges.list({"customer": case.customer}).data
    return sorted(charge.amount for charge in charges if charge.status == "succeeded")


def assert_nothing_to_mend(desk: Desk, case: Case) -> None:
    """Nobody was charged twice, and nothing was given back as if somebody had been."""
    book = desk.sandbox.books(case.invoice)
    assert (book["status"], book["amount_paid"], book["refunds"]) == ("paid", case.due.amount, [])
    assert [each for each in desk.ledger.events.of_case(case.id) if each.kind == "double_payment"] == []


@pytest.mark.parametrize("same_card", [True, False])
def test_before_the_attempt(desk: Desk, same_card: bool) -> None:
    """A part that was paid between the failure and the retry, with the same card or another, is not asked for again."""
    case = desk.take_up("short")
    pays_apart(desk, case, desk.customers["short"]["payment_method"] if same_card else None)
    assert desk.attempt(case).state is AttemptState.PAID
    (row,) = desk.ledger.attempts.of_invoice(case.invoice)
    assert (row.amount, taken(desk, case)) == (case.due.amount - PART, [PART, case.due.amount - PART])
    assert desk.stripe.v1.charges.retrieve(str(row.charge)).amount == row.amount
    assert_nothing_to_mend(desk, case)


def test_between_the_reservation_and_the_charge(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that is paid after the attempt was reserved has it withdrawn; the next one asks for the rest."""
    case = desk.take_up("short")
    with monkeypatch.context() as patch:
        meanwhile(desk, "reserve", lambda: pays_apart(desk, case), patch)
        report = desk.attempt(case)
    assert (report.state, desk.sandbox.pays(case.invoice)) == (AttemptState.SKIPPED, [])
    assert "changed" in report.because
    assert desk.attempt(case, "r2").state is AttemptState.PAID
    assert taken(desk, case) == [PART, case.due.amount - PART]
    assert_nothing_to_mend(desk, case)


def test_between_the_last_look_and_the_charge(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that is paid when our request is on its way already: Stripe takes what remains, and that is no double payment."""
    case = desk.take_up("short")
    with monkeypatch.context() as patch:
        meanwhile(desk, "mark_sent", lambda: pays_apart(desk, case), patch)
        assert desk.attempt(case).state is AttemptState.PAID
    assert taken(desk, case) == [PART, case.due.amount - PART]
    assert_nothing_to_mend(desk, case)


def test_after_a_refusal_whose_answer_was_lost(desk: Desk) -> None:
    """Our refused charge is found behind the customer's newer one, and is not sent again."""
    case = desk.take_up("empty")
    desk.sandbox.fault(fault="lose_answer", method="POST", path=PAY, count=3)
    assert desk.attempt(case, tries=9).state is AttemptState.UNKNOWN
    sent = len(desk.sandbox.pays(case.invoice))
    desk.sandbox.pass_time(minutes=1)
    pays_apart(desk, case)
    report = desk.settle(case, 1)
    assert (report.state, len(desk.sandbox.pays(case.invoice))) == (AttemptState.DECLINED, sent)
    assert desk.ledger.attempts.of_invoice(case.invoice)[0].charge is not None


def test_all_in_parts_while_ours_never_arrived(desk: Desk) -> None:
    """The customer pays all of it in two parts with the card that ours was for: the recovery is theirs, not ours."""
    case = desk.take_up("short")
    desk.sandbox.fault(fault="refuse_connection", method="POST", path=PAY, count=3)
    assert desk.attempt(case, tries=9).state is AttemptState.UNKNOWN
    method = desk.customers["short"]["payment_method"]
    for part in (PART, case.due.amount - PART):
        pays_apart(desk, case, method, part)
    report = desk.settle(case, 1)
    assert (report.state, report.ended) == (AttemptState.SKIPPED, Outcome.RECOVERED_BY_CUSTOMER)
    assert_nothing_to_mend(desk, case)


def test_many_parts_do_not_make_an_attempt_longer_than_its_time(desk: Desk) -> None:
    """Each payment has its charges to be read before an attempt; however many there are, the calls stay within the limit."""
    case = desk.take_up("short")
    for _ in range(9):
        pays_apart(desk, case, amount=100)
    before = len(desk.sandbox.control("requests"))
    assert desk.attempt(case).state is AttemptState.PAID
    assert len(desk.sandbox.control("requests")) - before <= MOST_CALLS
    assert_nothing_to_mend(desk, case)


@pytest.mark.parametrize("newest_first", [True, False])
def test_our_payment_is_told_from_a_part_in_the_answer(newest_first: bool) -> None:
    """A bank asks for authentication of what remains: that a part has been paid apart says nothing about it, in whatever order."""
    asked = {"id": "pi_1", "status": "requires_action", "latest_charge": "ch_1"}
    part = {"id": "pi_2", "status": "succeeded", "latest_charge": "ch_2"}
    listed = [
        {"is_default": True, "payment": {"payment_intent": asked}},
        {"is_default": False, "payment": {"payment_intent": part}},
    ]
    answer = {"payments": {"data": listed[::-1] if newest_first else listed}}
    assert latest_payment(answer) == ("ch_1", "pi_1", "requires_action")


def reserved(desk: Desk, case: Case, **differs: Any) -> AttemptRow:
    """An attempt that was reserved when the invoice asked for something else."""
    asked = {"amount": case.due.amount, "currency": case.due.currency, **differs}
    (seen,) = desk.stripe.v1.charges.list({"customer": case.customer}).data
    reservation = desk.ledger.attempts.reserve(
        ReserveAttempt(
            invoice=case.invoice,
            case_id=case.id,
            request="r1",
            trigger=Trigger.SCHEDULE,
            payment_method=desk.customers["short"]["payment_method"],
            latest_charge=seen.id,
            **asked,
        ),
        desk.clock.now(),
    )
    assert reservation.attempt is not None
    return reservation.attempt


OTHER_DEBTS = [{"currency": "eur"}, {"amount": 4901}, {"amount": 4899}, {"amount": 490000, "currency": "jpy"}]


@pytest.mark.parametrize("differs", OTHER_DEBTS)
def test_a_reservation_for_another_debt_is_never_sent(desk: Desk, differs: dict[str, Any]) -> None:
    """An attempt in another currency, or over another amount, than the invoice shows now is given up unsent."""
    case = desk.take_up("short")
    reserved(desk, case, **differs)
    assert desk.attempt(case).state is AttemptState.SKIPPED
    assert desk.sandbox.pays(case.invoice) == []


@pytest.mark.parametrize("differs", OTHER_DEBTS[:2])
def test_an_unknown_attempt_for_another_debt_is_never_sent_again(desk: Desk, differs: dict[str, Any]) -> None:
    """The same for one that may have been sent: nothing goes out, and reading settles it."""
    case = desk.take_up("short")
    row = reserved(desk, case, **differs)
    desk.ledger.attempts.mark_sent(row.id, desk.clock.now())
    assert desk.settle(case, 1).state is AttemptState.UNKNOWN
    desk.sandbox.pass_time(minutes=11)
    assert desk.settle(case, 1).state is AttemptState.SKIPPED
    assert desk.sandbox.pays(case.invoice) == []
