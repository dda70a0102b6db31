"""Planned attempts in a running case: a look before each, the planned moment kept, and an end when none is worth it."""

from __future__ import annotations

import pytest

from recoup.rules.case import Outcome
from recoup.rules.policy import Campaign, Retries, Timing
from tests.workflows.outside import Outside
from tests.workflows.playing import Begin

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLANNED = Campaign(retries=Retries(timing=Timing.PLANNED))


async def test_each_attempt_is_made_when_it_was_planned(play: Begin) -> None:
    """Planned for 2 days ahead and, after that refusal, for 5 more: attempts on days 2 and 7, and their reasons are the plan's."""
    outside = Outside(campaign=PLANNED, answers=["declined", "paid"], plans=[2, 5])
    async with play(outside) as handle:
        result = await handle.result()
    assert result.outcome is Outcome.RECOVERED_BY_RETRY
    assert outside.days("attempt") == [2.0, 7.0]
    assert "planned 2 days ahead" in outside.decisions
    assert "planned 5 days ahead" in outside.decisions
    assert [kind for kind, _, _ in outside.done if kind in ("look", "attempt")] == ["look", "attempt"] * 2


async def test_no_attempt_is_made_where_none_is_worth_it(play: Begin) -> None:
    """A plan of nothing leaves the customer's messages and the ending, and asks no bank."""
    outside = Outside(campaign=PLANNED, plans=[None])
    async with play(outside) as handle:
        result = await handle.result()
    assert result.outcome is Outcome.LOST_SUSPENDED
    assert outside.days("attempt") == []
    assert len(outside.days("look")) == 1
    assert "message:reminder" in outside.kinds()


async def test_without_a_plan_the_campaigns_days_hold(play: Begin) -> None:
    """Where a look brings no plan the case retries on the days of its campaign, and does not look for ever."""
    outside = Outside(campaign=PLANNED)
    async with play(outside) as handle:
        await handle.result()
    assert outside.days("attempt") == [1.0, 3.0, 7.0, 12.0]
    assert len(outside.days("look")) == 4


async def test_the_attempts_decision_names_who_chose_its_moment(play: Begin) -> None:
    """An attempt at its planned moment has the plan's model and propensity; what the plan did not choose has neither."""
    outside = Outside(campaign=PLANNED, answers=["declined", "paid"], plans=[2, 0.1])
    async with play(outside) as handle:
        await handle.result()
    attempts = [(model, chance) for kind, model, chance in outside.chosen if kind == "attempt"]
    # The second was planned too near to the first, and the campaign's gap moved it.
    assert attempts == [("20260101-abc", 0.25), (None, 1.0)]
    assert {(model, chance) for kind, model, chance in outside.chosen if kind != "attempt"} == {(None, 1.0)}
