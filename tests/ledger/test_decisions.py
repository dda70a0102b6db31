"""Decisions: written once, kept whole, never changed."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from recoup.ledger import DecisionRecord, Ledger, NotInLedger
from tests.ledger.builders import NOW, a_case, after, kinds


def a_decision(**more: Any) -> DecisionRecord:
    """A choice of the next attempt among two."""
    values: dict[str, Any] = {
        "case_id": "in_1",
        "at": NOW,
        "rules_version": 1,
        "policy_version": "v1",
        "known": {"decline": "insufficient_funds", "attempts_made": 1, "odds": 0.25},
        "candidates": [{"kind": "attempt", "due_at": after(days=1)}, {"kind": "message", "due_at": None}],
        "choice": {"kind": "attempt", "due_at": after(days=1)},
        "because": "the bank asked for 24 h",
    }
    return DecisionRecord(**(values | more))


def test_decision_is_kept_whole(ledger: Ledger) -> None:
    """What was known, the candidates, the choice, its reason and its propensity come back as they were given."""
    ledger.cases.open(a_case(), NOW)
    row = ledger.decisions.record(a_decision(propensity=0.9, model="m1"), "run-1#1")
    given = a_decision(propensity=0.9, model="m1").model_dump(mode="json", exclude={"at"})
    assert row.model_dump(include=set(given)) == given
    assert (row.at, row.request) == (NOW, "run-1#1")
    assert ledger.decisions.of_case("in_1") == [row]
    event = ledger.events.of_case("in_1")[-1]
    assert (event.kind, event.data["decision"], event.customer) == ("decided", row.id, "cus_1")


def test_retried_record_is_written_once(ledger: Ledger) -> None:
    """The same request again gives the first row, whatever it says now; another request is another decision."""
    ledger.cases.open(a_case(), NOW)
    first = ledger.decisions.record(a_decision(), "run-1#1")
    assert ledger.decisions.record(a_decision(because="something newer"), "run-1#1") == first
    second = ledger.decisions.record(a_decision(at=after(days=1)), "run-1#2")
    assert ledger.decisions.of_case("in_1") == [first, second]
    assert kinds(ledger) == ["case_opened", "decided", "decided"]


def test_decision_needs_its_case(ledger: Ledger) -> None:
    """A decision about a case that is not there is refused."""
    with pytest.raises(NotInLedger, match="in_1"):
        ledger.decisions.record(a_decision(), "run-1#1")


@pytest.mark.parametrize("wrong", [{"because": ""}, {"propensity": 0.0}, {"propensity": 1.1}])
def test_decision_without_reason_or_odds_is_refused(wrong: dict[str, Any]) -> None:
    """A decision says why, and how likely it was."""
    with pytest.raises(ValidationError):
        a_decision(**wrong)
