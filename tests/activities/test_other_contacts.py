"""Other people of the account: who is written to where the customer's own address cannot be, and who gets a copy."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from activities.contracts import MessageReport
from recoup.ledger import NewStop
from recoup.rules.case import Case, MessageState, Template
from recoup.rules.channels import Channel, StopReason
from recoup.rules.contact import ContactPolicy, OtherContacts
from tests.activities.conftest import Desk

BILLING, OWNER = "books@example.org", "owner@example.org"


@pytest.fixture
def case(desk: Desk) -> Case:
    """A case whose customer has a billing contact and an owner."""
    others = OtherContacts(metadata=("billing_email", "owner_email"))
    desk.messages.contact = ContactPolicy(gather_minutes=0, quiet_hours=None, others=others)
    case = desk.take_up("short")
    told = {"billing_email": BILLING, "owner_email": OWNER, "timezone": "Europe/Warsaw"}
    desk.stripe.v1.customers.update(case.customer, {"metadata": told})
    return case


def _send(desk: Desk, case: Case, template: Template) -> MessageReport:
    report: MessageReport = desk.run(desk.messages.send, desk.message(case, template))
    return report


def _stop(desk: Desk, address: str, reason: StopReason = StopReason.BOUNCED) -> None:
    subject = desk.messages.address_keys.of(address)[0]
    desk.ledger.channels.stop(
        NewStop(channel=Channel.EMAIL, subject=subject, reason=reason), desk.clock.now()
    )


def _mails(desk: Desk) -> list[tuple[str, str | None]]:
    """To whom mails went, and who has a copy, in the order of their sending."""
    found = []
    for mail in reversed(desk.outbox.list()):
        message = message_from_bytes(
            Path(desk.directory / "outbox" / f"{mail.id}.eml").read_bytes(), policy=default
        )
        found.append((str(message["To"]), message["Cc"] and str(message["Cc"])))
    return found


def _sent(desk: Desk, case: Case) -> list[dict[str, Any]]:
    events = desk.ledger.events.of_case(case.id)
    return [event.data for event in events if event.kind == "message_sending"]


def test_the_last_notice_is_copied_to_the_others_and_a_reminder_is_not(desk: Desk, case: Case) -> None:
    """One mail for all of them, one message in the ledger; what is less than the last word stays with the customer."""
    assert _send(desk, case, Template.REMINDER).state is MessageState.SENT
    assert _send(desk, case, Template.LAST_NOTICE).state is MessageState.SENT
    own = "short@example.com"
    assert sorted(_mails(desk), key=str) == sorted([(own, None), (own, f"{BILLING}, {OWNER}")], key=str)
    assert [(each["to"], each.get("copies")) for each in _sent(desk, case)] == [
        ("customer", None),
        ("customer", 2),
    ]


def test_who_cannot_be_written_to_is_represented_by_the_next_contact(desk: Desk, case: Case) -> None:
    """The customer's address bounced: the billing contact hears it, then the owner, each in their order, and the record says who without a name."""
    _stop(desk, "short@example.com")
    assert _send(desk, case, Template.PAYMENT_FAILED).state is MessageState.SENT
    _stop(desk, BILLING, StopReason.COMPLAINED)
    assert _send(desk, case, Template.REMINDER).state is MessageState.SENT
    assert sorted(to for to, _ in _mails(desk)) == [BILLING, OWNER]
    assert [each["to"] for each in _sent(desk, case)] == ["contact 1", "contact 2"]


def test_a_stopped_contact_gets_no_copy(desk: Desk, case: Case) -> None:
    """An address that bounced is not written to as a copy either."""
    _stop(desk, OWNER)
    _send(desk, case, Template.LAST_NOTICE)
    assert [copies for _, copies in _mails(desk)] == [BILLING]


def test_when_all_are_stopped_nothing_goes_out(desk: Desk, case: Case) -> None:
    """Every reason stands with the message."""
    for address in ("short@example.com", BILLING, OWNER):
        _stop(desk, address)
    report = _send(desk, case, Template.LAST_NOTICE)
    assert report.state is MessageState.STOPPED
    assert _mails(desk) == []


def test_a_customer_who_unsubscribed_is_not_reached_around_the_corner(desk: Desk, case: Case) -> None:
    """Their word holds for the account: no contact of theirs is turned to."""
    new = NewStop(channel=Channel.EMAIL, subject=case.customer, reason=StopReason.UNSUBSCRIBED)
    desk.ledger.channels.stop(new, desk.clock.now())
    assert _send(desk, case, Template.REMINDER).state is MessageState.STOPPED
    assert _mails(desk) == []


def test_who_has_no_address_is_represented_too(desk: Desk, case: Case) -> None:
    """No mail address of their own; what stands under a key and is no address, or the same one twice, is passed over."""
    told = {"billing_email": "no address", "owner_email": OWNER}
    desk.stripe.v1.customers.update(case.customer, {"email": "", "metadata": told})
    assert _send(desk, case, Template.LAST_NOTICE).state is MessageState.SENT
    assert _mails(desk) == [(OWNER, None)]


def test_no_address_of_theirs_gets_into_the_ledger(desk: Desk, case: Case) -> None:
    """Neither address stands in the database."""
    _stop(desk, "short@example.com")
    _send(desk, case, Template.LAST_NOTICE)
    for file in Path(desk.directory).glob("ledger.db*"):
        assert b"example.org" not in file.read_bytes()


def test_another_contact_unsubscribes_their_own_address_alone(desk: Desk, case: Case) -> None:
    """One click of the billing contact's mail program ends mail to them: the owner hears the next message, and the customer could."""
    _stop(desk, "short@example.com")
    _send(desk, case, Template.REMINDER)
    (mail,) = desk.outbox.list()
    message = message_from_bytes((desk.directory / "outbox" / f"{mail.id}.eml").read_bytes(), policy=default)
    token = str(message["List-Unsubscribe"]).strip("<>").rpartition("/")[2]
    billing = desk.messages.address_keys.of(BILLING)[0]
    assert desk.messages.unsubscribe.read(token) == (case.customer, Channel.EMAIL, billing)
    assert BILLING not in str(message["List-Unsubscribe"])
    _stop(desk, BILLING, StopReason.UNSUBSCRIBED)
    _send(desk, case, Template.LAST_NOTICE)
    # Both carry the same second, so neither is sure to be the first.
    assert sorted(to for to, _ in _mails(desk)) == [BILLING, OWNER]
