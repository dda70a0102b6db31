"""Several cases of one customer, and what each of them still has to say: over the real Stripe of the tests and the real ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from temporalio.exceptions import ApplicationError

from activities.contracts import CloseOrder, MessageReport, TakeUp
from recoup.ledger import Gate
from recoup.messages import CannotLookUp, SendRefused, SendUnavailable, SendUnclear
from recoup.rules.case import Case, MessageState, Outcome, Template
from recoup.rules.contact import Budget, ContactPolicy, QuietHours
from recoup.rules.conversation import YES, Said, Wish
from tests.activities.conftest import Desk
from tests.ledger.builders import at_once


@pytest.fixture
def pair(desk: Desk) -> tuple[Case, Case]:
    """Two cases of one customer: 49.00 USD and 29.00 EUR, failed in the same hour."""
    api, customer = desk.stripe.v1, desk.customers["empty"]["customer"]
    product = api.products.create({"name": "Second plan"})
    price: Any = {
        "product": product.id,
        "recurring": {"interval": "month"},
        "unit_amount": 4900,
        "currency": "usd",
    }
    trial_end = int(desk.clock.now().timestamp()) + 3600
    items: Any = [{"price_data": price}]
    api.subscriptions.create({"customer": customer, "items": items, "trial_end": trial_end})
    desk.sandbox.pass_time(hours=2)
    found = api.invoices.list({"customer": customer, "status": "open"}).data
    first, second = (_taken_up(desk, str(invoice.id)) for invoice in found)
    return first, second


def _taken_up(desk: Desk, invoice: str) -> Case:
    order = TakeUp(
        invoice=invoice,
        at=desk.clock.now(),
        return_number=1,
        workflow_id=f"recovery/{invoice}",
        run_id="run-1",
    )
    case: Case = desk.run(desk.payments.take_up, order).case
    return case


def _send(desk: Desk, case: Case, template: Template = Template.PAYMENT_FAILED, **more: Any) -> MessageReport:
    order = desk.message(case, template).model_copy(update=more)
    report: MessageReport = desk.run(desk.messages.send, order)
    return report


def test_a_message_lists_everything_with_one_link_and_a_total_for_each_currency(
    desk: Desk, pair: tuple[Case, Case]
) -> None:
    """The first case's message names both invoices, both amounts and both totals, and one update link."""
    assert _send(desk, pair[0]).state is MessageState.SENT
    (mail,) = desk.outbox.list()
    text = desk.outbox.text(mail.id) or ""
    numbers = [str(desk.stripe.v1.invoices.retrieve(case.invoice).number) for case in pair]
    assert all(number in text for number in numbers)
    assert "Total: " in text
    assert "$49.00" in text
    assert "€29.00" in text
    assert text.count("http://127.0.0.1/u/") == 1


def test_what_was_said_already_is_not_said_again(desk: Desk, pair: tuple[Case, Case]) -> None:
    """The second case's first message is the first one's, asked for as often as one likes; nothing more goes out."""
    first = _send(desk, pair[0])
    for _ in range(2):
        second = _send(desk, pair[1])
        assert (second.state, second.covered_by) == (MessageState.SENT, f"{pair[0].id}/payment_failed")
        assert second.said_at is not None
        assert second.said_at <= first.at
    assert len(desk.outbox.list()) == 1
    kinds = [event.kind for event in desk.ledger.events.of_customer(pair[0].customer)]
    assert kinds.count("message_covered") == 1


def test_one_message_stands_for_one_of_a_case(desk: Desk, pair: tuple[Case, Case]) -> None:
    """What stood for the second case's first message does not stand for its reminder of the same day as well."""
    _send(desk, pair[0])
    _send(desk, pair[1])
    reminder = _send(desk, pair[1], Template.REMINDER, key="reminder")
    assert reminder.covered_by is None
    assert _send(desk, pair[0], Template.REMINDER, key="reminder").covered_by == f"{pair[1].id}/reminder"
    assert len(desk.outbox.list()) == 2


def test_what_did_not_arrive_was_not_said(desk: Desk, pair: tuple[Case, Case]) -> None:
    """A message that was refused for good covers nobody: the second case says it itself."""
    real = desk.messages.sender.send

    def refused(*_: object, **__: object) -> None:
        raise SendRefused("the server knows no such mailbox")

    desk.messages.sender.send = refused  # type: ignore[method-assign,assignment]
    assert _send(desk, pair[0]).state is MessageState.FAILED
    desk.messages.sender.send = real  # type: ignore[method-assign]
    second = _send(desk, pair[1])
    assert (second.state, second.covered_by) == (MessageState.SENT, None)


def test_two_workers_tell_a_customer_once(desk: Desk, pair: tuple[Case, Case]) -> None:
    """Both cases speak in the same instant: one message goes out, the other case waits a moment and then counts as told."""
    reports = at_once(2, lambda number: _send(desk, pair[number]))
    assert len(desk.outbox.list()) == 1
    left = [case for case, report in zip(pair, reports, strict=True) if report.not_before is not None]
    for case in left:
        assert _send(desk, case).covered_by is not None
    assert len(desk.outbox.list()) == 1


def test_without_the_gate_a_customer_is_told_twice(
    desk: Desk, pair: tuple[Case, Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof bites: with the gate taken out each case sends its own."""

    def gateless(wish: Wish, *_: object) -> Gate:
        return Gate(wish, desk.clock.now(), lambda _: YES)

    monkeypatch.setattr("activities.messages.gate_for", gateless)
    for case in pair:
        _send(desk, case)
    assert len(desk.outbox.list()) == 2


def test_a_message_whose_sender_died_is_looked_up_by_the_other_case(
    desk: Desk, pair: tuple[Case, Case]
) -> None:
    """Being sent when its worker died: the other case waits, and after ten minutes finds out that it never went out, and says it."""

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    real = desk.messages.sender.send
    desk.messages.sender.send = dies  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        _send(desk, pair[0])
    desk.messages.sender.send = real  # type: ignore[method-assign]
    waiting = _send(desk, pair[1])
    assert waiting.not_before is not None
    assert "is being sent" in waiting.because
    desk.sandbox.pass_time(minutes=11)
    assert _send(desk, pair[1]).covered_by is None
    assert len(desk.outbox.list()) == 1
    assert _send(desk, pair[0]).covered_by == f"{pair[1].id}/payment_failed"
    assert len(desk.outbox.list()) == 1


def test_an_unclear_last_notice_is_unclear_for_all_it_names(desk: Desk, pair: tuple[Case, Case]) -> None:
    """Named with its own day in another's last notice that nobody can confirm, a case is as unsure as that one; its second is sent."""
    desk.sandbox.pass_time(days=18)

    def unclear(*_: object, **__: object) -> None:
        raise SendUnclear("no answer")

    def cannot(*_: object) -> None:
        raise CannotLookUp("nobody can")

    real, end = desk.messages.sender.send, desk.clock.now() + timedelta(days=3)
    desk.messages.sender.send = unclear  # type: ignore[method-assign,assignment]
    notice = {"key": "last_notice", "suspend_at": end, "must_arrive": True}
    assert _send(desk, pair[0], Template.LAST_NOTICE, **notice).state is MessageState.UNKNOWN
    second = _send(desk, pair[1], Template.LAST_NOTICE, **notice)
    assert (second.state, second.covered_by) == (MessageState.UNKNOWN, f"{pair[0].id}/last_notice")
    (row,) = desk.ledger.messages.said_of(pair[1].invoice)
    assert row.said is Said.NOTICE
    assert row.suspend_at is not None
    assert row.suspend_at >= desk.clock.now() + timedelta(days=2, hours=23)
    desk.messages.sender.send = real  # type: ignore[method-assign]
    again = _send(desk, pair[1], Template.LAST_NOTICE, **notice | {"key": "last_notice/2"})
    assert (again.state, again.covered_by) == (MessageState.SENT, None)


def test_one_thank_you_for_all_that_was_paid(desk: Desk, pair: tuple[Case, Case]) -> None:
    """Both cases recover: the first thank-you names both invoices, and the other case need not say it."""
    for case in pair:
        _send(desk, case)
        desk.stripe.v1.invoices.pay(case.invoice, {"paid_out_of_band": True})
        closing = desk.common(case, f"close-{case.id}")
        outcome = Outcome.RECOVERED_OUTSIDE
        desk.run(desk.records.close_case, CloseOrder(**closing, outcome=outcome, because="paid"))
    assert _send(desk, pair[0], Template.RECOVERED, key="recovered").state is MessageState.SENT
    assert _send(desk, pair[1], Template.RECOVERED, key="recovered").covered_by == f"{pair[0].id}/recovered"
    mails = [mail for mail in desk.outbox.list() if "Thank" in (mail.subject or "")]
    assert len(mails) == 1
    assert "2 payments" in (desk.outbox.text(mails[0].id) or "")


def test_a_payment_on_its_way_is_not_asked_for_again(
    desk: Desk, pair: tuple[Case, Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An invoice whose attempt has no answer yet is left out of another case's message: who read it might pay twice."""
    desk.sandbox.fault(fault="refuse_connection", method="POST", path="/v1/invoices/*/pay", count=9)
    assert desk.attempt(pair[1], tries=9).number == 1
    _send(desk, pair[0])
    (mail,) = desk.outbox.list()
    number = str(desk.stripe.v1.invoices.retrieve(pair[1].invoice).number)
    assert number not in (desk.outbox.text(mail.id) or "")
    assert _send(desk, pair[1]).covered_by is None


@pytest.mark.parametrize("template", [Template.REMINDER, Template.LAST_NOTICE])
def test_the_budget_counts_all_cases_and_spares_the_last_notice(
    desk: Desk, pair: tuple[Case, Case], template: Template
) -> None:
    """With one message a week allowed, the first case's uses it up for the other's reminder, and not for its last notice."""
    desk.messages.contact = ContactPolicy(budget=Budget(messages=1, days=7), quiet_hours=None)
    _send(desk, pair[0])
    _send(desk, pair[1])
    desk.sandbox.pass_time(days=1, hours=1)
    end = desk.clock.now() + timedelta(days=3)
    report = _send(desk, pair[1], template, key=template.value, suspend_at=end)
    if template is Template.LAST_NOTICE:
        assert report.state is MessageState.SENT
    else:
        assert report.not_before is not None
        assert report.because == "the budget of 1 messages in 7 days is used up"
        assert timedelta(days=5, hours=20) < report.not_before - desk.clock.now() < timedelta(days=6)
        row = desk.ledger.cases.get(pair[1].id)
        assert row is not None
        assert (row.next_at, row.next_because) == (report.not_before, report.because)
    assert len(desk.outbox.list()) == (2 if template is Template.LAST_NOTICE else 1)


def test_two_messages_cannot_share_the_last_room_in_the_budget(
    desk: Desk, pair: tuple[Case, Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked before the other one was being sent, and sending after it: the count in the same transaction holds the second back."""
    desk.messages.contact = ContactPolicy(budget=Budget(messages=1, days=7), quiet_hours=None)
    original: Callable[..., Any] = desk.messages._write

    def meanwhile(order: Any, *rest: Any) -> bytes:
        monkeypatch.setattr(desk.messages, "_write", original)
        assert _send(desk, pair[1], Template.AUTHENTICATION_NEEDED).state is MessageState.SENT
        written: bytes = original(order, *rest)
        return written

    monkeypatch.setattr(desk.messages, "_write", meanwhile)
    report = _send(desk, pair[0], Template.AUTHENTICATION_NEEDED)
    assert (report.state, report.because) == (
        MessageState.RESERVED,
        "the budget of 1 messages in 7 days is used up",
    )
    assert len(desk.outbox.list()) == 1


def _quiet_now(desk: Desk) -> ContactPolicy:
    """Quiet hours in Warsaw that began an hour ago and end in two."""
    here = desk.clock.now().astimezone(ZoneInfo("Europe/Warsaw"))
    begin, end = here - timedelta(hours=1), here + timedelta(hours=2)
    return ContactPolicy(quiet_hours=QuietHours(begin=f"{begin:%H:%M}", end=f"{end:%H:%M}"))


def test_quiet_hours_are_the_customers_own(desk: Desk) -> None:
    """In quiet hours of Warsaw nothing is sent there, the report says until when and why, and then it is sent."""
    case = desk.take_up("short")
    desk.messages.contact = _quiet_now(desk)
    report = _send(desk, case)
    assert report.not_before is not None
    assert timedelta(minutes=119) <= report.not_before - report.at <= timedelta(hours=2)
    assert " in Warsaw (" in report.because
    assert desk.outbox.list() == []
    desk.sandbox.pass_time(hours=2)
    assert _send(desk, case).state is MessageState.SENT


def test_a_message_that_could_not_be_handed_over_asks_again(desk: Desk) -> None:
    """A mailbox that was away until quiet hours began: the next try is held back, not sent into them."""
    case, real = desk.take_up("short"), desk.messages.sender.send

    def away(*_: object, **__: object) -> None:
        raise SendUnavailable("nobody answers")

    desk.messages.sender.send = away  # type: ignore[method-assign,assignment]
    with pytest.raises(ApplicationError):
        _send(desk, case)
    desk.messages.sender.send = real  # type: ignore[method-assign]
    desk.messages.contact = _quiet_now(desk)
    assert _send(desk, case).not_before is not None
    assert desk.outbox.list() == []
