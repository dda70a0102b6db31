"""People in the ledger: the queue by importance, whose a case is, and the policy it was moved to."""

from __future__ import annotations

import pytest

from recoup.ledger import Ledger, NotInLedger
from recoup.rules.case import Outcome, Stage
from tests.ledger.builders import NOW, a_case, after


def test_the_queue_is_ordered_by_importance_then_age(ledger: Ledger) -> None:
    """The most important first, of the same importance the oldest; closed cases and other stages are left out."""
    for number, (priority, hours) in enumerate([(10, 0), (90, 2), (90, 1), (50, 0)], 1):
        ledger.cases.open(a_case(f"in_{number}", priority=priority, failed_at=after(hours=hours)), NOW)
    ledger.cases.close("in_4", Outcome.CLOSED_VOIDED, "voided", NOW)
    ledger.cases.note("in_2", Stage.PERSON, NOW, next_because="somebody has to look")
    assert [row.id for row in ledger.people.queue()] == ["in_3", "in_2", "in_1"]
    assert [row.id for row in ledger.people.queue(limit=1)] == ["in_3"]
    waiting = ledger.people.queue(Stage.PERSON)
    assert [(row.id, row.next_because) for row in waiting] == [("in_2", "somebody has to look")]
    assert [row.id for row in ledger.people.queue(Stage.CLOSED)] == ["in_4"]


def test_an_owner_is_kept_with_who_said_so(ledger: Ledger) -> None:
    """The same word again changes nothing and leaves one event; a case without an owner has none."""
    ledger.cases.open(a_case(), NOW)
    given = [
        ledger.people.assign("in_1", "ben", after(hours=1), actor="anna", because="his account", unique="w1")
        for _ in range(2)
    ]
    assert {row.assigned_to for row in given} == {"ben"}
    assert (
        ledger.people.assign("in_1", None, NOW, actor="anna", because="left", unique="w2").assigned_to is None
    )
    said = [event for event in ledger.events.of_case("in_1") if event.kind == "case_assigned"]
    assert [(event.actor, event.data) for event in said] == [
        ("anna", {"to": "ben", "because": "his account"}),
        ("anna", {"to": None, "because": "left"}),
    ]


def test_a_moved_case_has_the_new_policy_and_the_old_ones_version_in_its_event(ledger: Ledger) -> None:
    """A restart goes on by the campaign that the case was moved to; its past is in the event."""
    ledger.cases.open(a_case(priority=5), NOW)
    words = {"actor": "anna", "because": "a new policy"}
    ledger.people.move(
        "in_1",
        campaign="new",
        policy={"name": "new"},
        policy_version="v2",
        priority=None,
        at=NOW,
        unique="w1",
        **words,
    )
    row = ledger.cases.get("in_1")
    assert row is not None
    assert (row.campaign, row.policy, row.policy_version, row.priority) == ("new", {"name": "new"}, "v2", 5)
    event = ledger.events.of_case("in_1")[-1]
    assert (event.kind, event.data["from"], event.data["to"]) == ("case_moved", "v1", "v2")


def test_a_closed_case_stays_as_it_is(ledger: Ledger) -> None:
    """What comes after the end moves nothing."""
    ledger.cases.open(a_case(), NOW)
    ledger.cases.close("in_1", Outcome.LOST_SUSPENDED, "nothing was paid", NOW)
    before = ledger.cases.get("in_1")
    ledger.people.assign("in_1", "ben", NOW, actor="anna", because="late", unique="w1")
    assert ledger.cases.get("in_1") == before
    with pytest.raises(NotInLedger):
        ledger.people.assign("in_404", "ben", NOW, actor="anna", because="nobody", unique="w2")
