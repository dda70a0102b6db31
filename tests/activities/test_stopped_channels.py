"""Messages to a stopped channel, over the real Stripe of the tests and the real ledger: nothing leaves, and everybody can see why."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from activities.contracts import MessageReport
from recoup.ledger import NewStop
from recoup.rules.case import Case, MessageState, Stage, Template
from recoup.rules.channels import Channel, StopReason
from tests.activities.conftest import Desk


def _stop(desk: Desk, subject: str, reason: StopReason = StopReason.UNSUBSCRIBED) -> None:
    new = NewStop(channel=Channel.EMAIL, subject=subject, reason=reason)
    desk.ledger.channels.stop(new, desk.clock.now())


def _send(desk: Desk, case: Case, template: Template = Template.PAYMENT_FAILED) -> MessageReport:
    report: MessageReport = desk.run(desk.messages.send, desk.message(case, template))
    return report


def _address(desk: Desk, email: str) -> str:
    return desk.messages.address_keys.of(email)[0]


@pytest.mark.parametrize("by", ["customer", "address"])
def test_nothing_goes_to_a_stopped_channel(desk: Desk, by: str) -> None:
    """Stopped for the customer or for the address: no mail, the reason in the report, the ledger and the case's events, once."""
    case = desk.take_up("short")
    _stop(desk, case.customer if by == "customer" else _address(desk, "Short@Example.COM"))
    report = _send(desk, case)
    assert _send(desk, case).because == report.because
    assert report.state is MessageState.STOPPED
    assert "is stopped" in report.because
    assert desk.outbox.list() == []
    row = desk.ledger.messages.get(f"{case.id}/payment_failed")
    assert row is not None
    assert (row.state, row.because) == (MessageState.STOPPED, report.because)
    kinds = [event.kind for event in desk.ledger.events.of_case(case.id)]
    assert kinds.count("message_stopped") == 1


def test_a_last_notice_is_not_taken_for_said(desk: Desk) -> None:
    """The case is not noted as warned, and the report says stopped: the rules then wait for a person."""
    case = desk.take_up("short")
    _stop(desk, case.customer)
    assert _send(desk, case, Template.LAST_NOTICE).state is MessageState.STOPPED
    noted = desk.ledger.cases.get(case.id)
    assert noted is not None
    assert noted.stage is Stage.OPEN


def test_a_new_address_is_written_to(desk: Desk) -> None:
    """What bounced was an address: the customer with another one hears from us again."""
    case = desk.take_up("short")
    _stop(desk, _address(desk, "short@example.com"), StopReason.BOUNCED)
    desk.stripe.v1.customers.update(case.customer, {"email": "new@example.com"})
    assert _send(desk, case).state is MessageState.SENT


def test_an_opened_channel_is_written_to(desk: Desk) -> None:
    """After an operator's word the next message goes out; the one that was not sent stays so."""
    case = desk.take_up("short")
    _stop(desk, case.customer)
    _send(desk, case)
    desk.ledger.channels.open(
        Channel.EMAIL, case.customer, (), desk.clock.now(), actor="anna", because="asked"
    )
    assert _send(desk, case, Template.REMINDER).state is MessageState.SENT
    assert _send(desk, case).state is MessageState.STOPPED


def test_every_mail_says_how_to_unsubscribe(desk: Desk) -> None:
    """Both headers of RFC 8058, with an https address that names nobody but the customer's id."""
    case = desk.take_up("short")
    _send(desk, case)
    (mail,) = desk.outbox.list()
    headers = message_from_bytes(desk.outbox.mime(mail.id) or b"", policy=default)
    link = headers["List-Unsubscribe"].strip("<>")
    assert link.startswith("https://pay.example/unsubscribe/")
    assert desk.messages.unsubscribe.read(link.rpartition("/")[2]) == (
        case.customer,
        Channel.EMAIL,
        case.customer,
    )
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_no_address_gets_into_the_ledger(desk: Desk) -> None:
    """Neither the address nor a part of it stands in the database after all this."""
    case = desk.take_up("short")
    _stop(desk, _address(desk, "short@example.com"), StopReason.BOUNCED)
    _send(desk, case)
    for file in Path(desk.directory).glob("ledger.db*"):
        assert b"example.com" not in file.read_bytes()
