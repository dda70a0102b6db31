"""Cases: who may begin, where a case stands, and that its first outcome is its only one."""

from __future__ import annotations

from typing import Any

import pytest

from recoup.ledger import Ledger, NotInLedger
from recoup.rules.case import Outcome, Stage
from recoup.rules.declines import Decline, DeclineClass
from tests.ledger.builders import NOW, a_case, after, at_once, kinds

SUSPENDED = Outcome.LOST_SUSPENDED


def test_first_case_of_an_invoice_is_admitted_and_kept_whole(ledger: Ledger) -> None:
    """A new case gets a yes, its row holds what was given, and one event says so."""
    new = a_case(decline=Decline(code="expired_card"), decline_class=DeclineClass.ACTION)
    answer = ledger.cases.open(new, NOW)
    assert answer.admitted
    assert answer.case is not None
    given = new.model_dump()
    assert answer.case.model_dump(include=set(given)) == given
    assert answer.case.stage is Stage.OPEN
    assert answer.case.is_open
    assert ledger.cases.get("in_1") == answer.case
    assert kinds(ledger) == ["case_opened"]


def test_retried_opening_keeps_the_campaign_of_the_first_time(ledger: Ledger) -> None:
    """The same run asking again gets the same yes with the policy it began with, not a newer one."""
    first = ledger.cases.open(a_case(), NOW)
    again = ledger.cases.open(a_case(policy={"name": "newer"}, policy_version="v2"), after(hours=1))
    assert again.admitted
    assert again.case == first.case
    assert kinds(ledger) == ["case_opened"]


def test_retried_opening_of_a_closed_case_gets_the_same_yes(ledger: Ledger) -> None:
    """The same run is answered yes even after its case was closed, and sees the outcome."""
    ledger.cases.open(a_case(), NOW)
    ledger.cases.close("in_1", Outcome.RECOVERED_BY_RETRY, "paid", after(days=1))
    again = ledger.cases.open(a_case(), after(days=2))
    assert again.admitted
    assert again.case is not None
    assert again.case.outcome is Outcome.RECOVERED_BY_RETRY


def test_restarted_workflow_takes_its_open_case_over(ledger: Ledger) -> None:
    """Another run of the same workflow id goes on with the row and the campaign that are there."""
    ledger.cases.open(a_case(), NOW)
    answer = ledger.cases.open(a_case(run_id="run-2", policy={"name": "newer"}), after(days=1))
    assert answer.admitted
    assert answer.case == ledger.cases.get("in_1")
    assert answer.case is not None
    assert answer.case.run_id == "run-2"
    assert answer.case.policy == {"name": "everybody", "window_days": 14}
    assert kinds(ledger) == ["case_opened", "case_taken_over"]


def test_closed_invoice_gets_no_second_case(ledger: Ledger) -> None:
    """A failure told again after the end, by a new run of the workflow, starts nothing and changes nothing."""
    ledger.cases.open(a_case(), NOW)
    closed = ledger.cases.close("in_1", Outcome.RECOVERED_BY_RETRY, "paid", after(days=1))
    answer = ledger.cases.open(a_case(run_id="run-2"), after(days=40))
    assert not answer.admitted
    assert "recovered_by_retry" in answer.because
    assert answer.case == closed
    assert ledger.cases.by_invoice("in_1") == [closed]


def test_return_needs_a_suspension(ledger: Ledger) -> None:
    """A return is refused where no case is, where one is open, and where none ended suspended."""
    assert not ledger.cases.open(a_case("in_1/r2"), NOW).admitted
    ledger.cases.open(a_case(), NOW)
    assert not ledger.cases.open(a_case("in_1/r2"), after(days=1)).admitted
    ledger.cases.close("in_1", Outcome.LOST_CANCELLED, "cancelled", after(days=2))
    refused = ledger.cases.open(a_case("in_1/r2"), after(days=3))
    assert not refused.admitted
    assert "suspension" in refused.because
    assert [case.id for case in ledger.cases.by_invoice("in_1")] == ["in_1"]


def test_return_after_a_suspension_is_admitted_once(ledger: Ledger) -> None:
    """After a suspension one return begins; a second one waits for its end, and a recovered one ends the matter."""
    ledger.cases.open(a_case(), NOW)
    ledger.cases.close("in_1", SUSPENDED, "never paid", after(days=21))
    assert ledger.cases.open(a_case("in_1/r2"), after(days=30)).admitted
    assert not ledger.cases.open(a_case("in_1/r3"), after(days=31)).admitted
    ledger.cases.close("in_1/r2", SUSPENDED, "declined again", after(days=32))
    assert not ledger.cases.open(a_case("in_1/r2", run_id="run-2"), after(days=33)).admitted
    assert ledger.cases.open(a_case("in_1/r3"), after(days=33)).admitted
    ledger.cases.close("in_1/r3", Outcome.RECOVERED_BY_CARD_UPDATE, "paid", after(days=34))
    assert not ledger.cases.open(a_case("in_1/r4"), after(days=35)).admitted
    assert [case.id for case in ledger.cases.by_invoice("in_1")] == ["in_1", "in_1/r2", "in_1/r3"]


def test_plain_case_never_reopens_a_suspended_invoice(ledger: Ledger) -> None:
    """A case that is no return is refused after a suspension too."""
    ledger.cases.open(a_case(), NOW)
    ledger.cases.close("in_1", SUSPENDED, "never paid", after(days=21))
    assert not ledger.cases.open(a_case("in_1/x", is_return=False), after(days=22)).admitted


def test_suspended_of_customer_lists_only_what_can_come_back(ledger: Ledger) -> None:
    """A suspended invoice is listed until a return of it is open or has recovered, and once after it failed again."""
    ledger.cases.open(a_case(), NOW)
    assert ledger.cases.suspended_of_customer("cus_1") == []
    ledger.cases.close("in_1", SUSPENDED, "never paid", NOW)
    assert [case.id for case in ledger.cases.suspended_of_customer("cus_1")] == ["in_1"]
    ledger.cases.open(a_case("in_1/r2"), NOW)
    assert ledger.cases.suspended_of_customer("cus_1") == []
    ledger.cases.close("in_1/r2", SUSPENDED, "again", NOW)
    assert [case.id for case in ledger.cases.suspended_of_customer("cus_1")] == ["in_1/r2"]
    ledger.cases.open(a_case("in_1/r3"), NOW)
    ledger.cases.close("in_1/r3", Outcome.RECOVERED_BY_CUSTOMER, "paid", NOW)
    assert ledger.cases.suspended_of_customer("cus_1") == []


def test_stopped_return_leaves_the_way_back_open(ledger: Ledger) -> None:
    """A return that was stopped neither won nor lost: the suspension is still there to come back from."""
    ledger.cases.open(a_case(), NOW)
    ledger.cases.close("in_1", SUSPENDED, "never paid", NOW)
    ledger.cases.open(a_case("in_1/r2"), after(days=1))
    ledger.cases.close("in_1/r2", Outcome.CLOSED_STOPPED, "operator", after(days=2))
    assert [case.id for case in ledger.cases.suspended_of_customer("cus_1")] == ["in_1"]
    assert ledger.cases.open(a_case("in_1/r3"), after(days=3)).admitted


def test_first_outcome_stands(ledger: Ledger) -> None:
    """A different outcome later changes nothing and is recorded once as a conflict."""
    ledger.cases.open(a_case(), NOW)
    ledger.cases.note(
        "in_1", Stage.WAITING, NOW, next_kind="attempt", next_at=after(days=1), next_because="day 1"
    )
    closed = ledger.cases.close("in_1", Outcome.RECOVERED_BY_RETRY, "paid", after(days=1))
    assert closed.stage is Stage.RECOVERED
    assert closed.closed_at == after(days=1)
    assert (closed.next_kind, closed.next_at, closed.next_because) == (None, None, None)
    same = ledger.cases.close("in_1", Outcome.RECOVERED_BY_RETRY, "paid", after(days=2))
    other = ledger.cases.close("in_1", SUSPENDED, "never paid", after(days=2))
    ledger.cases.close("in_1", SUSPENDED, "never paid", after(days=3))
    assert same == other == closed == ledger.cases.get("in_1")
    assert kinds(ledger) == ["case_opened", "case_noted", "case_closed", "outcome_conflict"]


def test_note_says_where_the_case_stands(ledger: Ledger) -> None:
    """A note sets stage and next step, keeps an older decline, and says nothing twice."""
    ledger.cases.open(a_case(), NOW)
    decline = Decline(code="insufficient_funds")
    ledger.cases.note("in_1", Stage.RETRYING, NOW, decline=decline, decline_class=DeclineClass.SOFT)
    step: dict[str, Any] = {
        "next_kind": "attempt",
        "next_at": after(days=2),
        "next_because": "the bank asked for 24 h",
    }
    noted = ledger.cases.note("in_1", Stage.WAITING, after(hours=1), **step)
    again = ledger.cases.note("in_1", Stage.WAITING, after(hours=2), **step)
    assert noted == again == ledger.cases.get("in_1")
    assert noted.decline == decline
    assert noted.next_at == after(days=2)
    assert noted.updated_at == after(hours=1)
    assert kinds(ledger) == ["case_opened", "case_noted", "case_noted"]


def test_note_never_reopens(ledger: Ledger) -> None:
    """A late note leaves a closed case as it is, and no note can end a case."""
    ledger.cases.open(a_case(), NOW)
    closed = ledger.cases.close("in_1", Outcome.CLOSED_VOIDED, "voided", NOW)
    assert ledger.cases.note("in_1", Stage.WAITING, after(hours=1)) == closed
    with pytest.raises(ValueError, match="closing"):
        ledger.cases.note("in_1", Stage.RECOVERED, NOW)


def test_unknown_case_is_an_error(ledger: Ledger) -> None:
    """Writing about a case that is not there fails and writes nothing."""
    with pytest.raises(NotInLedger, match="in_404"):
        ledger.cases.close("in_404", Outcome.CLOSED_VOIDED, "voided", NOW)
    assert ledger.cases.get("in_404") is None
    assert kinds(ledger) == []


def test_open_cases_come_newest_invoice_first(ledger: Ledger) -> None:
    """Open cases of a customer and of a subscription are in the order in which they are collected."""
    for number, age in (("in_1", 40), ("in_2", 10), ("in_3", 70)):
        ledger.cases.open(a_case(number, failed_at=after(days=-age)), NOW)
    ledger.cases.open(a_case("in_4", customer="cus_2", subscription="sub_2"), after(hours=1))
    ledger.cases.open(a_case("in_5", failed_at=after(days=-1)), NOW)
    ledger.cases.close("in_5", Outcome.CLOSED_VOIDED, "voided", NOW)
    assert [case.id for case in ledger.cases.open_of_customer("cus_1")] == ["in_2", "in_1", "in_3"]
    assert [case.id for case in ledger.cases.open_of_subscription("sub_1")] == ["in_2", "in_1", "in_3"]
    assert [case.id for case in ledger.cases.list_open()] == ["in_4", "in_3", "in_2", "in_1"]
    assert [case.id for case in ledger.cases.list_all(limit=2, offset=1)] == ["in_5", "in_3"]


def test_eight_runs_at_once_make_one_case(ledger: Ledger) -> None:
    """Of eight workflows that want the same invoice at the same time exactly one is admitted."""
    answers = at_once(8, lambda n: ledger.cases.open(a_case(f"in_1/{n}", is_return=False), NOW))
    assert sum(answer.admitted for answer in answers) == 1
    assert len(ledger.cases.by_invoice("in_1")) == 1


def test_eight_outcomes_at_once_leave_one(ledger: Ledger) -> None:
    """Of eight different outcomes given at the same time one stands, all callers see it, the others are conflicts."""
    ledger.cases.open(a_case(), NOW)
    outcomes = list(Outcome)[:8]
    rows = at_once(8, lambda n: ledger.cases.close("in_1", outcomes[n], "at once", NOW))
    assert {row.outcome for row in rows} == {rows[0].outcome}
    assert kinds(ledger).count("case_closed") == 1
    assert kinds(ledger).count("outcome_conflict") == 7


def test_open_cases_come_page_by_page(ledger: Ledger) -> None:
    """Every open case is on exactly one page, also where one closes between two pages; closed ones are on none."""
    for number in range(5):
        ledger.cases.open(a_case(f"in_{number}"), NOW)
    ledger.cases.close("in_0", Outcome.CLOSED_VOIDED, "voided", NOW)
    first = ledger.cases.open_after("", 2)
    assert [case.id for case in first] == ["in_1", "in_2"]
    ledger.cases.close("in_2", Outcome.CLOSED_VOIDED, "voided", NOW)
    assert [case.id for case in ledger.cases.open_after("in_2", 2)] == ["in_3", "in_4"]
    assert ledger.cases.open_after("in_4", 2) == []


def test_which_invoices_have_a_case(ledger: Ledger) -> None:
    """Open and closed cases count; of no invoices none is known."""
    for number in range(2):
        ledger.cases.open(a_case(f"in_{number}"), NOW)
    ledger.cases.close("in_0", Outcome.CLOSED_VOIDED, "voided", NOW)
    assert ledger.cases.known(["in_0", "in_1", "in_2"]) == {"in_0", "in_1"}
    assert ledger.cases.known([]) == set()
