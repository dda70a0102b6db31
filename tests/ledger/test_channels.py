"""Stopped channels in the ledger: stopped once, opened by a person, and asked in the transaction that sends."""

from __future__ import annotations

from typing import Any

import pytest

from recoup.ledger import Gate, Ledger, NewStop
from recoup.rules.case import MessageState, Template
from recoup.rules.channels import Channel, StopReason
from recoup.rules.contact import Hours
from recoup.rules.conversation import Wish, may_tell
from tests.ledger.builders import NOW, a_case, a_message, after, at_once, kinds

ADDRESS = "address/0123"
KEY = "in_1/payment_failed"


def _stop(subject: str = "cus_1", reason: StopReason = StopReason.UNSUBSCRIBED, **more: Any) -> NewStop:
    values: dict[str, Any] = {"channel": Channel.EMAIL, "subject": subject, "customer": "cus_1"}
    return NewStop(**values | {"reason": reason, **more})


def _gate(zone: Any, subjects: tuple[str, ...] = ("cus_1", ADDRESS)) -> Gate:
    wish = Wish(
        key=KEY,
        name="payment_failed",
        invoice="in_1",
        customer="cus_1",
        template=Template.PAYMENT_FAILED,
        channel="email",
        subjects=subjects,
    )
    return Gate(wish, NOW, lambda history: may_tell(wish, history, Hours(zone), NOW))


@pytest.fixture
def utc() -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo("UTC")


def test_a_channel_is_stopped_once(ledger: Ledger) -> None:
    """Eight at once stop it one time; the first reason stays."""
    assert sum(at_once(8, lambda _: ledger.channels.stop(_stop(), NOW))) == 1
    assert not ledger.channels.stop(_stop(reason=StopReason.OPERATOR), after(days=1))
    found = ledger.channels.stopped(Channel.EMAIL, ["cus_1"])
    assert found is not None
    assert (found.reason, found.at) == (StopReason.UNSUBSCRIBED, NOW)
    assert ledger.channels.stopped(Channel.EMAIL, ["cus_2"]) is None
    assert kinds(ledger) == ["channel_stopped"]


@pytest.mark.parametrize("subject", ["cus_1", ADDRESS])
def test_what_is_stopped_between_asking_and_sending_is_not_sent(
    ledger: Ledger, utc: Any, subject: str
) -> None:
    """The stop is read where the message begins to be sent; it stays reserved until it is written down as stopped."""
    ledger.cases.open(a_case(), NOW)
    ledger.messages.reserve(a_message(), NOW)
    assert ledger.messages.ask(_gate(utc), NOW).is_yes
    ledger.channels.stop(_stop(subject), NOW)
    answer = ledger.messages.begin_sending(KEY, NOW, (), _gate(utc))
    assert answer is not None
    assert answer.stopped is not None
    row = ledger.messages.mark_stopped(KEY, answer.because, NOW)
    assert (row.state, row.because) == (MessageState.STOPPED, answer.because)
    assert ledger.messages.begin_sending(KEY, NOW) is None


def test_an_opened_channel_is_open(ledger: Ledger, utc: Any) -> None:
    """Opening lifts what is known of the customer and of their address, says who did it, and is done once."""
    ledger.channels.stop(_stop(), NOW)
    ledger.channels.stop(_stop(ADDRESS, StopReason.BOUNCED, customer=None), NOW)
    opened = [
        ledger.channels.open(Channel.EMAIL, "cus_1", [ADDRESS], after(days=1), actor="anna", because="asked")
        for _ in range(2)
    ]
    assert opened == [2, 0]
    assert ledger.channels.stopped(Channel.EMAIL, ["cus_1", ADDRESS]) is None
    said = [event for event in ledger.events.since(0) if event.kind == "channel_opened"]
    assert [(event.actor, event.customer, event.data["because"]) for event in said] == [
        ("anna", "cus_1", "asked")
    ]
    assert ledger.channels.of_customer("cus_1") == []


def test_news_from_before_the_opening_comes_too_late(ledger: Ledger) -> None:
    """A report about something older than the operator's word changes nothing; a newer one stops the channel again."""
    ledger.channels.stop(_stop(ADDRESS, StopReason.BOUNCED), NOW)
    ledger.channels.open(Channel.EMAIL, "cus_1", [ADDRESS], after(days=2), actor="anna", because="mended")
    late, fresh = (
        _stop(ADDRESS, StopReason.BOUNCED, happened=after(days=day), customer=None) for day in (1, 3)
    )
    assert not ledger.channels.stop(late, after(days=4))
    assert ledger.channels.stop(fresh, after(days=4))
    (row,) = ledger.channels.of_customer("cus_1")
    assert (row.subject, row.stopped_at, row.opened_by) == (ADDRESS, after(days=4), None)


def test_a_message_that_came_back_has_said_nothing(ledger: Ledger) -> None:
    """Sent, unanswered or still in the sender's hands: it is returned, keeps its moment, and the sender's late word changes nothing."""
    ledger.cases.open(a_case(), NOW)
    for name in ("sent", "sending"):
        ledger.messages.reserve(a_message(f"in_1/{name}"), NOW)
        ledger.messages.begin_sending(f"in_1/{name}", NOW)
    ledger.messages.mark_sent("in_1/sent", "ses-1", after(minutes=1))
    assert [row.key for row in ledger.messages.unanswered(NOW)] == ["in_1/sending"]
    found = ledger.messages.by_provider_id("ses-1")
    assert found is not None
    returned = ledger.messages.mark_returned(found.key, "it came back", after(hours=1))
    assert (returned.state, returned.finished_at) == (MessageState.RETURNED, after(minutes=1))
    assert (
        ledger.messages.mark_returned("in_1/sending", "it came back", after(hours=1)).state
        is MessageState.RETURNED
    )
    assert ledger.messages.mark_sent("in_1/sending", "ses-2", after(hours=2)).state is MessageState.RETURNED
    ledger.messages.reserve(a_message("in_1/new"), NOW)
    assert ledger.messages.mark_returned("in_1/new", "x", NOW).state is MessageState.RESERVED
