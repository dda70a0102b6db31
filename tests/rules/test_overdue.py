"""Days that went by: the latest is tried at once, the others are left out, and cases from before go on as they did."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.rules import fold
from recoup.rules.case import Case, MessageState, Trigger
from recoup.rules.declines import Decline
from recoup.rules.overdue import next_day
from recoup.rules.steps import StepKind, next_step
from tests.rules.cases import START, a_case

DAY = timedelta(days=1)
SOFT = Decline(code="insufficient_funds", brand="visa")


def told(**changes: object) -> Case:
    case = fold.message_done(a_case(SOFT), "payment_failed", MessageState.SENT, START)
    return case.model_copy(update={"skips_overdue": True} | changes)


def attempts_from(case: Case, day: float) -> list[float]:
    """The days on which a case tries from a day on, when every attempt is refused."""
    found, now = [], START + day * DAY
    while (
        step := next_step(case, case.campaign, now)
    ).kind is not StepKind.SUSPEND and step.due_at is not None:
        now = max(now, step.due_at)
        if step.kind is StepKind.ATTEMPT:
            found.append(round((now - START) / DAY, 2))
            trigger = step.trigger or Trigger.SCHEDULE
            case = fold.attempt_declined(fold.attempt_begun(case), trigger, now, SOFT, "pm_1")
        elif step.kind is StepKind.MESSAGE:
            case = fold.message_done(case, step.key or "", MessageState.SENT, now)
        else:
            break
    return found


def test_on_time_every_day_is_tried() -> None:
    """Where nothing went by, the days are the campaign's."""
    assert attempts_from(told(), 0) == [1, 3, 7, 12]


def test_after_a_long_pause_one_attempt_is_made_and_then_the_days_to_come() -> None:
    """Held until day 8, a case tries once there for the days 1, 3 and 7, and then on day 12."""
    assert attempts_from(told(), 8) == [8, 12]


def test_after_a_broken_promise_only_the_days_to_come_are_tried() -> None:
    """The attempt of the promised day stands for those that the promise held; day 7 and 12 follow."""
    assert attempts_from(fold.promised(told(), START, START + 5 * DAY), 0) == [5, 7, 12]


def test_after_a_banks_wish_what_it_held_is_not_made_up() -> None:
    """A bank that wants to be left alone until day 4 gets one attempt then, and the next on day 7."""
    held = told(not_before=START + 4 * DAY, not_before_because="the bank asked for it")
    assert attempts_from(held, 0) == [4, 7, 12]


def test_a_case_from_before_makes_up_for_each_day() -> None:
    """A running case that began without the rule keeps its behaviour: one a day, as the bank's wish allows."""
    assert attempts_from(told(skips_overdue=False), 8) == [8, 8.83, 9.67, 12]


def test_a_clock_that_is_a_little_behind_does_not_try_a_day_twice() -> None:
    """An attempt that its worker dates seconds before the day it was made for has used that day up."""
    case = fold.attempt_declined(
        told(), Trigger.SCHEDULE, START + 7 * DAY - timedelta(seconds=5), SOFT, "pm_1"
    )
    assert next_day(case, (1, 3, 7, 12), START + 7 * DAY) == 12


@given(st.lists(st.integers(1, 20), min_size=1, max_size=8, unique=True).map(sorted), st.floats(0, 21))
def test_no_day_is_tried_twice_and_none_that_lies_ahead_is_left_out(days: list[int], now: float) -> None:
    """Whatever the days and the moment: at once for the latest that passed, otherwise the next to come; nothing only at the end."""
    case, moment = told(), START + now * DAY
    said = next_day(case, days, moment)
    passed = [day for day in days if START + day * DAY <= moment]
    assert said == (passed[-1] if passed else days[0])
    tried = fold.attempt_declined(case, Trigger.SCHEDULE, max(moment, START + said * DAY), SOFT, "pm_1")
    later = next_day(tried, days, tried.last_attempt_at or moment)
    ahead = [
        day for day in days if START + day * DAY > (tried.last_attempt_at or moment) + timedelta(minutes=1)
    ]
    assert later == (ahead[0] if ahead else None)


@pytest.mark.parametrize("made", [1, 4])
def test_the_budget_is_kept(made: int) -> None:
    """As many attempts as the campaign has days were made: none is left, whatever the moment."""
    left = next_day(told(retries_made=made), (1,), START)
    assert left is None
