"""The one decision function: what a case does next, when and why."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from recoup.rules import fold
from recoup.rules.case import Access, AttemptState, Case, MessageState, Outcome, Stage, Template, Trigger
from recoup.rules.declines import Decline
from recoup.rules.policy import Campaign, Ending, LastNotice, MessageStep, Retries, RetryMode
from recoup.rules.steps import Step, StepKind, next_step, stage_of
from recoup.rules.suspension import suspend_at
from tests.rules.cases import START, a_case

DAY = timedelta(days=1)


def decide(case: Case, now: datetime = START) -> Step:
    return next_step(case, case.campaign, now)


def told(case: Case, at: datetime = START) -> Case:
    return fold.message_done(case, "payment_failed", MessageState.SENT, at)


def told_again(case: Case) -> Case:
    return fold.message_done(case, "reminder", MessageState.SENT, START + 5 * DAY)


def declined(case: Case, at: datetime, decline: Decline | None = None) -> Case:
    return fold.attempt_declined(case, Trigger.SCHEDULE, at, decline or case.decline, "pm_1")


def test_the_first_thing_is_to_tell_the_customer() -> None:
    """A new case tells the customer at once, before anything is tried."""
    step = decide(a_case())
    assert (step.kind, step.due_at, step.template) == (StepKind.MESSAGE, START, Template.PAYMENT_FAILED)


def test_after_the_first_message_comes_the_first_retry_of_the_campaign() -> None:
    """The scheduled attempt has the campaign's day, counted from the first failure."""
    step = decide(told(a_case()))
    assert (step.kind, step.due_at, step.trigger) == (StepKind.ATTEMPT, START + DAY, Trigger.SCHEDULE)


def test_retries_use_up_the_campaigns_days_one_by_one() -> None:
    """After each decline the next day of the campaign is taken; after the last one none."""
    case, days_seen = (
        told(a_case(campaign=Campaign(messages=(MessageStep(template="payment_failed", after_days=0),)))),
        [],
    )
    now = START
    while (step := decide(case, now)).kind is StepKind.ATTEMPT:
        assert step.due_at is not None
        now = step.due_at
        days_seen.append((now - START).days)
        case = declined(case, now)
    assert days_seen == [1, 3, 7, 12]
    assert step.key == "last_notice"


@pytest.mark.parametrize(
    "decline",
    [
        Decline(code="stolen_card", brand="visa"),
        Decline(code="expired_card", brand="visa"),
        Decline(code="do_not_honor", advice_code="do_not_try_again", brand="visa"),
        Decline(code="insufficient_funds", network_advice_code="03", brand="mastercard"),
        Decline(code="do_not_honor", network_decline_code="57", brand="visa"),
        Decline(code="generic_decline", kind="blocked", brand="visa"),
        Decline(code="authentication_required", brand="visa"),
        fold.NO_METHOD,
    ],
    ids=lambda decline: (
        f"{decline.code}-{decline.advice_code or decline.network_advice_code or decline.kind}"
    ),
)
def test_what_cannot_succeed_is_never_retried_silently(decline: Decline) -> None:
    """Hard, fraudulent and must-act declines plan no attempt, only words and the suspension."""
    case, now = a_case(decline), START
    kinds = []
    while (step := decide(case, now)).kind is not StepKind.SUSPEND:
        kinds.append(step.kind)
        now = max(now, step.due_at or now)
        case = fold.message_done(case, step.key or "", MessageState.SENT, now)
    assert set(kinds) == {StepKind.MESSAGE}


def test_the_networks_codes_mean_nothing_under_another_brand() -> None:
    """A Mastercard advice on a Visa card, and a Visa category on a Mastercard, forbid nothing."""
    for decline in (
        Decline(code="insufficient_funds", network_advice_code="03", brand="visa"),
        Decline(code="insufficient_funds", network_decline_code="57", brand="mastercard"),
    ):
        assert decide(told(a_case(decline))).kind is StepKind.ATTEMPT


def test_a_bank_that_asks_for_days_of_pause_gets_them() -> None:
    """Mastercard advice 28 (6 days) moves the next attempt out, and the reason says so."""
    asked = Decline(code="insufficient_funds", network_advice_code="28", brand="mastercard")
    case = declined(told(a_case()), START + DAY, asked)
    step = decide(case, START + 6 * DAY)
    attempt = next(c for c in decide(case, START + DAY).candidates if c.kind is StepKind.ATTEMPT)
    assert attempt.due_at == START + 7 * DAY
    assert (step.key, decide(told_again(case), START + 6 * DAY).because) == (
        "reminder",
        "Mastercard advice 28: the bank asks to wait 6 days",
    )


def test_authentication_needed_is_told_with_its_own_message() -> None:
    """A decline for want of authentication sends the customer to the page that finishes it."""
    step = decide(a_case(Decline(code="authentication_required")))
    assert (step.template, step.key) == (Template.AUTHENTICATION_NEEDED, "payment_failed")


def test_a_new_card_is_tried_at_once_and_once() -> None:
    """A card update brings one immediate attempt for each version of the method, outside the schedule's budget."""
    case = fold.method_updated(told(a_case(Decline(code="expired_card"))), "pm_2/2030-1", Trigger.CARD_UPDATE)
    step = decide(case, START + 2 * DAY)
    assert (step.kind, step.trigger, step.due_at) == (StepKind.ATTEMPT, Trigger.CARD_UPDATE, START + 2 * DAY)
    tried = fold.attempt_declined(
        case, Trigger.CARD_UPDATE, START + 2 * DAY, Decline(code="expired_card"), "pm_2"
    )
    assert tried.retries_made == 0
    assert fold.method_updated(tried, "pm_2/2030-1", Trigger.CARD_UPDATE) == tried
    assert fold.method_updated(tried, "pm_2/2031-1", Trigger.CARD_UPDATE).untried is Trigger.CARD_UPDATE


def test_a_new_card_does_not_wait_for_a_pause_that_the_old_ones_bank_asked_for() -> None:
    """The bank's pause belongs to the old card."""
    asked = Decline(code="insufficient_funds", network_advice_code="28", brand="mastercard")
    case = declined(told(a_case()), START + DAY, asked)
    case = fold.method_updated(case, "pm_2/2030-1", Trigger.CARD_UPDATE)
    assert decide(case, START + 2 * DAY).due_at == START + 2 * DAY


def test_an_operators_retry_waits_for_the_moment_that_is_allowed() -> None:
    """A hard gate: the operator's wish too is due only when the bank's pause is over, and words go on meanwhile."""
    asked = Decline(code="insufficient_funds", network_advice_code="28", brand="mastercard")
    case = fold.retry_requested(declined(told(a_case()), START + DAY, asked))
    step = decide(case, START + 2 * DAY)
    assert step.kind is StepKind.MESSAGE
    assert [(c.kind, c.due_at) for c in step.candidates if c.kind is StepKind.ATTEMPT] == [
        (StepKind.ATTEMPT, START + 7 * DAY)
    ]


def test_nothing_is_charged_while_an_attempt_has_no_answer() -> None:
    """An unsettled attempt is settled before anything else, whatever else is wanted."""
    case = fold.attempt_open(told(a_case()), Trigger.SCHEDULE, 2, START + DAY)
    for wanted in (case, fold.retry_requested(case), fold.method_updated(case, "pm_2", Trigger.CARD_UPDATE)):
        step = decide(wanted, START + 2 * DAY)
        assert step.kind is StepKind.SETTLE


def test_a_pause_holds_our_own_steps_but_not_the_customer() -> None:
    """During an operator's pause nothing of the campaign is due; a new card still is."""
    case = fold.paused(told(a_case()), START + 10 * DAY)
    assert (decide(case, START + 5 * DAY).kind, decide(case, START + 5 * DAY).due_at) == (
        StepKind.RESUME,
        START + 10 * DAY,
    )
    assert (
        decide(fold.method_updated(case, "pm_2", Trigger.CARD_UPDATE), START + 5 * DAY).kind
        is StepKind.ATTEMPT
    )


def test_reminders_missed_during_a_pause_are_not_all_sent_at_once() -> None:
    """Of several overdue reminders only the last one is sent."""
    case = declined(told(a_case(retries_made=4)), START + DAY)
    step = decide(case, START + 11 * DAY)
    assert step.key == "reminder/2"
    after = fold.message_done(case, "reminder/2", MessageState.SENT, START + 11 * DAY)
    assert decide(after, START + 11 * DAY).key == "last_notice"


def test_the_suspension_is_never_nearer_to_the_last_notice_than_promised() -> None:
    """However late the last notice went out, the promised days follow it."""
    late = START + 30 * DAY
    case = fold.message_done(told(a_case(retries_made=4)), "reminder/2", MessageState.SENT, START + 10 * DAY)
    case = fold.message_done(case, "last_notice", MessageState.SENT, late)
    assert suspend_at(case, case.campaign) == late + 3 * DAY
    step = decide(case, late)
    assert (step.kind, step.due_at) == (StepKind.SUSPEND, late + 3 * DAY)


def test_a_last_notice_that_may_not_have_arrived_is_sent_once_more() -> None:
    """An unclear last notice is no confirmation: it goes out again, and only a confirmed one allows the suspension."""
    case = _at_the_last_notice(MessageState.UNKNOWN)
    again = decide(case, START + 18 * DAY)
    assert (again.kind, again.key) == (StepKind.MESSAGE, "last_notice/2")
    sent = fold.message_done(case, "last_notice/2", MessageState.SENT, START + 19 * DAY)
    assert (decide(sent, START + 19 * DAY).kind, decide(sent, START + 19 * DAY).due_at) == (
        StepKind.SUSPEND,
        START + 22 * DAY,
    )


@pytest.mark.parametrize("states", [(MessageState.FAILED,), (MessageState.UNKNOWN, MessageState.UNKNOWN)])
def test_no_suspension_without_a_confirmed_last_notice(states: tuple[MessageState, ...]) -> None:
    """Where the last notice cannot be confirmed a person must act; their word counts as the notice, and its days follow."""
    case = _at_the_last_notice(*states)
    step = decide(case, START + 60 * DAY)
    assert step.kind is StepKind.PERSON
    asked = fold.person_needed(case, step.because)
    assert decide(asked, START + 90 * DAY).due_at is None
    resumed = fold.resumed(asked, START + 90 * DAY)
    after = decide(resumed, START + 90 * DAY)
    assert (after.kind, after.due_at) == (StepKind.SUSPEND, START + 93 * DAY)


def _at_the_last_notice(*states: MessageState) -> Case:
    case = fold.message_done(told(a_case(retries_made=4)), "reminder/2", MessageState.SENT, START + 10 * DAY)
    for number, state in enumerate(states, 1):
        key = "last_notice" if number == 1 else f"last_notice/{number}"
        case = fold.message_done(case, key, state, START + 18 * DAY)
    return case


def test_when_stripe_retries_recoup_only_writes() -> None:
    """With ``observe`` no attempt is planned, but a new card still is collected at once."""
    campaign = Campaign(retries=Retries(mode=RetryMode.OBSERVE))
    case = told(a_case(campaign=campaign))
    assert not [c for c in decide(case).candidates if c.kind is StepKind.ATTEMPT]
    assert decide(fold.method_updated(case, "pm_2", Trigger.CARD_UPDATE), START).kind is StepKind.ATTEMPT
    assert decide(fold.failed_again(case), START).kind is StepKind.LOOK


def test_an_outcome_is_committed_before_its_consequences() -> None:
    """Close first, then restore, then the thank-you, then the end."""
    case = fold.attempt_paid(
        told(a_case(access=Access.SUSPENDED)), Trigger.CARD_UPDATE, START, "the bank approved"
    )
    kinds = []
    for _ in range(4):
        step = decide(case)
        kinds.append(step.kind)
        if step.kind is StepKind.CLOSE:
            case = fold.closed(case, Outcome.RECOVERED_BY_CARD_UPDATE, "x", START)
        elif step.kind is StepKind.RESTORE:
            case = fold.restored(case)
        elif step.kind is StepKind.MESSAGE:
            case = fold.message_done(case, step.key or "", MessageState.SENT, START)
    assert kinds == [StepKind.CLOSE, StepKind.RESTORE, StepKind.MESSAGE, StepKind.END]


def test_who_was_never_told_of_the_failure_is_not_thanked() -> None:
    """A recovery before any message ends in silence."""
    case = fold.closed(
        fold.attempt_paid(a_case(), Trigger.SCHEDULE, START, "x"), Outcome.RECOVERED_BY_RETRY, "x", START
    )
    assert decide(case).kind is StepKind.END


def test_a_stopped_case_gives_the_invoice_back_to_stripe() -> None:
    """What Recoup switched off is switched on again when an operator stops the recovery, once."""
    case = fold.closed(
        fold.ended(told(a_case()), Outcome.CLOSED_STOPPED, "asked"), Outcome.CLOSED_STOPPED, "asked", START
    )
    assert decide(case).kind is StepKind.RELEASE
    assert decide(fold.released(case)).kind is StepKind.END


def test_the_first_outcome_stands_but_our_own_paid_attempt_says_who_paid() -> None:
    """Later news changes nothing; the answer of an attempt under way corrects the cause until the case is closed."""
    case = fold.invoice_paid(a_case(), outside=False, by_stripe=False)
    assert fold.ended(case, Outcome.CLOSED_VOIDED, "late").outcome is Outcome.RECOVERED_BY_CUSTOMER
    ours = fold.attempt_paid(case, Trigger.SCHEDULE, START, "the bank approved")
    assert ours.outcome is Outcome.RECOVERED_BY_RETRY
    done = fold.closed(case, Outcome.RECOVERED_BY_CUSTOMER, "x", START)
    assert fold.attempt_paid(done, Trigger.SCHEDULE, START, "late").outcome is Outcome.RECOVERED_BY_CUSTOMER


def test_a_return_lives_for_one_attempt() -> None:
    """A return whose attempt fails says so to the customer and ends as suspended as before."""
    case = a_case(is_return=True, access=Access.SUSPENDED)
    case = fold.method_updated(case, "pm_2", Trigger.CARD_UPDATE)
    assert decide(case).kind is StepKind.ATTEMPT
    case = fold.attempt_declined(case, Trigger.CARD_UPDATE, START, Decline(code="insufficient_funds"), "pm_2")
    assert decide(case).key == "reminder"
    case = fold.message_done(case, "reminder", MessageState.SENT, START)
    assert decide(case).kind is StepKind.SUSPEND


def test_an_attempt_that_was_never_executed_is_made_again() -> None:
    """A vanished attempt uses up nothing: the schedule's attempt is planned anew, the customer's stays wanted."""
    case = fold.attempt_open(told(a_case()), Trigger.CARD_UPDATE, 3, START)
    back = fold.attempt_folded(
        case, Trigger.CARD_UPDATE, AttemptState.SKIPPED, number=3, at=START, because="never executed"
    )
    assert (back.untried, back.attempts_made, back.unsettled) == (Trigger.CARD_UPDATE, 0, None)


def test_stages_follow_the_step() -> None:
    """The stage shown is the one of the glossary for each situation."""
    fresh = a_case()
    seen = {
        "new": stage_of(fresh, decide(fresh), START),
        "planned": stage_of(told(fresh), decide(told(fresh)), START),
        "due": stage_of(told(fresh), decide(told(fresh), START + DAY), START + DAY),
        "hard": stage_of(
            told(a_case(Decline(code="expired_card"))),
            decide(told(a_case(Decline(code="expired_card")))),
            START,
        ),
        "paused": stage_of(fold.paused(fresh, START + DAY), decide(fold.paused(fresh, START + DAY)), START),
    }
    assert seen == {
        "new": Stage.OPEN,
        "planned": Stage.WAITING,
        "due": Stage.RETRYING,
        "hard": Stage.NOTIFIED,
        "paused": Stage.PAUSED,
    }


def test_a_campaign_may_end_by_cancelling_or_leave_the_subscription() -> None:
    """All endings lead to a suspension step at window plus grace."""
    for ending in Ending:
        campaign = Campaign(ending=ending, window_days=2, grace_days=1, warning=LastNotice(days_before=1),
                            retries=Retries(after_days=(1,)), messages=(MessageStep(template="payment_failed", after_days=0),))  # fmt: skip
        assert suspend_at(a_case(campaign=campaign), campaign) == START + 3 * DAY


def test_a_message_that_was_put_off_waits_and_says_why() -> None:
    """Held back by a night, the reminder is due in the morning, because of the night; sent then, it waits no more."""
    case = fold.message_done(a_case(), "payment_failed", MessageState.SENT, START)
    case = case.model_copy(update={"retries_made": 4})
    night = START + timedelta(days=5, hours=14)
    morning = night + timedelta(hours=11)
    case = fold.message_put_off(case, "reminder", morning, "it is night in Warsaw (21:00 to 08:00)")
    step = next_step(case, case.campaign, night)
    assert (step.kind, step.key, step.due_at) == (StepKind.MESSAGE, "reminder", morning)
    assert (
        step.because == "the campaign tells the customer on day 5, but it is night in Warsaw (21:00 to 08:00)"
    )
    done = fold.message_done(case, "reminder", MessageState.SENT, morning, covered_by="in_2/payment_failed")
    assert done.put_off == ()
    assert next_step(done, done.campaign, morning).key == "reminder/2"


def test_a_suspension_waits_for_a_last_notice_that_was_put_off() -> None:
    """Without time between the notice and the suspension, and with a night in between: access ends after the notice, not before."""
    campaign = Campaign(warning=LastNotice(days_before=0))
    case = fold.message_done(a_case(campaign=campaign), "payment_failed", MessageState.SENT, START)
    case = case.model_copy(update={"retries_made": 4})
    night = START + timedelta(days=21)
    morning = night + timedelta(hours=9)
    case = fold.message_put_off(case, "last_notice", morning, "it is night")
    for now in (night, morning):
        step = next_step(case, campaign, now)
        assert (step.kind, step.key) == (StepKind.MESSAGE, "last_notice")
    case = fold.message_done(case, "last_notice", MessageState.SENT, morning)
    assert next_step(case, campaign, morning).kind is StepKind.SUSPEND


def test_a_first_message_that_the_last_notice_has_overtaken_is_not_sent() -> None:
    """The budget held the first message until the last notice had said all of it: nothing older follows."""
    case = a_case().model_copy(update={"retries_made": 4})
    late = START + timedelta(days=30)
    case = fold.message_put_off(case, "payment_failed", late, "the budget is used up")
    case = fold.message_done(case, "last_notice", MessageState.SENT, START + timedelta(days=18))
    assert next_step(case, case.campaign, late).kind is StepKind.SUSPEND
