"""What the Temporal UI shows under "current details" beside the next step, from a case alone."""

from __future__ import annotations

from datetime import timedelta

from recoup.rules.case import Promise, PutOff
from recoup.rules.steps import Step, StepKind
from tests.rules.cases import START, a_case
from workflows import _shown as shown

LOOK = Step(kind=StepKind.LOOK, due_at=START + timedelta(days=2), because="Stripe may have tried")
NIGHT = PutOff(key="reminder", until=START + timedelta(hours=9), because="it is night in Warsaw")


def test_who_and_what_a_case_waits_for_is_said_beside_its_next_step() -> None:
    """A message that was put off, a customer's word, the person who has the case: each has its line."""
    case = a_case(
        put_off=(NIGHT,),
        promise=Promise(at=START, until=START + timedelta(days=3)),
        assigned_to="anna",
        person_because="an operator wants to call the customer",
    )
    told = shown.details(case, LOOK, START)
    assert (
        f"Put off: reminder, until {NIGHT.until:%a %d %b %Y %H:%M} UTC, because it is night in Warsaw."
        in told
    )
    assert f"Promise: the customer pays by {START + timedelta(days=3):%a %d %b %Y %H:%M} UTC." in told
    assert "Waits for a person: an operator wants to call the customer." in told
    assert "Given to: anna." in told


def test_what_is_the_next_step_itself_is_said_once() -> None:
    """The message that comes next says why it waits; a case that has ended waits for nothing."""
    step = Step(kind=StepKind.MESSAGE, key="reminder", due_at=NIGHT.until, because=NIGHT.because)
    case = a_case(put_off=(NIGHT,), assigned_to="anna")
    assert shown.details(case, step, START).count("it is night in Warsaw") == 1
    ended = case.model_copy(update={"outcome": "recovered_by_retry", "because": "the bank approved"})
    assert "anna" not in shown.details(ended, step, START)
