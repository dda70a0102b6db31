"""What is seen of a message beforehand is what goes out, over the way that it takes: against the activity that sends it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from activities._routes import NO_WAY, Texting
from activities.previewing import Letter, Previews
from recoup.ledger import LINK_ID_LENGTH, NewStop
from recoup.rules.case import Case, MessageState, Template
from recoup.rules.channels import Channel, StopReason
from recoup.rules.step import Step, StepKind
from tests.activities.conftest import Desk
from tests.activities.test_texting import NUMBER, Phone, phone

__all__ = ["phone"]


@dataclass(frozen=True)
class Sent:
    """What has become of a message."""

    state: MessageState
    channel: str
    to: str
    text: str


def seen(desk: Desk, case: Case, template: Template = Template.REMINDER) -> Letter:
    """The message beforehand."""
    messages = desk.messages
    step = Step(kind=StepKind.MESSAGE, due_at=desk.clock.now(), because="the test asks", template=template)
    previews = Previews(
        messages.client,
        messages.ledger,
        messages.clock,
        messages.composer,
        messages.mail,
        messages.contact,
        messages.address_keys,
        messages.link_url("0" * LINK_ID_LENGTH, 1),
        messages.texting,
    )
    return previews.of(case, step)


def sent(desk: Desk, case: Case, phone: Phone, template: Template = Template.REMINDER) -> Sent:
    """The same message, sent, with the place of the link instead of the link."""
    desk.run(desk.messages.send, desk.message(case, template))
    row = desk.ledger.messages.get(f"{case.id}/{template.value}")
    assert row is not None
    mails = desk.outbox.list()
    to, text = "", ""
    if row.channel == Channel.SMS and phone.got:
        _, to, text = phone.got[-1]
    elif mails:
        to, text = mails[-1].to, str(desk.outbox.text(mails[-1].id))
    text = re.sub(r"http://127.0.0.1/u/[\w-]+", "http://127.0.0.1/u/…", text)
    return Sent(row.state, row.channel, to, " ".join(text.split()))


def stop(desk: Desk, subject: str, channel: Channel = Channel.EMAIL) -> None:
    """Let nothing go out over a channel."""
    new = NewStop(channel=channel, subject=subject, reason=StopReason.UNSUBSCRIBED)
    desk.ledger.channels.stop(new, desk.clock.now())


@pytest.mark.parametrize("way", ["mail", "stopped mail", "no address", "another contact"])
def test_what_is_seen_goes_out(desk: Desk, phone: Phone, way: str) -> None:
    """Mail first, another contact's address, then a text message: the way, the address and each word are those of the message itself."""
    case = desk.take_up("short")
    if way == "stopped mail":
        stop(desk, case.customer)
    elif way == "no address":
        desk.stripe.v1.customers.update(case.customer, {"email": ""})
    elif way == "another contact":
        others = desk.messages.contact.others.model_copy(update={"metadata": ("billing",)})
        desk.messages.contact = desk.messages.contact.model_copy(update={"others": others})
        desk.stripe.v1.customers.update(case.customer, {"metadata": {"billing": "boss@example.com"}})
        stop(desk, desk.messages.address_keys.of("short@example.com")[0])
    letter = seen(desk, case)
    assert letter.may_go
    assert letter.written is not None
    assert letter.language == "pl-PL"
    assert len(letter.passed_over) == (way in ("stopped mail", "another contact"))
    written = letter.written
    told = Sent(MessageState.SENT, written.channel, written.to, " ".join(written.text.split()))
    assert "/u/…" in told.text
    assert sent(desk, case, phone) == told
    by_text = way in ("stopped mail", "no address")
    assert (written.channel, written.to) == (
        (Channel.SMS, NUMBER)
        if by_text
        else (Channel.EMAIL, {"mail": "short@example.com"}.get(way, "boss@example.com"))
    )


def test_who_cannot_be_reached(desk: Desk, phone: Phone) -> None:
    """Without a number, or where both channels are stopped, it is said beforehand that nothing goes out, and why; nothing does."""
    case = desk.take_up("short")
    stop(desk, case.customer)
    stop(desk, case.customer, Channel.SMS)
    letter = seen(desk, case)
    assert (letter.may_go, letter.written) == (False, None)
    assert "mail to the customer is stopped" in letter.answer.because
    assert "texting to the customer is stopped" in letter.answer.because
    assert sent(desk, case, phone).state is MessageState.STOPPED
    other = desk.take_up("empty")
    desk.stripe.v1.customers.update(other.customer, {"email": ""})
    assert (seen(desk, other).may_go, seen(desk, other).answer.because) == (False, NO_WAY)
    assert sent(desk, other, phone).state is MessageState.FAILED


def test_what_no_policy_lets_go_as_text(desk: Desk, phone: Phone) -> None:
    """A message that is not to go out as text is not seen as one."""
    case = desk.take_up("short")
    stop(desk, case.customer)
    assert isinstance(desk.messages.texting, Texting)
    assert seen(desk, case, Template.PAYMENT_FAILED).written is None
