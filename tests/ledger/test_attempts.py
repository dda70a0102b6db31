"""Attempts: one number for one charge, frozen parameters, one final result."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from recoup.ledger import AttemptCounts, AttemptResult, Ledger, NotInLedger, Verdict
from recoup.ledger.schema import attempts
from recoup.rules.case import AttemptState, Outcome, Trigger
from recoup.rules.declines import Decline, DeclineClass
from tests.ledger.builders import (
    NOW,
    YES,
    a_case,
    after,
    an_attempt,
    at_once,
    declined,
    kinds,
    paid,
    reserved,
)


def test_reservation_freezes_everything(ledger: Ledger) -> None:
    """The first attempt gets number 1, its key, and exactly the parameters it was asked with."""
    row = reserved(ledger)
    given = an_attempt().model_dump(exclude={"key_prefix"})
    assert row.model_dump(include=set(given)) == given
    assert (row.number, row.key, row.customer) == (1, "recoup/in_1/1", "cus_1")
    assert (row.state, row.reserved_at, row.sent_at) == (AttemptState.RESERVED, NOW, None)
    assert (
        ledger.attempts.get(row.id)
        == ledger.attempts.latest("in_1")
        == ledger.attempts.unsettled("in_1")
        == row
    )
    assert kinds(ledger) == ["case_opened", "attempt_reserved"]


def test_same_request_is_the_same_attempt(ledger: Ledger) -> None:
    """A retried reservation gets its row back unchanged, whatever it asks for now, settled or not."""
    row = reserved(ledger)
    changed = an_attempt(amount=9900, payment_method="pm_2")
    assert ledger.attempts.reserve(changed, after(hours=1)).attempt == row
    settled = ledger.attempts.settle(row.id, declined(), after(hours=1))
    answer = ledger.attempts.reserve(changed, after(hours=2))
    assert answer.existing
    assert answer.attempt == settled
    assert len(ledger.attempts.of_invoice("in_1")) == 1


@pytest.mark.parametrize("state", ["reserved", "sent", "unknown", "pending"])
def test_unsettled_attempt_stands_in_the_way_of_a_second(ledger: Ledger, state: str) -> None:
    """While an attempt may still charge, another request gets that one and the guard is not even asked."""
    row = reserved(ledger)
    if state != "reserved":
        getattr(ledger.attempts, f"mark_{state}")(row.id, after(minutes=1))

    def never(counts: AttemptCounts) -> Verdict:
        raise AssertionError("the guard must not be asked")

    answer = ledger.attempts.reserve(an_attempt(request="another"), after(days=30), never)
    assert answer.existing
    assert answer.attempt is not None
    assert answer.attempt.id == row.id
    assert answer.attempt.state == state
    assert len(ledger.attempts.of_invoice("in_1")) == 1


def test_database_itself_refuses_a_second_unsettled_attempt(ledger: Ledger) -> None:
    """Whatever the code above does, two unsettled attempts of one invoice cannot be stored."""
    row = reserved(ledger)
    values = row.model_dump(mode="json", exclude={"id"}) | {
        "number": 2,
        "key": "recoup/in_1/2",
        "request": "another",
        "reserved_at": NOW,
        "counted_at": NOW,
        "sent_at": None,
        "settled_at": None,
    }
    with pytest.raises(IntegrityError), ledger._store.engine.begin() as connection:
        connection.execute(sa.insert(attempts).values(**values))
    assert ledger.attempts.of_invoice("in_1") == [row]


def test_invoice_that_was_paid_gets_no_further_attempt(ledger: Ledger) -> None:
    """After a paid attempt any further request, of a restarted case too, gets the paid one back."""
    row = reserved(ledger)
    won = ledger.attempts.settle(row.id, paid(), after(minutes=1))
    answer = ledger.attempts.reserve(an_attempt(request="another"), after(days=1))
    assert answer.existing
    assert answer.attempt == won


def test_next_attempt_gets_the_next_number(ledger: Ledger) -> None:
    """After a refusal or a skipped attempt the next number is given, also to a return of the same invoice."""
    first = reserved(ledger)
    ledger.attempts.settle(first.id, declined(), after(minutes=1))
    second = reserved(ledger, after(days=1), request="r2")
    ledger.attempts.settle(
        second.id, AttemptResult(state=AttemptState.SKIPPED, because="paid outside"), after(days=1)
    )
    ledger.cases.close("in_1", Outcome.LOST_SUSPENDED, "never paid", after(days=21))
    third = reserved(ledger, after(days=30), case_id="in_1/r2", request="r3", trigger=Trigger.CARD_UPDATE)
    assert [row.key for row in ledger.attempts.of_invoice("in_1")] == [f"recoup/in_1/{n}" for n in (1, 2, 3)]
    assert ledger.attempts.latest("in_1") == third


def test_closed_case_charges_nothing(ledger: Ledger) -> None:
    """A reservation for a case that has ended is refused and says how it ended."""
    ledger.cases.open(a_case(), NOW)
    ledger.cases.close("in_1", Outcome.LOST_CANCELLED, "cancelled", NOW)
    answer = ledger.attempts.reserve(an_attempt(), after(minutes=1), lambda _: YES)
    assert answer.attempt is None
    assert answer.refused is not None
    assert "lost_cancelled" in answer.refused.because
    assert ledger.attempts.of_invoice("in_1") == []


def test_refusal_of_the_guard_leaves_an_event_and_no_attempt(ledger: Ledger) -> None:
    """A no of the guard is handed on with its next moment and recorded; a yes later reserves number 1."""
    ledger.cases.open(a_case(), NOW)
    no = Verdict(allowed=False, because="Mastercard: 10 in 24 h", not_before=after(hours=3))
    answer = ledger.attempts.reserve(an_attempt(), NOW, lambda _: no)
    assert (answer.refused, answer.attempt, answer.existing) == (no, None, False)
    ledger.attempts.reserve(an_attempt(), NOW, lambda _: no)
    refusal = ledger.events.of_case("in_1")[-1]
    assert refusal.kind == "attempt_refused"
    assert refusal.data["because"] == "Mastercard: 10 in 24 h"
    assert refusal.data["not_before"] == "2026-11-22T12:00:00Z"
    assert kinds(ledger) == ["case_opened", "attempt_refused"]
    assert ledger.attempts.of_invoice("in_1") == []
    answer = ledger.attempts.reserve(an_attempt(), after(hours=3), lambda _: YES)
    assert answer.attempt is not None
    assert answer.attempt.number == 1


def test_guard_that_fails_reserves_nothing(ledger: Ledger) -> None:
    """An error inside the guard undoes the whole reservation and comes out as it is."""
    ledger.cases.open(a_case(), NOW)

    def broken(counts: AttemptCounts) -> Verdict:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ledger.attempts.reserve(an_attempt(), NOW, broken)
    assert ledger.attempts.of_invoice("in_1") == []
    assert kinds(ledger) == ["case_opened"]


def test_case_of_another_invoice_is_refused(ledger: Ledger) -> None:
    """An attempt names the case of its own invoice, or nothing is written."""
    ledger.cases.open(a_case(), NOW)
    with pytest.raises(ValueError, match="in_2"):
        ledger.attempts.reserve(an_attempt("in_2", case_id="in_1"), NOW)
    with pytest.raises(NotInLedger):
        ledger.attempts.reserve(an_attempt("in_3"), NOW)
    assert ledger.attempts.list_unsettled(after(days=1)) == []


def test_first_sending_is_kept(ledger: Ledger) -> None:
    """The key's age counts from the first time Stripe was asked, however often it is asked."""
    row = reserved(ledger)
    sent = ledger.attempts.mark_sent(row.id, after(seconds=1))
    assert (sent.state, sent.sent_at) == (AttemptState.SENT, after(seconds=1))
    assert ledger.attempts.mark_sent(row.id, after(hours=5)) == sent
    unknown = ledger.attempts.mark_unknown(row.id, after(hours=6), "no answer in 60 s")
    assert (unknown.state, unknown.sent_at, unknown.because) == (
        "unknown",
        after(seconds=1),
        "no answer in 60 s",
    )
    assert ledger.attempts.mark_sent(row.id, after(hours=7)) == unknown
    assert kinds(ledger) == ["case_opened", "attempt_reserved", "attempt_sent", "attempt_unknown"]


def test_accepted_attempt_does_not_become_unknown_again(ledger: Ledger) -> None:
    """An unknown attempt can turn out to be pending; a pending one is not unknown any more."""
    row = reserved(ledger)
    ledger.attempts.mark_unknown(row.id, after(minutes=1))
    pending = ledger.attempts.mark_pending(row.id, after(minutes=2), charge="py_1", payment_intent="pi_1")
    assert (pending.state, pending.charge, pending.payment_intent) == ("pending", "py_1", "pi_1")
    assert ledger.attempts.mark_unknown(row.id, after(minutes=3)) == pending
    settled = ledger.attempts.settle(row.id, declined(None), after(days=4))
    assert (settled.state, settled.charge) == (AttemptState.DECLINED, "py_1")


def test_settled_attempt_never_changes(ledger: Ledger) -> None:
    """The first result stands; the same again is nothing, another one is recorded once as a conflict."""
    row = reserved(ledger)
    result = declined(decline_class=DeclineClass.SOFT, payment_intent="pi_1", because="insufficient funds")
    settled = ledger.attempts.settle(row.id, result, after(minutes=1))
    assert settled.decline == Decline(code="insufficient_funds", brand="visa")
    assert (settled.decline_class, settled.settled_at) == (DeclineClass.SOFT, after(minutes=1))
    assert ledger.attempts.unsettled("in_1") is None
    again = ledger.attempts.settle(row.id, result, after(minutes=2))
    other = ledger.attempts.settle(row.id, paid(), after(minutes=3))
    ledger.attempts.settle(row.id, paid(), after(minutes=4))
    assert again == other == settled == ledger.attempts.get(row.id)
    for change in (ledger.attempts.mark_sent, ledger.attempts.mark_unknown, ledger.attempts.mark_pending):
        assert change(row.id, after(minutes=5)) == settled
    assert kinds(ledger) == ["case_opened", "attempt_reserved", "attempt_declined", "settle_conflict"]
    assert ledger.events.of_case("in_1")[-1].data["state"] == "paid"


@pytest.mark.parametrize("state", ["reserved", "sent", "pending", "unknown"])
def test_only_a_final_state_settles(state: str) -> None:
    """A result that is not final cannot be written as one."""
    with pytest.raises(ValueError, match="settled as paid, declined or skipped"):
        AttemptResult(state=AttemptState(state))


def test_sweep_finds_what_has_no_result(ledger: Ledger) -> None:
    """Attempts without a result older than a moment are listed page by page, settled and younger ones are not."""
    for number in (4, 3, 2, 1):
        reserved(ledger, after(hours=-number), invoice=f"in_{number}", request=str(number))
    done = ledger.attempts.unsettled("in_3")
    assert done is not None
    ledger.attempts.settle(done.id, declined(), NOW)
    found = ledger.attempts.list_unsettled(after(hours=-1))
    assert [row.invoice for row in found] == ["in_4", "in_2"]
    assert ledger.attempts.list_unsettled(after(hours=-1), limit=1) == found[:1]
    assert ledger.attempts.list_unsettled(after(hours=-1), after=found[0].id) == found[1:]


def test_only_a_merely_reserved_attempt_is_withdrawn(ledger: Ledger) -> None:
    """Who wakes up after his attempt was withdrawn is told so and sends nothing; what may have been sent is left alone."""
    sleeper, sent = (reserved(ledger, invoice=f"in_{n}", request=str(n)) for n in (1, 2))
    ledger.attempts.mark_sent(sent.id, NOW)
    withdrawn = ledger.attempts.withdraw(sleeper.id, "Stripe was never asked", after(hours=1))
    assert withdrawn.state is AttemptState.SKIPPED
    assert ledger.attempts.mark_sent(sleeper.id, after(hours=2)) == withdrawn
    assert (
        ledger.attempts.withdraw(sent.id, "Stripe was never asked", after(hours=1)).state is AttemptState.SENT
    )


def test_eight_reservations_at_once_make_one_attempt(ledger: Ledger) -> None:
    """Of eight different requests for one invoice at the same time one reserves, the others get that one."""
    ledger.cases.open(a_case(), NOW)
    answers = at_once(8, lambda n: ledger.attempts.reserve(an_attempt(request=f"r{n}"), NOW, lambda _: YES))
    assert sum(not answer.existing for answer in answers) == 1
    assert {answer.attempt.id for answer in answers if answer.attempt} == {
        ledger.attempts.of_invoice("in_1")[0].id
    }
    assert len(ledger.attempts.of_invoice("in_1")) == 1
    assert kinds(ledger) == ["case_opened", "attempt_reserved"]


def test_closing_and_reserving_at_once_never_charge_a_closed_case(ledger: Ledger) -> None:
    """Where closing and reserving meet, an attempt exists only if it was reserved before the case closed."""
    for number in range(10):
        invoice = f"in_{number}"
        ledger.cases.open(a_case(invoice), NOW)

        def act(index: int, invoice: str = invoice) -> None:
            if index:
                ledger.cases.close(invoice, Outcome.LOST_CANCELLED, "cancelled", NOW)
            else:
                ledger.attempts.reserve(an_attempt(invoice, invoice), NOW)

        at_once(2, act)
        order = [event.kind for event in ledger.events.of_case(invoice)][1:]
        assert order in (["attempt_reserved", "case_closed"], ["case_closed", "attempt_refused"])


@pytest.mark.parametrize("limit", [1, 5])
def test_guard_is_not_overshot_by_one(ledger: Ledger, limit: int) -> None:
    """Eight attempts at once on one card, each of its own invoice and customer, stop exactly at the guard's limit."""
    for number in range(8):
        ledger.cases.open(a_case(f"in_{number}", customer=f"cus_{number}"), NOW)

    def guard(counts: AttemptCounts) -> Verdict:
        time.sleep(0.01)
        return Verdict(allowed=counts.in_24h < limit, because=f"{counts.in_24h} in 24 h")

    answers = at_once(8, lambda n: ledger.attempts.reserve(an_attempt(f"in_{n}", f"r{n}"), NOW, guard))
    assert sum(answer.attempt is not None for answer in answers) == limit
    assert kinds(ledger).count("attempt_refused") == 8 - limit


def test_reservation_computes_less_than_four_times_what_opening_a_case_does(tmp_path: Path) -> None:
    """On SQLite the median reservation, count of the card included, stays under four times the opening of its case.

    Computing, not waiting, and a ratio within one run: how fast and how busy the machine is are not the ledger's.
    """
    ledger = Ledger.connect(f"sqlite:///{tmp_path}/ledger.db")
    ledger.migrate()
    openings, reservations = [], []
    for number in range(100):
        began = time.thread_time()
        ledger.cases.open(a_case(f"in_{number}"), NOW)
        opened = time.thread_time()
        ledger.attempts.reserve(an_attempt(f"in_{number}", f"r{number}"), NOW, lambda _: YES)
        openings.append(opened - began)
        reservations.append(time.thread_time() - opened)
    ledger.close()
    assert median(reservations) < 4 * median(openings)
