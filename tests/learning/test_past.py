"""What is read from the ledger to learn from: only what was known before each attempt, and only what a schedule chose."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from recoup.learning.past import attempts_in, lines_of
from recoup.ledger import AttemptResult, DecisionRecord, Ledger, ObservedCharge, PastCase
from recoup.rules.case import AttemptState, Outcome, Trigger
from recoup.rules.declines import Decline
from recoup.timing._stories import shipped_stories
from recoup.timing.training import examples_of
from tests.learning.conftest import NewLedger
from tests.ledger.builders import NOW, a_case, after, an_attempt

SOFT = Decline(code="insufficient_funds", brand="visa")


@pytest.fixture
def ledger(new_ledger: NewLedger) -> Ledger:
    return new_ledger(str(uuid.uuid4()))


def tried(ledger: Ledger, hours: float, paid: bool, **more: Any) -> None:
    """An attempt of the case, with its answer a minute later."""
    at = after(hours=hours)
    made = ledger.attempts.reserve(an_attempt(request=f"r/{hours}", **more), at).attempt
    assert made is not None
    ledger.attempts.mark_sent(made.id, at)
    result = AttemptResult(state=AttemptState.PAID, charge=f"ch_{hours}", because="paid")
    if not paid:
        result = AttemptResult(state=AttemptState.DECLINED, charge=f"ch_{hours}", decline=SOFT)
    ledger.attempts.settle(made.id, result, at + timedelta(minutes=1))


def opened(ledger: Ledger, country: str | None = "PL") -> None:
    ledger.cases.open(a_case(decline=SOFT), NOW)
    if country is not None:
        card = {"method": "pm_1", "brand": "visa", "country": country, "funding": "debit"}
        refused = [{"at": NOW.isoformat(), "decline": SOFT.model_dump(mode="json"), "charge": "ch_0"}]
        data = {"card": card, "refused": refused}
        ledger.events.append("failure_read", NOW, case_id="in_1", data=data, unique="failure_read/in_1")


def the_case(ledger: Ledger) -> PastCase:
    (found,) = ledger.past.newest_first()
    return found


def test_each_attempt_has_what_was_known_before_it(ledger: Ledger) -> None:
    """Numbers, moments, refusals and the card that each attempt was made with, the first failure included."""
    opened(ledger)
    tried(ledger, 24, paid=False)
    card = {"method": "pm_2", "brand": "mastercard", "country": "DE", "funding": "credit"}
    ledger.events.append(
        "card_read", after(hours=48), case_id="in_1", data=card, unique="card_read/in_1/pm_2"
    )
    tried(ledger, 48, paid=False, payment_method="pm_2", brand="mastercard")
    tried(ledger, 72, paid=True, payment_method="pm_2", brand="mastercard")
    lines = lines_of(the_case(ledger))
    assert [(line.number, line.at, line.outcome) for line in lines] == [
        (1, NOW, "declined"), (2, after(hours=24), "declined"), (3, after(hours=48), "declined"), (4, after(hours=72), "approved"),
    ]  # fmt: skip
    assert [(line.country, line.funding) for line in lines] == [("PL", "debit")] * 2 + [("DE", "credit")] * 2
    examples = examples_of(lines, shipped_stories())
    assert [len(example.situation.tried) for example in examples] == [1, 2, 3]


def test_only_what_a_schedule_chose_is_an_example(ledger: Ledger) -> None:
    """A card update, an operator, and charges of others stand in the history of what follows, and are not learned from."""
    opened(ledger)
    tried(ledger, 10, paid=False, trigger=Trigger.MANUAL)
    tried(ledger, 20, paid=False, trigger=Trigger.CARD_UPDATE)
    theirs = ObservedCharge(charge="ch_x", invoice="in_1", amount=4900, currency="pln", failed=True, decline=SOFT, made_at=after(hours=30))  # fmt: skip
    ledger.attempts.observe(theirs, after(hours=30))
    tried(ledger, 72, paid=True)
    lines = lines_of(the_case(ledger))
    assert [line.scheduled for line in lines] == [False, False, False, False, True]
    (example,) = examples_of(lines, shipped_stories())
    assert len(example.situation.tried) == 4


def test_an_end_by_the_customers_own_doing_counts_up_to_the_last_attempt(ledger: Ledger) -> None:
    """After the customer paid by themselves nothing is made up: the end is told as such, and is no answer of a bank."""
    opened(ledger)
    tried(ledger, 24, paid=False)
    ledger.cases.close("in_1", Outcome.RECOVERED_BY_CUSTOMER, "paid", after(hours=50))
    lines = lines_of(the_case(ledger))
    assert [line.outcome for line in lines] == ["declined", "declined", "updated"]
    assert [example.approved for example in examples_of(lines, shipped_stories())] == [False]


def test_nothing_is_read_that_was_answered_later(ledger: Ledger) -> None:
    """Read as of a moment, an attempt whose answer came after it is not there, though it was sent before."""
    opened(ledger)
    tried(ledger, 24, paid=True)
    sent: datetime = after(hours=24)
    assert len(attempts_in(ledger, sent)) == 1
    assert len(attempts_in(ledger, sent + timedelta(minutes=1))) == 2


def test_a_case_from_before_the_facts_were_kept_is_read_too(ledger: Ledger) -> None:
    """Without its facts the first failure is the one that the case began with, and what is not known stays unknown."""
    opened(ledger, country=None)
    tried(ledger, 24, paid=True)
    first, second = lines_of(the_case(ledger))
    assert (first.at, first.decline and first.decline.code, first.number) == (NOW, "insufficient_funds", 1)
    assert (second.country, second.brand, second.outcome) == (None, "visa", "approved")


def test_an_attempt_without_an_answer_says_nothing(ledger: Ledger) -> None:
    """What is under way, or was never sent, is neither an approval nor a refusal."""
    opened(ledger)
    made = ledger.attempts.reserve(an_attempt(), after(hours=24)).attempt
    assert made is not None
    assert len(lines_of(the_case(ledger))) == 1
    ledger.attempts.withdraw(made.id, "not wanted", after(hours=25))
    assert len(lines_of(the_case(ledger))) == 1


@pytest.mark.parametrize(
    ("late", "replanned", "propensity"),
    [(0.0, False, 0.2), (2.9, False, 0.2), (3.0, False, None), (0.0, True, 0.8)],
    ids=["at its moment", "hours later", "held back", "planned anew"],
)
def test_an_attempt_has_the_chance_of_its_plan_where_it_was_made_as_planned(
    ledger: Ledger, late: float, replanned: bool, propensity: float | None
) -> None:
    """One that something held back beyond the plan's three hours has none, and of two plans the later one counts."""
    opened(ledger)
    plans = [(0, 0.2), (5, 0.8)] if replanned else [(0, 0.2)]
    for hours, chance in plans:
        choice = {"kind": "plan", "at": after(hours=24).isoformat()}
        record = DecisionRecord(
            case_id="in_1", at=after(hours=hours), rules_version=1, policy_version="v1", known={}, candidates=[],
            choice=choice, because="a payday", propensity=chance,
        )  # fmt: skip
        ledger.decisions.record(record, f"{hours}/timing")
    tried(ledger, 24 + late, paid=True)
    assert lines_of(the_case(ledger))[-1].propensity == propensity
