"""The customer cancels or disputes between our last read and our charge: the payment is noticed, and given back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from activities.complaints import DISPUTE_OPENED
from activities.contracts import AttemptReport
from recoup.ledger import EventRow
from recoup.rules import fold
from recoup.rules.case import AttemptState, Case, Outcome, Trigger
from recoup.rules.policy import RacedPayments
from tests.activities.conftest import Desk


def _attempt(desk: Desk, case: Case, between: Callable[[], object]) -> AttemptReport:
    """An attempt during which something happens after the last read and before the charge."""
    mark_sent = desk.ledger.attempts.mark_sent

    def sent(*arguments: object) -> object:
        between()
        return mark_sent(*arguments)  # type: ignore[arg-type]

    desk.ledger.attempts.mark_sent = sent  # type: ignore[assignment, method-assign]
    try:
        return desk.attempt(case)
    finally:
        desk.ledger.attempts.mark_sent = mark_sent  # type: ignore[method-assign]


def _cancel(desk: Desk, case: Case) -> Callable[[], object]:
    return lambda: desk.stripe.v1.subscriptions.cancel(str(case.subscription))


def _complain(desk: Desk, case: Case) -> Callable[[], object]:
    return lambda: desk.ledger.events.append(DISPUTE_OPENED, desk.clock.now(), customer=case.customer)


def _flags(desk: Desk, case: Case) -> list[EventRow]:
    return [each for each in desk.ledger.events.of_case(case.id) if each.kind == "unwanted_payment"]


@pytest.mark.parametrize(
    ("happens", "outcome"),
    [(_cancel, Outcome.LOST_CANCELLED), (_complain, Outcome.CLOSED_DISPUTED)],
    ids=["cancelled", "disputed"],
)
def test_a_payment_that_nobody_wanted_any_more_is_given_back(
    desk: Desk, happens: Callable[[Desk, Case], Callable[[], object]], outcome: Outcome
) -> None:
    """It is refunded once, the ledger says so, and the case ends as what the customer did, not as recovered."""
    case = desk.take_up("short")
    report = _attempt(desk, case, happens(desk, case))
    assert (report.state, report.ended) == (AttemptState.PAID, outcome)
    book = desk.sandbox.books(case.invoice)
    assert (len(book["successful_charges"]), [each["amount"] for each in book["refunds"]]) == (1, [4900])
    (flag,) = _flags(desk, case)
    assert flag.data["refunded"] is True
    over = fold.attempt_folded(
        fold.attempt_begun(case), Trigger.SCHEDULE, report.state, number=report.number, at=report.at,
        because=report.because, ended_as=report.ended,
    )  # fmt: skip
    assert (over.outcome, over.attempts_made) == (outcome, 1)
    again = desk.attempt(case, tries=2)
    assert (again.state, again.ended) == (AttemptState.PAID, outcome)
    assert len(desk.sandbox.books(case.invoice)["refunds"]) == len(_flags(desk, case)) == 1


def test_a_policy_can_leave_it_to_a_person(desk: Desk) -> None:
    """With ``raced_payments: flag`` nothing is given back by itself, the case has recovered, and the ledger has the flag."""
    loaded = desk.payments.policy
    flagging = loaded.policy.model_copy(update={"raced_payments": RacedPayments.FLAG})
    desk.payments.policy = loaded.model_copy(update={"policy": flagging})
    case = desk.take_up("short")
    report = _attempt(desk, case, _cancel(desk, case))
    assert (report.state, report.ended) == (AttemptState.PAID, None)
    assert desk.sandbox.books(case.invoice)["refunds"] == []
    (flag,) = _flags(desk, case)
    assert flag.data["refunded"] is False


def test_a_customer_who_cancels_after_having_paid_keeps_what_was_paid_for(desk: Desk) -> None:
    """A cancellation a moment after the charge is no race: nothing is flagged and nothing given back."""
    case = desk.take_up("short")
    assert desk.attempt(case).ended is None
    desk.sandbox.pass_time(minutes=1)
    desk.stripe.v1.subscriptions.cancel(str(case.subscription))
    assert desk.attempt(case, tries=2).ended is None
    assert (_flags(desk, case), desk.sandbox.books(case.invoice)["refunds"]) == ([], [])
