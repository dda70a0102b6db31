"""Planned attempts: the case carries the moment, the rules keep the last word."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.rules import fold
from recoup.rules.case import Case, MessageState, PlannedAttempt, Trigger
from recoup.rules.declines import Decline
from recoup.rules.policy import Campaign, Retries, RetryMode, Timing
from recoup.rules.steps import Step, StepKind, next_step
from tests.rules.cases import START, a_case

DAY = timedelta(days=1)
PLANNED = Campaign(retries=Retries(timing=Timing.PLANNED))
SOFT = Decline(code="insufficient_funds", brand="visa")


def told(campaign: Campaign = PLANNED, decline: Decline = SOFT) -> Case:
    return fold.message_done(a_case(decline, campaign), "payment_failed", MessageState.SENT, START)


def step(case: Case, day: float = 0) -> Step:
    return next_step(case, case.campaign, START + day * DAY)


def planned(day: float | None) -> PlannedAttempt:
    return PlannedAttempt(at=None if day is None else START + day * DAY, because="a payday", expected=0.4)


def hours(first: int, last: int) -> st.SearchStrategy[float]:
    """Days in whole hours, between two days."""
    return st.integers(first * 24, last * 24).map(lambda hour: hour / 24)


def test_a_moment_that_is_missing_is_looked_for_first() -> None:
    """Without a plan the next step is a look, now; with one it is the planned attempt, with the plan's reason."""
    assert step(told()).kind is StepKind.LOOK
    said = step(fold.attempt_planned(told(), planned(4.5)))
    assert (said.kind, said.due_at, said.because) == (StepKind.ATTEMPT, START + 4.5 * DAY, "a payday")


def test_a_refusal_makes_the_plan_worthless() -> None:
    """After an attempt of ours, or one of somebody else's, was refused, the moment is chosen anew."""
    case = fold.attempt_planned(told(), planned(2))
    refused = fold.attempt_declined(case, Trigger.SCHEDULE, START + 2 * DAY, SOFT, "pm_1")
    assert refused.planned is None
    assert step(refused, 2).kind is StepKind.LOOK
    assert fold.failed_again(case).planned is None


def test_no_plan_is_asked_for_where_no_attempt_may_follow() -> None:
    """A final refusal, a used-up budget, a closed window and Stripe's own retries alone: nothing is looked for."""
    assert step(told(decline=Decline(code="expired_card"))).kind is not StepKind.LOOK
    assert step(told().model_copy(update={"retries_made": 4})).kind is not StepKind.LOOK
    assert step(told(), 15).kind is not StepKind.LOOK
    observing = Campaign(retries=Retries(timing=Timing.PLANNED, mode=RetryMode.OBSERVE))
    assert step(told(observing)).kind is not StepKind.LOOK


def test_a_plan_means_nothing_to_a_campaign_of_fixed_days() -> None:
    """A campaign that fixes its days neither looks for a plan nor keeps one that it is told."""
    case = told(Campaign())
    assert step(case).kind is StepKind.ATTEMPT
    assert fold.attempt_planned(case, planned(9)) == case


@given(
    st.one_of(st.none(), hours(-3, 40)),
    hours(0, 20),
    st.integers(0, 4),
    st.one_of(st.none(), hours(0, 20)),
)
def test_no_plan_gets_past_the_rules(
    day: float | None, now: float, made: int, not_before: float | None
) -> None:
    """Whatever was planned: no attempt after the window, within the gap, before the bank's wish, or over the budget."""
    last = START + now * DAY
    case = fold.attempt_planned(told(), planned(day)).model_copy(
        update={
            "retries_made": made,
            "last_attempt_at": last if made else None,
            "not_before": START + not_before * DAY if not_before is not None else None,
        }
    )
    said = next_step(case, PLANNED, last)
    found = [one for one in said.candidates if one.kind is StepKind.ATTEMPT]
    if day is None or made >= 4:
        assert not found
    for attempt in found:
        assert attempt.due_at <= START + 14 * DAY
        assert not made or attempt.due_at - last >= timedelta(days=0.8)
        assert case.not_before is None or attempt.due_at >= case.not_before
        assert case.planned is not None
        assert case.planned.at is not None
        assert attempt.due_at >= case.planned.at


@pytest.mark.parametrize(("made", "day"), [(0, 1), (2, 7), (4, None)])
def test_where_nothing_could_be_planned_the_campaigns_day_holds(made: int, day: float | None) -> None:
    """A look that brings no plan falls back on the campaign, so that a case never looks for ever."""
    case = fold.attempt_planned(told().model_copy(update={"retries_made": made}), None)
    assert case.planned is not None
    assert case.planned.at == (None if day is None else START + day * DAY)
    assert step(case).kind is not StepKind.LOOK
