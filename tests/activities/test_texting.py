"""Text messages where mail cannot take a message: over the real Stripe of the tests and the real ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from activities._routes import Texting
from activities.contracts import MessageReport
from recoup.ledger import MessageInvoiceRow, NewStop
from recoup.ledger.schema import cases
from recoup.messages import CannotLookUp, SendOptedOut, SendReceipt, SmsComposer, SmsSettings
from recoup.rules.case import Case, MessageState, Template
from recoup.rules.channels import Channel, StopReason
from recoup.rules.contact import Budget, ContactPolicy, TextMessages
from recoup.rules.conversation import Said
from tests.activities.conftest import Desk
from tests.activities.test_conversation import pair

__all__ = ["pair"]

NUMBER = "+48123456789"


@dataclass
class Phone:
    """A network that remembers what it was given."""

    got: list[tuple[str, str, str]] = field(default_factory=list)
    asked: int = 0
    opted_out: bool = False

    def send(
        self,
        mime: bytes,
        *,
        sender: str,
        recipient: str,
        key: str,
        tags: Mapping[str, str],
        copies: Sequence[str] = (),
    ) -> SendReceipt:
        self.asked += 1
        if self.opted_out:
            raise SendOptedOut("AWS refused the text message: DESTINATION_PHONE_NUMBER_OPTED_OUT")
        self.got.append((sender, recipient, mime.decode()))
        return SendReceipt(provider_id=f"sms-{len(self.got)}")

    def find(self, key: str) -> str | None:
        raise CannotLookUp("it cannot be asked")

    def check(self) -> None:
        """It is always there."""


@pytest.fixture
def phone(desk: Desk) -> Phone:
    """Texting is on for the last notice and the reminder; the Polish customer has a number."""
    phone = Phone()
    rules = TextMessages(templates=("last_notice", "reminder"))
    settings = SmsSettings(kind="aws", origin="NORTHWIND")
    desk.messages.texting = Texting(SmsComposer(), settings, rules, phone)
    desk.stripe.v1.customers.update(desk.customers["short"]["customer"], {"phone": "+48 123 456 789"})
    return phone


def _send(desk: Desk, case: Case, template: Template, **more: Any) -> MessageReport:
    order = desk.message(case, template).model_copy(update=more)
    report: MessageReport = desk.run(desk.messages.send, order)
    return report


def _stop(desk: Desk, subject: str, channel: Channel = Channel.EMAIL) -> None:
    new = NewStop(channel=channel, subject=subject, reason=StopReason.UNSUBSCRIBED)
    desk.ledger.channels.stop(new, desk.clock.now())


def test_what_mail_cannot_take_goes_out_as_text(desk: Desk, phone: Phone) -> None:
    """The last notice arrives in the customer's language with the whole link, is confirmed, and stands under its channel."""
    case = desk.take_up("short")
    _stop(desk, case.customer)
    assert _send(desk, case, Template.LAST_NOTICE).state is MessageState.SENT
    ((origin, number, text),) = phone.got
    assert (origin, number) == ("NORTHWIND", NUMBER)
    assert "nie jest zaplacona" in text
    link = text.rpartition(" ")[2]
    assert link.startswith("http://127.0.0.1/u/")
    row = desk.ledger.messages.get(f"{case.id}/last_notice")
    assert row is not None
    assert (row.channel, row.state, row.provider_id) == ("sms", MessageState.SENT, "sms-1")
    assert desk.outbox.list() == []


def test_who_can_be_written_to_gets_no_text(desk: Desk, phone: Phone) -> None:
    """Mail comes first; a text is no second message beside it."""
    case = desk.take_up("short")
    assert _send(desk, case, Template.LAST_NOTICE).state is MessageState.SENT
    assert phone.got == []
    assert len(desk.outbox.list()) == 1


def test_who_has_no_address_is_reached_by_text(desk: Desk, phone: Phone) -> None:
    """A customer without a usable mail address, and without a number the reason is told as ever."""
    case = desk.take_up("short")
    desk.stripe.v1.customers.update(case.customer, {"email": ""})
    assert _send(desk, case, Template.REMINDER).state is MessageState.SENT
    desk.stripe.v1.customers.update(case.customer, {"phone": "no number"})
    report = _send(desk, case, Template.LAST_NOTICE)
    assert (report.state, report.because) == (MessageState.FAILED, "the customer has no e-mail address")
    assert len(phone.got) == 1


def test_who_answered_stop_gets_no_other_text(desk: Desk, phone: Phone) -> None:
    """The provider says that the number has opted out: the channel is stopped for it, shows as such, and nobody tries again."""
    case = desk.take_up("short")
    _stop(desk, case.customer)
    phone.opted_out = True
    assert _send(desk, case, Template.REMINDER).state is MessageState.FAILED
    assert _send(desk, case, Template.LAST_NOTICE).state is MessageState.STOPPED
    assert phone.asked == 1
    (stop,) = [row for row in desk.ledger.channels.of_customer(case.customer) if row.channel is Channel.SMS]
    assert (stop.reason, stop.actor) == (StopReason.UNSUBSCRIBED, "customer")


def test_only_chosen_messages_are_texted(desk: Desk, phone: Phone) -> None:
    """What the policy does not name stays unsent where mail is stopped."""
    case = desk.take_up("short")
    _stop(desk, case.customer)
    assert _send(desk, case, Template.PAYMENT_FAILED).state is MessageState.STOPPED
    assert phone.got == []


@pytest.mark.parametrize("by", ["customer", "number"])
def test_both_channels_may_be_stopped(desk: Desk, phone: Phone, by: str) -> None:
    """Then nothing goes out, and both reasons stand with the message."""
    case = desk.take_up("short")
    _stop(desk, case.customer)
    _stop(desk, case.customer if by == "customer" else desk.messages.address_keys.of(NUMBER)[0], Channel.SMS)
    report = _send(desk, case, Template.LAST_NOTICE)
    assert report.state is MessageState.STOPPED
    assert report.because.count("is stopped") == 2
    assert phone.got == []


def test_a_text_uses_the_budget_up_like_a_mail(desk: Desk, phone: Phone) -> None:
    """One message in seven days, whichever way it went."""
    desk.messages.contact = ContactPolicy(
        gather_minutes=0, quiet_hours=None, budget=Budget(messages=1, days=7)
    )
    case = desk.take_up("short")
    _stop(desk, case.customer)
    assert _send(desk, case, Template.REMINDER).state is MessageState.SENT
    held = _send(desk, case, Template.REMINDER, key="reminder/2")
    assert held.not_before is not None
    assert held.not_before > desk.clock.now() + timedelta(days=6)
    assert len(phone.got) == 1


def test_a_mail_that_was_written_down_before_the_stop_goes_out_as_text(desk: Desk, phone: Phone) -> None:
    """What lay reserved as mail changes its way, and is sent once."""
    from recoup.messages import SendUnavailable

    case = desk.take_up("short")

    def busy(*_: object, **__: object) -> None:
        raise SendUnavailable("throttled")

    real, desk.messages.sender.send = desk.messages.sender.send, busy  # type: ignore[method-assign,assignment]
    with pytest.raises(Exception, match="could not be handed over yet"):
        _send(desk, case, Template.REMINDER)
    desk.messages.sender.send = real  # type: ignore[method-assign]
    _stop(desk, case.customer)
    for _ in range(2):
        assert _send(desk, case, Template.REMINDER).state is MessageState.SENT
    assert len(phone.got) == 1
    row = desk.ledger.messages.get(f"{case.id}/reminder")
    assert row is not None
    assert row.channel == "sms"


def test_a_text_is_a_last_notice_for_its_own_day_alone(
    desk: Desk, phone: Phone, pair: tuple[Case, Case]
) -> None:
    """Of the other invoice, whose access ends on another day, it has said that it is open; its own last notice still goes out."""
    first, second = pair
    desk.stripe.v1.customers.update(first.customer, {"phone": NUMBER})
    earlier = sa.update(cases).where(cases.c.id == second.id)
    with desk.ledger._store.engine.begin() as connection:
        connection.execute(earlier.values(failed_at=desk.clock.now() - timedelta(days=19)))
    _stop(desk, first.customer)
    assert _send(desk, first, Template.LAST_NOTICE).state is MessageState.SENT
    said = {row.invoice: row.said for row in _said(desk, first, second)}
    assert said == {first.invoice: Said.NOTICE, second.invoice: Said.OPEN}
    own = desk.clock.now() + timedelta(days=21)
    assert f"{own:%B} {own.day}" in phone.got[0][2]
    assert _send(desk, second, Template.LAST_NOTICE).covered_by is None
    assert len(phone.got) == 2


def _said(desk: Desk, *of: Case) -> list[MessageInvoiceRow]:
    return [row for case in of for row in desk.ledger.messages.said_of(case.invoice)]


def test_no_number_gets_into_the_ledger(desk: Desk, phone: Phone) -> None:
    """Neither the number nor the text stands in the database."""
    case = desk.take_up("short")
    _stop(desk, case.customer)
    _send(desk, case, Template.LAST_NOTICE)
    for file in Path(desk.directory).glob("ledger.db*"):
        assert b"123456789" not in file.read_bytes()
