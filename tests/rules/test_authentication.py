"""3-D Secure: a case that needs the customer's authentication waits for the customer, and says so at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from recoup.rules import fold
from recoup.rules.case import AttemptState, Case, MessageState, Template, Trigger
from recoup.rules.declines import Decline
from recoup.rules.policy import Campaign, Retries, RetryMode
from recoup.rules.steps import StepKind, next_step
from recoup.rules.weaving import StripeTries
from tests.rules.cases import START, a_case

DAY = timedelta(days=1)
ASKED = Decline(code="authentication_required", brand="visa")


def told(case: Case, key: str = "payment_failed", days: float = 0) -> Case:
    return fold.message_done(case, key, MessageState.SENT, START + days * DAY)


def declined_now(case: Case, days: float, decline: Decline = ASKED) -> Case:
    """An attempt after a card update was refused."""
    asked = fold.method_updated(case, f"pm_{days}", Trigger.CARD_UPDATE)
    return fold.attempt_folded(
        fold.attempt_begun(asked),
        Trigger.CARD_UPDATE,
        AttemptState.DECLINED,
        number=1,
        at=START + days * DAY,
        because="x",
        decline=decline,
        payment_method=f"pm_{days}",
    )


@pytest.mark.parametrize("mode", list(RetryMode))
def test_nothing_is_tried_in_silence(mode: RetryMode) -> None:
    """In no mode is there a scheduled attempt; every word until the last notice leads to the page that finishes it."""
    campaign = Campaign(retries=Retries(mode=mode))
    case, templates = a_case(ASKED, campaign), []
    for _ in range(3):
        step = next_step(case, campaign, START)
        assert step.kind is StepKind.MESSAGE
        assert not [each for each in step.candidates if each.kind is StepKind.ATTEMPT]
        templates.append(step.template)
        case = fold.message_done(case, step.key or "", MessageState.SENT, step.due_at or START)
    assert templates == [Template.AUTHENTICATION_NEEDED] * 3


def test_a_new_card_that_needs_it_is_told_of_at_once() -> None:
    """The customer was told of a plain failure and brought a card that needs 3-D Secure: they hear of it before any reminder."""
    case = declined_now(told(a_case()), 1)
    step = next_step(case, case.campaign, START + DAY)
    assert (step.kind, step.template, step.key) == (
        StepKind.MESSAGE,
        Template.AUTHENTICATION_NEEDED,
        "authentication_needed",
    )
    assert step.is_due(START + DAY)
    after = told(case, "authentication_needed", 1)
    assert next_step(after, after.campaign, START + DAY).key == "reminder"


def test_each_card_that_needs_it_is_told_of_once() -> None:
    """Another new card, asked again: a second message of its own, and nothing more for the same attempt."""
    case = told(declined_now(told(a_case()), 1), "authentication_needed", 1)
    again = declined_now(case, 2)
    assert next_step(again, again.campaign, START + 2 * DAY).key == "authentication_needed/2"
    done = told(again, "authentication_needed/2", 2)
    assert next_step(done, done.campaign, START + 2 * DAY).key == "reminder"


def test_one_that_stripe_met_is_told_of_too() -> None:
    """Stripe's own retry was refused for want of authentication: the customer hears of it, though no attempt was ours."""
    case = told(a_case(campaign=Campaign(retries=Retries(mode=RetryMode.OBSERVE))))
    case = fold.stripe_seen(fold.failed_again(case), StripeTries(last=START + DAY))
    case = fold.looked(case, ASKED, START + DAY)
    assert next_step(case, case.campaign, START + DAY).template is Template.AUTHENTICATION_NEEDED


def test_a_plain_refusal_brings_no_such_message() -> None:
    """A new card that was refused for another reason is not asked to be confirmed."""
    case = declined_now(told(a_case()), 1, Decline(code="expired_card"))
    assert next_step(case, case.campaign, START + DAY).template is not Template.AUTHENTICATION_NEEDED


def test_a_return_that_needs_it_says_so() -> None:
    """After a suspension too the customer is led to the confirmation instead of being told to bring a card."""
    case = declined_now(a_case(is_return=True), 1)
    step = next_step(case, case.campaign, START + DAY)
    assert (step.key, step.template) == ("reminder", Template.AUTHENTICATION_NEEDED)
