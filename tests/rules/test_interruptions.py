"""What the decision makes of news in between: limits during a return or a pause, long outages, steps that failed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from recoup.errors import RecoupError
from recoup.policy.file import load_policy
from recoup.rules import fold
from recoup.rules.case import Access, AttemptState, Case, MessageState, Outcome, Stage, Template, Trigger
from recoup.rules.declines import Decline
from recoup.rules.policy import Campaign, LastNotice, MessageStep, Retries
from recoup.rules.step import StepKind
from recoup.rules.steps import next_step, stage_of
from tests.rules.cases import START, a_case
from tests.rules.test_next_step import DAY, decide, declined, told


def limited(case: Case, until_day: float, trigger: Trigger = Trigger.CARD_UPDATE) -> Case:
    """The attempt was not made: a limit asks to wait."""
    return fold.attempt_not_made(fold.attempt_begun(case), trigger, START + until_day * DAY, "a limit")


def test_a_return_waits_for_the_moment_that_a_limit_allows() -> None:
    """The new card's attempt is forbidden for a day: the return neither writes nor ends before it was made."""
    case = fold.method_updated(a_case(is_return=True, access=Access.SUSPENDED), "pm_2", Trigger.CARD_UPDATE)
    step = decide(limited(case, 1))
    assert (step.kind, step.due_at) == (StepKind.ATTEMPT, START + DAY)


@pytest.mark.parametrize("held", ["pause", "person"])
def test_a_new_card_that_had_to_wait_is_tried_during_a_pause(held: str) -> None:
    """Neither a pause nor an open question keeps the customer's card waiting longer than the limit does."""
    case = limited(fold.method_updated(told(a_case()), "pm_2", Trigger.CARD_UPDATE), 1)
    case = fold.paused(case, START + 9 * DAY) if held == "pause" else fold.person_needed(case, "why")
    step = decide(case)
    assert (step.kind, step.due_at) == (StepKind.ATTEMPT, START + DAY)
    later = fold.paused(case, START + DAY / 2)
    assert held != "pause" or decide(later).kind is StepKind.RESUME


def test_the_old_cards_limit_does_not_hold_the_new_one() -> None:
    """The attempt under way is told to wait while a new card arrives: the card is due at once."""
    case = fold.method_updated(fold.attempt_begun(told(a_case())), "pm_2", Trigger.CARD_UPDATE)
    waits = fold.attempt_not_made(case, Trigger.SCHEDULE, START + 5 * DAY, "a limit")
    assert (decide(waits).trigger, decide(waits).due_at) == (Trigger.CARD_UPDATE, START)


def test_a_limit_keeps_an_operators_wish() -> None:
    """What an operator asked for is made when the limit allows it."""
    case = limited(fold.retry_requested(told(a_case())), 2, Trigger.MANUAL)
    attempt = next(c for c in decide(case).candidates if c.kind is StepKind.ATTEMPT)
    assert (case.untried, attempt.due_at) == (Trigger.MANUAL, START + 2 * DAY)


def test_an_operators_wish_does_not_outlive_a_final_refusal() -> None:
    """While it waits, the bank says never: the attempt that an operator asked for is not made any more."""
    case = limited(fold.retry_requested(told(a_case())), 2, Trigger.MANUAL)
    case = fold.looked(case, Decline(code="stolen_card", brand="visa"), START)
    assert case.untried is None


def test_an_operators_wish_leaves_a_new_cards_attempt_its_name() -> None:
    """Asked for twice, by the customer's card and by an operator: it counts for the card."""
    case = fold.retry_requested(fold.method_updated(told(a_case()), "pm_2", Trigger.CARD_UPDATE))
    assert case.untried is Trigger.CARD_UPDATE


def test_a_payment_by_the_new_card_counts_for_it_whoever_made_the_attempt() -> None:
    """The scheduled attempt used the card whose news came during it: recovered by the card update."""
    case = fold.method_updated(fold.attempt_begun(told(a_case())), "pm_2/2030-1", Trigger.CARD_UPDATE)
    paid = fold.attempt_folded(
        case, Trigger.SCHEDULE, AttemptState.PAID, number=1, at=START, because="x", payment_method="pm_2"
    )
    assert paid.outcome is Outcome.RECOVERED_BY_CARD_UPDATE


def test_a_last_notice_that_is_due_makes_the_missed_reminders_pointless() -> None:
    """After a long pause the customer reads one mail, the last notice, and no older reminder after it."""
    case = declined(told(a_case(retries_made=4)), START + DAY)
    late = START + 30 * DAY
    step = decide(case, late)
    assert step.key == "last_notice"
    noticed = fold.message_done(case, "last_notice", MessageState.SENT, late)
    assert decide(noticed, late).kind is StepKind.SUSPEND


def test_a_reminder_planned_for_after_the_last_notice_still_goes_out() -> None:
    """A notice long before the suspension does not silence what the campaign says later."""
    campaign = Campaign(window_days=14, grace_days=0, warning=LastNotice(days_before=10))
    case = told(a_case(Decline(code="expired_card"), campaign=campaign))
    case = fold.message_done(case, "last_notice", MessageState.SENT, START + 4 * DAY)
    step = decide(case, START + 4 * DAY)
    assert (step.key, step.due_at) == ("reminder", START + 5 * DAY)


def test_mending_something_else_does_not_count_as_the_last_notice() -> None:
    """A person resumed a case because a step was mended: nobody told the customer by that."""
    case = fold.message_done(told(a_case()), "last_notice", MessageState.UNKNOWN, START)
    resumed = fold.resumed(fold.step_failed(case, StepKind.LOOK, "broken"), START)
    assert resumed.message("last_notice/person") is None
    assert (resumed.person_because, resumed.failed_step) == (None, None)


@pytest.mark.parametrize("kind", [StepKind.CLOSE, StepKind.RESTORE, StepKind.MESSAGE])
def test_a_step_that_failed_after_the_outcome_waits_for_a_person(kind: StepKind) -> None:
    """Whatever it is, it is not due again by itself, and the stage says who is waited for."""
    case = fold.attempt_paid(told(a_case(access=Access.SUSPENDED)), Trigger.SCHEDULE, START, "x")
    if kind is not StepKind.CLOSE:
        case = fold.closed(case, Outcome.RECOVERED_BY_RETRY, "x", START)
    if kind is StepKind.MESSAGE:
        case = fold.restored(case)
    assert decide(case).kind is kind
    case = fold.step_failed(case, kind, "it is broken")
    step = decide(case)
    assert (step.kind, step.due_at, step.because) == (StepKind.PERSON, None, "it is broken")
    assert stage_of(case, step, START) is Stage.PERSON
    assert decide(fold.resumed(case, START)).kind is kind


def test_a_new_card_is_tried_although_an_attempt_failed_for_good() -> None:
    """What could not be attempted with one card may well be with the next."""
    case = fold.step_failed(fold.still_wanted(told(a_case()), Trigger.MANUAL), StepKind.ATTEMPT, "broken")
    assert decide(case).kind is StepKind.PERSON
    assert decide(fold.method_updated(case, "pm_2", Trigger.CARD_UPDATE)).kind is StepKind.ATTEMPT


def test_a_case_that_ends_waits_for_the_answer_of_its_attempt_first() -> None:
    """Disputed while a bank debit is on its way: settled when it is due, then closed."""
    case = fold.attempt_open(told(a_case()), Trigger.SCHEDULE, 1, START + DAY)
    case = fold.ended(case, Outcome.CLOSED_DISPUTED, "disputed")
    assert (decide(case).kind, decide(case).due_at) == (StepKind.SETTLE, START + DAY)
    assert decide(fold.attempt_answered(case), START + DAY / 2).due_at == START + DAY / 2
    gone = fold.attempt_folded(
        case,
        Trigger.SCHEDULE,
        AttemptState.SKIPPED,
        number=1,
        at=START,
        because="x",
        ended_as=Outcome.CLOSED_VOIDED,
    )
    assert (decide(gone).kind, gone.outcome) == (StepKind.CLOSE, Outcome.CLOSED_DISPUTED)


@pytest.mark.parametrize(
    ("outcome", "is_return", "restores"),
    [
        (Outcome.RECOVERED_BY_CUSTOMER, False, True),
        (Outcome.RECOVERED_BY_CUSTOMER, True, True),
        (Outcome.CLOSED_STOPPED, False, True),
        (Outcome.CLOSED_VOIDED, True, False),
        (Outcome.LOST_SUSPENDED, False, False),
        (Outcome.LOST_CANCELLED, False, False),
    ],
)
def test_access_comes_back_with_the_payment_or_when_its_end_was_interrupted(
    outcome: Outcome, is_return: bool, restores: bool
) -> None:
    """The ledger says at the close that the subscription is suspended; the outcome says what follows."""
    case = fold.ended(a_case(is_return=is_return), outcome, "x")
    case = fold.closed(case, outcome, "x", START, suspended=True)
    assert (decide(case).kind is StepKind.RESTORE) is restores


def test_an_attempt_that_was_asked_for_during_the_suspension_comes_before_its_end() -> None:
    """The suspension is done, the case goes on: the new card first, and only then lost."""
    case = fold.method_updated(told(a_case()), "pm_2", Trigger.CARD_UPDATE)
    case = fold.suspended(case, "nothing was paid")
    assert (case.outcome, case.access, decide(case).kind) == (None, Access.SUSPENDED, StepKind.ATTEMPT)
    assert fold.suspended(fold.attempt_begun(case), "nothing").outcome is Outcome.LOST_SUSPENDED


def test_a_suspension_happens_once_although_an_attempt_has_to_wait_beyond_it() -> None:
    """A limit puts an operator's attempt off until after the suspension: suspended once, then that attempt, then the end."""
    notice = START + (Campaign().suspend_after_days - Campaign().warning.days_before) * DAY
    case = fold.message_done(told(a_case()), "last_notice", MessageState.SENT, notice)
    case = limited(fold.retry_requested(case), 30, Trigger.MANUAL)
    now = START + Campaign().suspend_after_days * DAY
    assert decide(case, now).kind is StepKind.SUSPEND
    case = fold.suspended(case, "nothing was paid")
    assert (decide(case, now).kind, decide(case, now).due_at) == (StepKind.ATTEMPT, START + 30 * DAY)
    case = fold.attempt_declined(
        fold.attempt_begun(case), Trigger.MANUAL, START + 30 * DAY, case.decline, "pm_1"
    )
    assert decide(case, START + 30 * DAY).kind is StepKind.SUSPEND
    assert fold.suspended(case, "nothing was paid").outcome is Outcome.LOST_SUSPENDED


def test_the_smallest_campaign_goes_from_the_message_to_the_suspension() -> None:
    """One day, no retries, no grace, a last notice on the day itself: message, notice, suspension, each once."""
    campaign = Campaign(
        messages=(MessageStep(template="payment_failed", after_days=0),),
        retries=Retries(after_days=()),
        window_days=1,
        grace_days=0,
        warning=LastNotice(days_before=0),
    )
    case, now, kinds = a_case(campaign=campaign), START, []
    while (step := next_step(case, campaign, now)).kind is StepKind.MESSAGE:
        now = max(now, step.due_at or now)
        kinds.append((step.template, (now - START) / timedelta(days=1)))
        case = fold.message_done(case, step.key or "", MessageState.SENT, now)
    assert kinds == [(Template.PAYMENT_FAILED, 0.0), (Template.LAST_NOTICE, 1.0)]
    assert (step.kind, step.due_at) == (StepKind.SUSPEND, START + DAY)


def test_a_first_message_after_the_last_notice_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Nobody is warned of a suspension before they know that a payment failed."""
    file = tmp_path / "policy.yaml"
    file.write_text(
        "version: 1\ncampaigns:\n- window_days: 1\n  grace_days: 0\n  retries: {after_days: []}\n"
        "  warning: {days_before: 0.9}\n  messages: [{template: payment_failed, after_days: 0.5}]\n"
    )
    with pytest.raises(RecoupError, match="must not come after the last notice"):
        load_policy(file)
