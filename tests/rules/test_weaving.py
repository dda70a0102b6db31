"""Living beside Stripe's own retries: which attempts are made in each mode, and the distance that is kept."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.rules import fold
from recoup.rules.case import AttemptState, Case, MessageState, Outcome, Trigger
from recoup.rules.declines import Decline
from recoup.rules.policy import Campaign, Retries, RetryMode
from recoup.rules.steps import Step, StepKind, next_step
from recoup.rules.weaving import StripeTries, first_clear
from tests.rules.cases import START, a_case

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SOFT = Decline(code="reenter_transaction", brand="visa")
"""A refusal after which the bank asks for hardly any pause."""


def weaving(after_days: tuple[float, ...] = (1, 3, 7, 12), hours: float = 12) -> Campaign:
    return Campaign(retries=Retries(mode=RetryMode.WEAVE, after_days=after_days, stripe_distance_hours=hours))


def told(case: Case) -> Case:
    return fold.message_done(case, "payment_failed", MessageState.SENT, START)


def attempt_of(case: Case, now: datetime = START) -> Step | None:
    """The attempt among what the case may do next."""
    found = [each for each in next_step(case, case.campaign, now).candidates if each.kind is StepKind.ATTEMPT]
    return Step(kind=found[0].kind, due_at=found[0].due_at, because="x") if found else None


@pytest.mark.parametrize(
    ("at", "last", "coming", "clear"),
    [
        (20, None, None, 20),
        (20, 10, None, 22),
        (20, 8, None, 20),
        (20, None, 33, 20),
        (20, None, 32, 44),
        (20, None, 20, 32),
        (20, None, 9, 21),
        (20, None, 8, 20),
        (20, 15, 30, 42),
    ],
)
def test_the_first_moment_clear_of_stripes_attempts(
    at: int, last: int | None, coming: int | None, clear: int
) -> None:
    """Twelve hours after the last one, more than twelve before the coming one or twelve after it, whichever is first."""
    tries = StripeTries(
        last=None if last is None else START + last * HOUR,
        coming=None if coming is None else START + coming * HOUR,
    )
    assert first_clear(START + at * HOUR, tries, 12 * HOUR) == START + clear * HOUR


def test_a_scheduled_attempt_waits_for_stripes_own_one() -> None:
    """Stripe tries on day 1 as the campaign would: ours comes twelve hours later, and says why."""
    case = told(a_case(campaign=weaving(), stripe=StripeTries(last=START, coming=START + DAY)))
    assert (found := attempt_of(case)) is not None
    assert found.due_at == START + 1.5 * DAY
    due = next_step(case, case.campaign, START + 1.5 * DAY)
    assert (due.kind, due.trigger) == (StepKind.ATTEMPT, Trigger.SCHEDULE)
    assert "12 hours are kept" in next_step(case, case.campaign, START + DAY).because


def test_nothing_is_moved_where_stripe_is_far_away() -> None:
    """With Stripe's next attempt three days off, ours stays on the campaign's day."""
    case = told(a_case(campaign=weaving(), stripe=StripeTries(last=START, coming=START + 4 * DAY)))
    assert (found := attempt_of(case)) is not None
    assert found.due_at == START + DAY


@pytest.mark.parametrize("trigger", [Trigger.CARD_UPDATE, Trigger.MANUAL])
@pytest.mark.parametrize("mode", list(RetryMode))
def test_what_somebody_asks_for_does_not_wait_for_stripe(mode: RetryMode, trigger: Trigger) -> None:
    """A card update and an operator's wish are tried at once in each mode, whatever Stripe has planned."""
    campaign = Campaign(retries=Retries(mode=mode))
    case = told(a_case(campaign=campaign, stripe=StripeTries(last=START, coming=START + HOUR)))
    asked = (
        fold.retry_requested(case)
        if trigger is Trigger.MANUAL
        else fold.method_updated(case, "pm_2", trigger)
    )
    step = next_step(asked, campaign, START)
    assert (step.kind, step.trigger, step.due_at) == (StepKind.ATTEMPT, trigger, START)


def test_only_recoups_own_retries_are_given_back() -> None:
    """What was never switched off is not switched on: a stopped case releases its invoice with ``own`` alone."""
    for mode in RetryMode:
        campaign = Campaign(retries=Retries(mode=mode))
        stopped = fold.closed(a_case(campaign=campaign), Outcome.CLOSED_STOPPED, "x", START)
        released = next_step(stopped, campaign, START).kind is StepKind.RELEASE
        assert released is (mode is RetryMode.OWN)


def test_stripes_attempts_do_not_use_up_the_budget() -> None:
    """A refusal that Stripe's own retry met is read and remembered, and no scheduled attempt of ours is spent."""
    case = told(a_case(campaign=weaving()))
    heard = fold.failed_again(case, START + 3 * DAY)
    assert (heard.stale, heard.stripe.coming) == (True, START + 3 * DAY)
    seen = fold.stripe_seen(heard, StripeTries(last=START + DAY, coming=START + 3 * DAY))
    looked = fold.looked(seen, SOFT, START + DAY + HOUR)
    assert (looked.retries_made, looked.attempts_made, looked.stale) == (0, 0, False)
    assert (found := attempt_of(looked, START + DAY + HOUR)) is not None
    assert found.due_at == START + 1.5 * DAY


def test_an_attempt_of_stripes_once_seen_is_not_forgotten() -> None:
    """Ours may hide it in a later reading; what comes next is always the newest word."""
    before = StripeTries(last=START, coming=START + DAY)
    assert before.updated(StripeTries(coming=None)) == StripeTries(last=START)
    assert fold.stripe_seen(a_case(stripe=before), None).stripe == before


def test_what_stripe_collected_is_not_counted_as_ours() -> None:
    """The outcome names Stripe's retry, so that the figures stay honest."""
    assert fold.invoice_paid(a_case(), outside=False, by_stripe=True).outcome is Outcome.RECOVERED_BY_STRIPE


@given(
    st.lists(st.integers(3600, 3 * 86400), max_size=12),
    st.lists(st.floats(0.1, 14), min_size=1, max_size=8, unique=True),
    st.integers(1, 48),
    st.data(),
)
def test_no_scheduled_attempt_comes_near_one_of_stripes(
    gaps: list[int], days: list[float], hours: int, data: st.DataObject
) -> None:
    """Whatever Stripe's schedule, and however late we hear of it: the distance is kept before and after each of its attempts."""
    distance = timedelta(hours=hours)
    stripe = [START]
    for gap in gaps:
        stripe.append(stripe[-1] + timedelta(seconds=gap))
    case = told(a_case(campaign=weaving(tuple(sorted(days)), hours), stripe=_read(stripe, START)))
    for at in _played(case, stripe, distance, data):
        assert all(abs(at - each) >= distance for each in stripe)


def _read(stripe: list[datetime], now: datetime) -> StripeTries:
    """What Stripe shows at a moment."""
    return StripeTries(
        last=max(each for each in stripe if each <= now),
        coming=min((each for each in stripe if each > now), default=None),
    )


def _played(case: Case, stripe: list[datetime], distance: timedelta, data: st.DataObject) -> list[datetime]:
    """The moments of the scheduled attempts of a case that nobody pays; news of Stripe's attempts may be lost or late."""
    now, made = START, list[datetime]()
    for _ in range(200):
        step = next_step(case, case.campaign, now)
        if step.kind is StepKind.END or step.due_at is None or case.outcome is not None:
            return made
        now = max(now, step.due_at) + timedelta(seconds=data.draw(st.integers(0, 7200)))
        if step.kind is StepKind.MESSAGE:
            case = fold.message_done(case, step.key or "", MessageState.SENT, now)
            continue
        if step.kind is not StepKind.ATTEMPT:
            return made
        tries = _read(stripe, now)
        clear = first_clear(now, tries, distance)
        case = fold.stripe_seen(case, tries)
        if clear > now:
            case = fold.attempt_not_made(case, Trigger.SCHEDULE, clear, "too near")
            continue
        made.append(now)
        case = fold.attempt_folded(
            case, Trigger.SCHEDULE, AttemptState.DECLINED, number=len(made), at=now, because="x", decline=SOFT
        )
    raise AssertionError("the case did not end")
