"""A message that an operator asks for: at once, beside the campaign's own, and never twice within a day."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from recoup.rules import fold
from recoup.rules.case import Case, MessageState, Template
from recoup.rules.contact import Hours
from recoup.rules.conversation import History, Said, Told, Wish, may_tell
from recoup.rules.step import StepKind
from recoup.rules.steps import next_step, next_try
from recoup.rules.telling_now import asked_for, refusal
from tests.rules.cases import a_case

DAY = timedelta(days=1)
CASE = fold.message_done(a_case(), "payment_failed", MessageState.SENT, a_case().failed_at)
NOW = CASE.failed_at + DAY / 2
UTC = Hours(ZoneInfo("UTC"))


def key_of(case: Case) -> str:
    assert case.asked_message is not None
    return case.asked_message.key


def test_it_comes_next_and_the_campaign_goes_on_as_before() -> None:
    """It is said now, tells of the next attempt, and once it is said the case does what it would have done."""
    before = next_step(CASE, CASE.campaign, NOW)
    asked = asked_for(CASE, Template.REMINDER)
    step = next_step(asked, asked.campaign, NOW)
    assert (step.kind, step.key, step.due_at) == (StepKind.MESSAGE, "reminder/by_hand/1", NOW)
    assert next_try(asked, step, NOW) == before.due_at
    said = fold.message_done(asked, key_of(asked), MessageState.SENT, NOW)
    assert next_step(said, said.campaign, NOW) == before
    assert key_of(asked_for(said, Template.REMINDER)) == "reminder/by_hand/2"


@pytest.mark.parametrize(
    "held", [{"person_because": "a question"}, {"paused_until": NOW + DAY}], ids=["person", "pause"]
)
def test_it_is_said_while_the_case_is_held(held: dict[str, object]) -> None:
    """A pause and a person's question hold the campaign, and not what a person asks for; the night holds both."""
    asked = asked_for(CASE.model_copy(update=held), Template.REMINDER)
    assert next_step(asked, asked.campaign, NOW).key == key_of(asked)
    night = fold.message_put_off(asked, key_of(asked), NOW + 2 * DAY, "it is night")
    assert next_step(night, night.campaign, NOW).kind in (StepKind.PERSON, StepKind.RESUME, StepKind.MESSAGE)
    assert next_step(night, night.campaign, NOW).due_at != NOW


def test_what_cannot_be_asked_for() -> None:
    """A last notice has its own moment, and one message at a time waits to go out."""
    assert "no message last_notice" in str(refusal(CASE, Template.LAST_NOTICE))
    assert refusal(CASE, Template.REMINDER) is None
    assert "one at a time" in str(refusal(asked_for(CASE, Template.REMINDER), Template.REMINDER))


def wish(key: str, template: Template = Template.REMINDER) -> Wish:
    return Wish(key=f"in_1/{key}", name=key, invoice="in_1", customer="cus_1", template=template, channel="email")  # fmt: skip


def told(key: str, hours: float, template: Template = Template.REMINDER) -> Told:
    return Told(
        message=f"in_1/{key}", template=template, channel="email", state=MessageState.SENT, at=NOW - hours * DAY / 24,
        said=Said.OPEN, stands_for=f"in_1/{key}",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "before", "hours", "goes_out"),
    [
        ("reminder/by_hand/1", "payment_failed", 23, False),
        ("reminder/by_hand/1", "payment_failed", 25, True),
        ("reminder/by_hand/2", "reminder/by_hand/1", 3, False),
        ("reminder/2", "reminder/by_hand/1", 3, False),
        ("reminder/2", "reminder/by_hand/1", 25, True),
        ("reminder/2", "reminder", 3, True),
    ],
)
def test_the_same_is_not_said_twice_within_a_day(
    wanted: str, before: str, hours: float, goes_out: bool
) -> None:
    """Whichever of the two was asked for by hand; the campaign's own keep the distance that the campaign gives them."""
    answer = may_tell(wish(wanted), History(told=(told(before, hours),), sent=()), UTC, NOW)
    assert answer.is_yes is goes_out
    assert goes_out or answer.covered_by is not None


def test_a_confirmation_asked_for_by_hand_is_not_repeated_either() -> None:
    """Where the bank waits for the customer, that was said today is enough."""
    asked = wish("authentication_needed/by_hand/1", Template.AUTHENTICATION_NEEDED)
    before = told("authentication_needed", 3, Template.AUTHENTICATION_NEEDED)
    assert not may_tell(asked, History(told=(before,), sent=()), UTC, NOW).is_yes
