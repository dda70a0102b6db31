"""A code that no table explains is recorded where it is first seen, once."""

from __future__ import annotations

import pytest

from recoup.ledger import EventRow
from recoup.rules.declines import Decline, DeclineClass
from tests.activities.conftest import Desk

NEW = Decline(code="a_code_of_tomorrow", brand="visa")


def reported(desk: Desk) -> list[EventRow]:
    return [event for event in desk.ledger.events.since(0) if event.kind == "decline_unknown"]


def test_an_unknown_code_of_the_first_refusal_is_reported_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen when the case is opened and again on every look, for one customer and the next: one event."""
    monkeypatch.setattr("recoup.billing.payments.decline_of_charge", lambda _: NEW)
    case = desk.take_up("empty")
    desk.run(desk.payments.look, desk.plain(case))
    desk.take_up("short")
    events = reported(desk)
    assert [event.data["code"] for event in events] == ["code/a_code_of_tomorrow"]
    assert (events[0].invoice, events[0].data["brand"]) == (case.invoice, "visa")


def test_an_unknown_code_of_our_own_attempt_is_reported(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attempt is settled as a passing refusal, and the code is on record; unknown advice gets its own event."""
    advised = NEW.model_copy(update={"advice_code": "call_mum"})
    monkeypatch.setattr("activities._collecting.read_decline", lambda *_: advised)
    case = desk.take_up("empty")
    report = desk.attempt(case)
    assert report.decline == advised
    row = desk.ledger.attempts.latest(case.invoice)
    assert row is not None
    assert row.decline_class is DeclineClass.SOFT
    assert {event.data["code"] for event in reported(desk)} == {
        "code/a_code_of_tomorrow",
        "advice_code/call_mum",
    }


def test_known_codes_are_not_reported(desk: Desk) -> None:
    """An ordinary refusal leaves no such event."""
    desk.attempt(desk.take_up("empty"))
    assert reported(desk) == []


def test_a_first_refusals_pause_is_in_the_case_from_its_beginning(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bank that asked for six days before the case existed is left alone for six days from its refusal."""
    asked = Decline(code="insufficient_funds", network_advice_code="28", brand="mastercard")
    monkeypatch.setattr("recoup.billing.payments.decline_of_charge", lambda _: asked)
    case = desk.take_up("empty")
    assert case.not_before is not None
    assert (case.not_before - case.failed_at).total_seconds() == 6 * 86400
    assert case.not_before_because == "Mastercard advice 28: the bank asks to wait 6 days"
