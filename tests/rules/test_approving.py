"""Approvals, longer grace and stages of access as the rules see them: in order, bounded, and never without the last notice."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from recoup.rules import approving, fold
from recoup.rules.case import Access, Case, MessageState, Outcome, Stage, Trigger
from recoup.rules.moving import drained, moved, replaced
from recoup.rules.people import Approval, Default, People
from recoup.rules.policy import Campaign, Ending, LastNotice, MessageStep, Retries, RetryMode, Timing
from recoup.rules.step import StepKind
from recoup.rules.steps import next_step, stage_of
from tests.rules.cases import START, a_case

A_SECOND = timedelta(seconds=1)
"""Moments are kept in whole seconds."""


@st.composite
def approvals(draw: st.DrawFn) -> Approval:
    decide = draw(st.floats(0.1, 30))
    part = st.one_of(st.none(), st.floats(decide * 0.01, decide * 0.99))
    escalate = draw(part)
    return Approval(
        from_priority=draw(st.integers(0, 100)),
        remind_after_days=draw(part),
        escalate_after_days=escalate,
        decide_after_days=decide,
        default=draw(st.sampled_from(Default)),
        rounds=draw(st.integers(1, 12)),
        people=People(approvers=("anna",), escalate_to=("boss",) if escalate else ()),
    )


@st.composite
def staged(draw: st.DrawFn) -> Campaign:
    window, grace = draw(st.floats(1, 30)), draw(st.floats(0, 20))
    notice = draw(st.floats(0.1, (window + grace) * 0.9))
    restricted = draw(st.one_of(st.none(), st.floats(window + grace - notice, (window + grace) * 0.999)))
    if restricted is not None and restricted < window + grace - notice:
        restricted = None
    return Campaign(
        messages=(MessageStep(template="payment_failed", after_days=0),),
        retries=Retries(after_days=(window,), mode=draw(st.sampled_from(RetryMode))),
        window_days=window,
        grace_days=grace,
        warning=LastNotice(days_before=notice),
        restrict_after_days=restricted,
        approval=draw(st.one_of(st.none(), approvals())),
    )


def play(case: Case, data: st.DataObject) -> list[tuple[StepKind, datetime]]:
    """Play a case on which nobody ever acts, to its end."""
    now = START
    done: list[tuple[StepKind, datetime]] = []
    for _ in range(400):
        step = next_step(case, case.campaign, now)
        if step.kind is StepKind.END:
            return done
        assert step.due_at is not None, "it waits for ever"
        now = max(now, step.due_at) + timedelta(seconds=data.draw(st.integers(0, 7200)))
        done.append((step.kind, now))
        if step.kind is StepKind.MESSAGE:
            case = fold.message_done(case, step.key or "", MessageState.SENT, now)
        elif step.kind is StepKind.ATTEMPT:
            case = fold.attempt_declined(case, Trigger.SCHEDULE, now, case.decline, "pm_1")
        elif step.kind is StepKind.RESTRICT:
            case = fold.restricted(case)
        elif step.kind is StepKind.APPROVAL:
            case = approving.question_moved(case, case.campaign, step, now)
        elif step.kind is StepKind.SUSPEND:
            case = fold.suspended(case, step.because)
        else:
            assert step.kind is StepKind.CLOSE
            case = fold.closed(case, Outcome.LOST_SUSPENDED, step.because, now)
    raise AssertionError("the case did not end")


@given(staged(), st.integers(0, 100), st.data())
def test_a_case_nobody_acts_on_ends_by_every_policy(
    campaign: Campaign, priority: int, data: st.DataObject
) -> None:
    """Whatever stages and approvals a file may hold, the case comes to its suspension, in order, warned and asked about."""
    done = play(a_case(campaign=campaign, priority=priority), data)
    kinds = [kind for kind, _ in done]
    suspended = dict(done)[StepKind.SUSPEND]
    notice = [at for kind, at in done if kind is StepKind.MESSAGE and at < suspended][-1]
    assert suspended >= notice + timedelta(days=campaign.warning.days_before) - A_SECOND
    if campaign.restrict_after_days is not None:
        assert notice <= dict(done)[StepKind.RESTRICT] <= suspended
        assert kinds.index(StepKind.RESTRICT) < kinds.index(StepKind.SUSPEND)
    asked = campaign.approval is not None and priority >= campaign.approval.from_priority
    assert (StepKind.APPROVAL in kinds) == asked
    if asked and campaign.approval is not None:
        first = next(at for kind, at in done if kind is StepKind.APPROVAL)
        assert suspended >= first + timedelta(days=campaign.approval.decide_after_days) - A_SECOND


@given(staged(), st.floats(0.1, 60), st.floats(0, 60))
def test_a_longer_grace_is_kept(campaign: Campaign, given_days: float, when: float) -> None:
    """No suspension comes before the grace that a person gave, whenever it was given."""
    now = START + timedelta(days=when)
    until = now + timedelta(days=given_days)
    warned = fold.message_done(a_case(campaign=campaign), "payment_failed", MessageState.SENT, START)
    warned = fold.message_done(warned, "last_notice", MessageState.SENT, START)
    case = approving.grace_extended(warned, until)
    step = next_step(case, campaign, now)
    ends = [c.due_at for c in step.candidates if c.kind in (StepKind.SUSPEND, StepKind.APPROVAL)]
    assert all(due >= until - A_SECOND for due in ends)


def _warned(campaign: Campaign) -> Case:
    """A case after its last attempt, whose last notice went out on its day."""
    case = fold.message_done(
        a_case(campaign=campaign, retries_made=4), "payment_failed", MessageState.SENT, START
    )
    return fold.message_done(case, "last_notice", MessageState.SENT, START + timedelta(days=18))


def test_a_short_extension_needs_no_second_notice() -> None:
    """What the old notice announced is not past yet, so the customer is not warned twice."""
    campaign = Campaign()
    case = _warned(campaign)
    now = START + timedelta(days=19)
    short = next_step(approving.grace_extended(case, START + timedelta(days=23)), campaign, now)
    long = next_step(approving.grace_extended(case, START + timedelta(days=30)), campaign, now)
    assert short.kind is StepKind.SUSPEND
    assert (long.kind, long.key, long.due_at) == (
        StepKind.MESSAGE,
        "last_notice/3",
        START + timedelta(days=27),
    )


@pytest.mark.parametrize("state", [MessageState.UNKNOWN, MessageState.FAILED])
def test_nobody_is_restricted_unwarned(state: MessageState) -> None:
    """As long as no last notice is confirmed as sent, the access is neither restricted nor suspended."""
    campaign = Campaign(restrict_after_days=19)
    case = fold.message_done(
        a_case(campaign=campaign, retries_made=4), "payment_failed", MessageState.SENT, START
    )
    case = fold.message_done(case, "last_notice", state, START + timedelta(days=18))
    step = next_step(case, campaign, START + timedelta(days=30))
    kinds = {candidate.kind for candidate in step.candidates}
    assert not kinds & {StepKind.RESTRICT, StepKind.SUSPEND}


def test_a_restricted_access_comes_back_with_the_end_of_the_debt() -> None:
    """Paid or voided: it is given back; cancelled by the customer: there is nothing to give back."""
    for outcome, kind in (
        (Outcome.RECOVERED_BY_CUSTOMER, StepKind.RESTORE),
        (Outcome.CLOSED_VOIDED, StepKind.RESTORE),
        (Outcome.LOST_CANCELLED, StepKind.END),
    ):
        case = fold.closed(fold.restricted(a_case()), outcome, "so it was", START)
        assert next_step(case, Campaign(), START).kind is kind
    assert fold.restored(fold.restricted(a_case())).access is Access.FULL


def test_a_hand_over_confirms_no_notice() -> None:
    """Resuming a case that an operator had taken over says nothing about whether the customer was told."""
    case = fold.message_done(a_case(), "last_notice", MessageState.UNKNOWN, START)
    back = fold.resumed(approving.handed_over(case, "ben", "a friend"), START)
    assert back.message("last_notice/person") is None
    assert (back.handed_over, back.person_because) == (False, None)
    asked = fold.resumed(fold.person_needed(case, "was it sent?"), START)
    assert asked.message("last_notice/person") is not None


def test_waiting_for_an_approval_shows_as_person() -> None:
    """From the question on, and not before."""
    campaign = Campaign(approval=Approval(decide_after_days=3))
    case = _warned(campaign)
    late = START + timedelta(days=21)
    step = next_step(case, campaign, late)
    assert (step.kind, step.key, stage_of(case, step, late)) == (StepKind.APPROVAL, "ask", Stage.WARNED)
    asked = approving.question_moved(case, campaign, step, late)
    waits = next_step(asked, campaign, late)
    assert (waits.key, waits.due_at, stage_of(asked, waits, late)) == (
        "default",
        late + timedelta(days=3),
        Stage.PERSON,
    )


@pytest.mark.parametrize(
    ("approval", "sentence"),
    [
        ({"decide_after_days": 0}, "greater than 0"),
        (
            {"decide_after_days": 3, "remind_after_days": 3},
            "remind_after_days .3. must come after the question",
        ),
        ({"decide_after_days": 3, "escalate_after_days": 2}, "belong together"),
        ({"decide_after_days": 3, "people": {"escalate_to": ["boss"]}}, "belong together"),
        ({"decide_after_days": 3, "rounds": 0}, "greater than or equal to 1"),
        ({"decide_after_days": 3, "people": {"approvers": ["anna@example.com"]}}, "match pattern"),
        ({}, "Field required"),
    ],
)
def test_an_approval_that_could_not_work_is_refused(approval: dict[str, object], sentence: str) -> None:
    """No end, no order, nobody to escalate to, an address instead of an account name."""
    with pytest.raises(ValidationError, match=sentence):
        Approval.model_validate(approval)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"restrict_after_days": 17}, "must not come before the last notice .day 18."),
        ({"restrict_after_days": 21}, "before the suspension .day 21."),
        ({"cancel_after_days": 5, "ending": "cancel"}, "cancels what was paused"),
        ({"cancel_after_days": 0}, "greater than 0"),
    ],
)
def test_stages_out_of_order_are_refused(keys: dict[str, object], sentence: str) -> None:
    """Warn, restrict, suspend, cancel: in this order or not at all."""
    with pytest.raises(ValidationError, match=sentence):
        Campaign.model_validate(keys)


OLD = Campaign(
    name="old",
    messages=(MessageStep(template="payment_failed", after_days=0),),
    retries=Retries(after_days=(3, 7)),
    window_days=10,
    grace_days=0,
)
NEW = Campaign(
    name="new",
    retries=Retries(mode=RetryMode.WEAVE, timing=Timing.PLANNED, after_days=(1, 2)),
    window_days=14,
    grace_days=7,
    restrict_after_days=19,
    ending=Ending.PAUSE,
    cancel_after_days=30,
)


def test_draining_finishes_by_the_old_and_ends_by_the_new() -> None:
    """Messages, attempts and window stay; grace, restriction, ending and what follows are the new campaign's."""
    campaign = drained(OLD, NEW)
    assert (campaign.messages, campaign.retries, campaign.window_days) == (OLD.messages, OLD.retries, 10)
    assert (campaign.grace_days, campaign.restrict_after_days, campaign.cancel_after_days) == (7, 15, 30)
    assert campaign.name == "new"


def test_a_running_case_keeps_its_way_with_stripes_retries() -> None:
    """The invoice was taken over from Stripe or was not: that is done, whatever the new campaign says."""
    campaign = replaced(OLD, NEW)
    assert campaign.retries.mode is OLD.retries.mode
    assert campaign.retries.after_days == NEW.retries.after_days


def test_campaigns_that_do_not_fit_together_are_refused() -> None:
    """A last notice that would have to go out before the failure says so instead of being sent at once."""
    new = Campaign(name="new", warning=LastNotice(days_before=12), window_days=14, grace_days=0)
    with pytest.raises(ValueError, match="must be less than window_days"):
        drained(OLD, new)


def test_moving_keeps_the_past_and_nothing_moves_after_the_end() -> None:
    """What was sent and tried counts on; a case that has ended keeps the policy it ended by."""
    case = a_case(campaign=OLD, retries_made=2, priority=5)
    after = moved(case, NEW, 70, ("+70 large",))
    assert (after.campaign, after.retries_made, after.priority) == (NEW, 2, 70)
    over = fold.ended(case, Outcome.CLOSED_VOIDED, "voided")
    assert moved(over, NEW, 70) == over


def test_a_restricted_access_is_not_called_suspended_at_the_close() -> None:
    """What the ledger withholds is restored whatever it is called, and a case shows what it really was."""
    for before, after in ((Access.RESTRICTED, Access.RESTRICTED), (Access.FULL, Access.SUSPENDED)):
        case = fold.ended(a_case(access=before), Outcome.RECOVERED_BY_RETRY, "paid")
        over = fold.closed(case, Outcome.RECOVERED_BY_RETRY, "paid", START, suspended=True)
        assert over.access is after
        assert next_step(over, over.campaign, START).kind is StepKind.RESTORE
