"""Messages: one row for a key, one sender for a row, and no way back from sent."""

from __future__ import annotations

import pytest

from recoup.ledger import Ledger, NotInLedger
from recoup.ledger.schema import messages
from recoup.rules.case import MessageState
from tests.ledger.builders import NOW, a_case, a_message, after, at_once, kinds

KEY = "in_1/payment_failed"


@pytest.fixture(autouse=True)
def _case(ledger: Ledger) -> None:
    ledger.cases.open(a_case(), NOW)


def test_reserving_twice_is_one_message(ledger: Ledger) -> None:
    """The same key again gives the row that is there, in whatever state, and changes nothing of it."""
    row = ledger.messages.reserve(a_message(), NOW)
    assert (row.state, row.reserved_at, row.template) == (MessageState.RESERVED, NOW, "payment_failed")
    assert ledger.messages.reserve(a_message(locale="en", channel="sms"), after(hours=1)) == row
    ledger.messages.begin_sending(KEY, after(hours=1))
    assert ledger.messages.reserve(a_message(), after(hours=2)).state is MessageState.SENDING
    assert kinds(ledger) == ["case_opened", "message_reserved", "message_sending"]


def test_one_caller_sends(ledger: Ledger) -> None:
    """The first caller may send, every later one may not, whatever became of it."""
    ledger.messages.reserve(a_message(), NOW)
    assert ledger.messages.begin_sending(KEY, after(seconds=1))
    assert not ledger.messages.begin_sending(KEY, after(seconds=2))
    sent = ledger.messages.mark_sent(KEY, "ses-1", after(seconds=3))
    assert (sent.state, sent.provider_id) == (MessageState.SENT, "ses-1")
    assert (sent.sending_at, sent.finished_at) == (after(seconds=1), after(seconds=3))
    assert not ledger.messages.begin_sending(KEY, after(seconds=4))
    assert ledger.messages.get(KEY) == sent


def test_eight_senders_at_once_send_one_message(ledger: Ledger) -> None:
    """Of eight workers that begin to send the same message at the same time exactly one gets to."""
    ledger.messages.reserve(a_message(), NOW)
    assert at_once(8, lambda _: ledger.messages.begin_sending(KEY, NOW)).count(None) == 7
    assert kinds(ledger).count("message_sending") == 1


def test_eight_reservations_at_once_make_one_message(ledger: Ledger) -> None:
    """Eight workers that reserve the same key at the same time all get the same row."""
    rows = at_once(8, lambda _: ledger.messages.reserve(a_message(), NOW))
    assert all(row == rows[0] for row in rows)
    assert kinds(ledger).count("message_reserved") == 1


def test_unknown_message_is_never_sent_again(ledger: Ledger) -> None:
    """A message without an answer can be confirmed or refused later, but not sent again."""
    ledger.messages.reserve(a_message(), NOW)
    ledger.messages.begin_sending(KEY, NOW)
    assert ledger.messages.mark_unknown(KEY, after(minutes=1)).state is MessageState.UNKNOWN
    assert not ledger.messages.begin_sending(KEY, after(minutes=2))
    unknown = ledger.messages.release(KEY, "too late", after(minutes=2))
    assert unknown.state is MessageState.UNKNOWN
    assert ledger.messages.mark_sent(KEY, "ses-1", after(minutes=3)).state is MessageState.SENT


def test_refused_for_now_may_be_sent_later(ledger: Ledger) -> None:
    """A message that the sender surely did not take goes back to reserved, and again one caller sends it."""
    ledger.messages.reserve(a_message(), NOW)
    ledger.messages.begin_sending(KEY, NOW)
    released = ledger.messages.release(KEY, "throttled", after(seconds=1))
    assert (released.state, released.sending_at, released.because) == (
        MessageState.RESERVED,
        None,
        "throttled",
    )
    assert ledger.messages.begin_sending(KEY, after(minutes=1))
    assert ledger.messages.mark_sent(KEY, None, after(minutes=1)).because is None


@pytest.mark.parametrize("final", ["sent", "failed"])
def test_final_message_stays_as_it_is(ledger: Ledger, final: str) -> None:
    """Nothing that is said later changes a message that was sent or refused for good."""
    ledger.messages.reserve(a_message(), NOW)
    ledger.messages.begin_sending(KEY, NOW)
    if final == "sent":
        row = ledger.messages.mark_sent(KEY, "ses-1", after(seconds=1))
    else:
        row = ledger.messages.mark_failed(KEY, "no address", after(seconds=1))
    assert row.state == final
    count = len(kinds(ledger))
    later = after(seconds=2)
    assert ledger.messages.mark_sent(KEY, "ses-2", later) == row
    assert ledger.messages.mark_failed(KEY, "bounced", later) == row
    assert ledger.messages.mark_unknown(KEY, later) == row
    assert ledger.messages.release(KEY, "throttled", later) == row
    assert len(kinds(ledger)) == count


def test_message_that_nobody_began_to_send_is_not_sent(ledger: Ledger) -> None:
    """A merely reserved message cannot be marked as sent or unknown; without an address it fails at once."""
    row = ledger.messages.reserve(a_message(), NOW)
    assert ledger.messages.mark_sent(KEY, "ses-1", NOW) == row
    assert ledger.messages.mark_unknown(KEY, NOW) == row
    assert ledger.messages.mark_failed(KEY, "no address", NOW).state is MessageState.FAILED


def test_messages_are_found_by_case_and_by_customer(ledger: Ledger) -> None:
    """A case lists its own, a customer all of theirs since a moment."""
    ledger.cases.open(a_case("in_2"), NOW)
    ledger.messages.reserve(a_message("in_1/payment_failed"), NOW)
    ledger.messages.reserve(a_message("in_1/reminder/1"), after(days=5))
    ledger.messages.reserve(a_message("in_2/payment_failed", case_id="in_2"), after(days=6))
    ledger.messages.reserve(a_message("cus_2/thanks", case_id=None, customer="cus_2"), after(days=6))
    assert [row.key for row in ledger.messages.of_case("in_1")] == ["in_1/payment_failed", "in_1/reminder/1"]
    found = ledger.messages.of_customer("cus_1", after(days=5))
    assert [row.key for row in found] == ["in_1/reminder/1", "in_2/payment_failed"]


def test_unknown_key_is_an_error(ledger: Ledger) -> None:
    """A message has to be reserved before anything is said about it."""
    with pytest.raises(NotInLedger, match="in_404"):
        ledger.messages.begin_sending("in_404/reminder", NOW)


def test_message_rows_have_no_room_for_persons() -> None:
    """No column could hold a name, an address, a subject or a text."""
    assert {column.name for column in messages.columns} == {
        "key", "case_id", "customer", "template", "channel", "locale", "state",
        "provider_id", "because", "reserved_at", "sending_at", "finished_at",
    }  # fmt: skip
