"""The gate in front of every message: one conversation with a customer, however many workers speak, on either database."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from recoup.ledger import Gate, Ledger, SaidOf
from recoup.ledger._store import Transaction
from recoup.rules.base import days
from recoup.rules.case import MessageState, Template
from recoup.rules.contact import Budget, Hours
from recoup.rules.conversation import Answer, Said, Wish, may_tell
from tests.ledger.builders import NOW, a_case, a_message, after, at_once, kinds

WORKERS = 8
BUDGET = Budget(messages=2, days=7)


@pytest.fixture(autouse=True)
def _cases(ledger: Ledger) -> None:
    for number in range(WORKERS):
        ledger.cases.open(a_case(f"in_{number}"), NOW)


def a_gate(
    number: int,
    at: datetime = NOW,
    template: Template = Template.PAYMENT_FAILED,
    budget: Budget | None = None,
) -> Gate:
    """The gate of one case's message."""
    wish = Wish(
        key=f"in_{number}/{template}",
        name=template.value,
        invoice=f"in_{number}",
        customer="cus_1",
        template=template,
        channel="email",
    )
    hours = Hours(ZoneInfo("UTC"), budget=budget)
    return Gate(wish, at - days(7), lambda history: may_tell(wish, history, hours, at))


def begin(ledger: Ledger, gate: Gate, at: datetime = NOW, lists: int = 1) -> Answer | None:
    """Begin to send a message that lists its own invoice, or those of all cases."""
    key, case = gate.wish.key, gate.wish.invoice
    assert case is not None
    ledger.messages.reserve(a_message(key, case_id=case, template=gate.wish.template, channel="email"), at)
    invoices = [case] if lists == 1 else [f"in_{number}" for number in range(WORKERS)]
    return ledger.messages.begin_sending(key, at, [SaidOf(invoice=i, said=Said.OPEN) for i in invoices], gate)


def test_eight_cases_at_once_tell_a_customer_once(ledger: Ledger) -> None:
    """Each of eight messages lists everything: one goes out, the others wait for it, and then count as said by it, once each."""
    answers = at_once(WORKERS, lambda number: begin(ledger, a_gate(number), lists=WORKERS))
    assert sum(answer is not None and answer.is_yes for answer in answers) == 1
    assert sum(answer is not None and answer.not_before is not None for answer in answers) == WORKERS - 1
    (sent,) = (row for row in ledger.messages.of_customer("cus_1", NOW) if row.state is MessageState.SENDING)
    ledger.messages.mark_sent(sent.key, "ses-1", after(seconds=1))
    for _ in range(2):
        for number in range(WORKERS):
            if f"in_{number}" != sent.case_id:
                answer = ledger.messages.ask(a_gate(number, after(minutes=1)), after(minutes=1))
                assert answer.covered_by is not None
                assert answer.covered_by.message == sent.key
    assert kinds(ledger).count("message_covered") == WORKERS - 1


def test_eight_workers_never_overspend_the_budget(ledger: Ledger) -> None:
    """With room for two of eight messages that say different things, exactly two go out."""
    answers = at_once(WORKERS, lambda number: begin(ledger, a_gate(number, budget=BUDGET)))
    assert sum(answer is not None and answer.is_yes for answer in answers) == BUDGET.messages
    held = [answer for answer in answers if answer is not None and not answer.is_yes]
    assert {answer.not_before for answer in held} == {NOW + days(7)}


def test_on_postgresql_the_lock_is_what_holds_the_budget(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof bites: without the customer's lock more than two get through; SQLite has one writer at a time in any case."""
    if ledger._store.engine.dialect.name != "postgresql":
        pytest.skip("SQLite needs no lock")
    monkeypatch.setattr(Transaction, "lock", lambda self, names: None)

    def race(round_: int, template: Template) -> int:
        at = after(days=30 * round_)
        answers = at_once(WORKERS, lambda number: begin(ledger, a_gate(number, at, template, BUDGET), at))
        return sum(answer is not None and answer.is_yes for answer in answers)

    rounds = [race(*each) for each in enumerate((Template.REMINDER, Template.PAYMENT_FAILED))]
    assert max(rounds) > BUDGET.messages


def test_what_was_put_back_says_nothing(ledger: Ledger) -> None:
    """A message that the sender did not take covers nobody, and what it says is written anew when it is sent after all."""
    first, second = a_gate(0), a_gate(1)
    begin(ledger, first, lists=WORKERS)
    ledger.messages.release(first.wish.key, "throttled", NOW)
    assert ledger.messages.ask(second, NOW).is_yes
    answer = ledger.messages.begin_sending(
        first.wish.key, NOW, [SaidOf(invoice="in_0", said=Said.OPEN)], first
    )
    assert answer is not None
    assert answer.is_yes
    assert ledger.messages.said_of("in_1") == []
    (row,) = ledger.messages.said_of("in_0")
    assert row.stands_for == first.wish.key
