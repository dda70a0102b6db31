"""The past of cases, as it is read to learn from it: whole, newest first, page by page, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from recoup.ledger import AttemptResult, DecisionRecord, Ledger, ObservedCharge
from recoup.ledger import past as module
from recoup.rules.case import AttemptState
from tests.ledger.builders import NOW, a_case, after, an_attempt


def test_every_case_comes_once_the_newest_first(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over several pages none is left out or repeated, those of one moment included; returns are not part of it."""
    monkeypatch.setattr(module, "_PAGE", 2)
    for number, hours in enumerate((0, 1, 1, 1, 2)):
        ledger.cases.open(a_case(f"in_{number}"), after(hours=hours))
    ledger.cases.open(a_case("in_9/r2"), after(hours=3))
    found = [past.case.id for past in ledger.past.newest_first()]
    assert found == ["in_4", "in_3", "in_2", "in_1", "in_0"]
    since = after(hours=1)
    assert [past.case.id for past in ledger.past.newest_first(since)] == found[:4]


def test_a_case_comes_with_all_that_was_known_and_done(ledger: Ledger) -> None:
    """Its attempts, the charges of others, its planned moments and the facts read of its cards, and those of no other case."""
    for case in ("in_1", "in_2"):
        ledger.cases.open(a_case(case), NOW)
        made = ledger.attempts.reserve(an_attempt(case, f"{case}/1"), after(hours=24)).attempt
        assert made is not None
        ledger.attempts.settle(made.id, AttemptResult(state=AttemptState.PAID), after(hours=24))
        charge = ObservedCharge(charge=f"ch_{case}", invoice=case, amount=4900, currency="pln", failed=True)
        ledger.attempts.observe(charge, after(hours=1))
        ledger.events.append(
            "failure_read", NOW, case_id=case, data={"card": {}}, unique=f"failure_read/{case}"
        )
        for request in ("r1/timing", "r2"):
            ledger.decisions.record(_decision(case), request)
    one, other = ledger.past.newest_first()
    for past in (one, other):
        name = past.case.id
        assert [row.case_id for row in past.attempts] == [name]
        assert [(row.charge, row.seen_at - NOW) for row in past.observed] == [
            (f"ch_{name}", timedelta(hours=1))
        ]
        assert [(row.kind, row.case_id) for row in past.read] == [("failure_read", name)]
        assert [(row.request, row.case_id, row.model) for row in past.plans] == [("r1/timing", name, "v1")]
    assert [row.request for row in ledger.past.plans_of("in_1")] == ["r1/timing"]
    assert ledger.past.plans_of("in_3") == []


def test_the_newest_of_some_kinds_is_found(ledger: Ledger) -> None:
    """Whatever came after it of other kinds; nothing where there is none."""
    assert ledger.past.newest_event("model_promoted", "model_refused") is None
    for number, kind in enumerate(("model_promoted", "model_refused", "model_promoted", "decided")):
        ledger.events.append(kind, after(hours=number))
    found = ledger.past.newest_event("model_promoted", "model_refused")
    assert found is not None
    assert found.at == after(hours=2)


def _decision(case: str) -> DecisionRecord:
    return DecisionRecord(
        case_id=case,
        at=NOW,
        rules_version=1,
        policy_version="v1",
        known={},
        candidates=[],
        choice={"kind": "plan", "at": None},
        because="a payday",
        model="v1",
    )
