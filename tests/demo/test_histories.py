"""The histories of a whole demo: what they cost, and what must not stand in them."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from recoup.worlds import Customer, demo_world_path, load_world
from tests.demo.conftest import Ran

pytestmark = pytest.mark.stack

MOST_EVENTS = 60
MOST_BYTES = 16 * 1024

_OF_SKIPPING = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
}
"""What only the demo's driver adds: on a real system nobody skips time."""


def _words(value: Any) -> Iterator[str]:
    """Every text in an event, payloads decoded, keys included."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)
    elif isinstance(value, str):
        yield value
        with contextlib.suppress(ValueError):
            yield base64.b64decode(value, validate=True).decode()


_WORDS_OF_OURS = {"grace"}
"""A first name that also is a word of the rules: days of grace."""


def _personal(person: Customer) -> set[str]:
    first, _, last = person.name.partition(" ")
    parts = {person.name, person.email, person.email.partition("@")[0], first, last, person.phone or ""}
    # What is shorter occurs in ids by chance.
    return {part.casefold() for part in parts if len(part) > 3} - _WORDS_OF_OURS


def test_no_history_holds_personal_data(histories: dict[str, list[HistoryEvent]]) -> None:
    """No name, address or number of any customer occurs in any input, signal, result, memo, summary or attribute."""
    people = [_personal(person) for person in load_world(demo_world_path()).customers.values()]
    forbidden = set().union(*people) | {"@example.com"}
    events = [event for history in histories.values() for event in history]
    texts = {word.casefold() for event in events for word in _words(MessageToDict(event))}
    assert len(texts) > 500
    assert any("insufficient_funds" in text for text in texts), "the payloads were not decoded"
    found = {part for part in forbidden for text in texts if part in text}
    assert not found


def test_a_case_won_by_its_second_retry_costs_little(
    headless: Ran, histories: dict[str, list[HistoryEvent]]
) -> None:
    """From the failure to the recovery by the second retry: at most 60 events and 16 KB."""
    case = headless.case("anna")
    attempts = [each for each in case["timeline"] if each["kind"] == "attempt"]
    assert len(attempts) == 2
    history = [
        event for event in histories[f"recovery/{case['case']}"] if event.event_type not in _OF_SKIPPING
    ]
    size = sum(event.ByteSize() for event in history)
    print(f"\nA case recovered by its second retry: {len(history)} events, {size} bytes.")  # noqa: T201
    assert len(history) <= MOST_EVENTS
    assert size <= MOST_BYTES


def test_no_timer_was_skipped_early(histories: dict[str, list[HistoryEvent]]) -> None:
    """Each timer of each case fired once its whole time had passed on the case's own clock."""
    for history in histories.values():
        started = {
            event.event_id: event
            for event in history
            if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED
        }
        for event in history:
            if event.event_type == EventType.EVENT_TYPE_TIMER_FIRED:
                begun = started[event.timer_fired_event_attributes.started_event_id]
                wait = begun.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
                passed = event.event_time.ToDatetime() - begun.event_time.ToDatetime()
                assert passed >= wait
        assert all(earlier.event_id < later.event_id for earlier, later in pairwise(history))
