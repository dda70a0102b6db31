"""Near-ties: only moments that lose next to nothing, only as often as was allowed, within the same bounds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recoup.timing._stories import shipped_stories
from recoup.timing.planner import Plan, plan
from recoup.timing.situation import Limits, Situation, Tried
from recoup.timing.ties import MOST_CANDIDATES, NEAR, draw
from tests.timing.cases import SOFT, T0, failed, window


def test_without_exploration_the_best_moment_is_taken() -> None:
    """With a share of nothing the plan is the planner's own, its one candidate certain, whatever the dice say."""
    case, limits = failed(country="PL"), window(14, 6)
    for dice in (0.0, 0.5, 0.999):
        drawn = draw(shipped_stories(), case, limits, explore=0.0, dice=dice)
        assert drawn.plan == plan(shipped_stories(), case, limits)
        assert [(one.at, one.propensity) for one in drawn.candidates if one.propensity] == [
            (drawn.plan.at, 1.0)
        ]
        assert not drawn.explored


@settings(max_examples=25, deadline=None)
@given(
    decline=st.sampled_from(SOFT),
    hours=st.integers(0, 96),
    attempts=st.integers(1, 6),
    explore=st.floats(0.01, 0.3),
    dice=st.floats(0, 1, exclude_max=True),
)
def test_what_is_drawn_is_near_and_within_every_bound(
    decline: object, hours: int, attempts: int, explore: float, dice: float
) -> None:
    """Every candidate loses at most the allowed share, keeps window, gap and quiet hours; their chances make 1, the best keeps the rest."""
    case = failed(decline=decline, country="DE")
    later = T0 + timedelta(hours=hours)
    tried = (*case.tried, Tried(later, case.tried[0].decline)) if hours else case.tried
    case = Situation(later, T0, tried, amount=4900, currency="eur", country="DE", brand="visa")
    limits = Limits(T0 + timedelta(days=10), attempts, quiet_hours=(22, 7))
    best = plan(shipped_stories(), case, limits)
    drawn = draw(shipped_stories(), case, limits, explore=explore, dice=dice)
    if best.at is None:
        assert drawn.plan == best
        assert drawn.candidates == ()
        return
    shares = [one.propensity for one in drawn.candidates]
    assert sum(shares) == pytest.approx(1.0, abs=1e-4)
    assert shares[0] >= 1.0 - explore
    assert len(shares) <= MOST_CANDIDATES
    assert drawn.candidates[0].at == best.at
    assert all(0 <= one.loss <= NEAR for one in drawn.candidates)
    zone, gap = case.zone, timedelta(hours=6 if decline == SOFT[2] else 20)
    for one in drawn.candidates:
        assert tried[-1].at + gap <= one.at <= limits.until
        assert 7 <= one.at.astimezone(zone).hour < 22
        assert not best.later or best.later[0] - one.at >= timedelta(hours=20)
    assert drawn.plan.at in [one.at for one in drawn.candidates]


def test_exploration_is_as_rare_as_was_allowed_and_says_what_it_drew_from() -> None:
    """Over all dice another moment than the best comes up in no larger share than allowed, with its reason and its chance."""
    case, limits = failed("do_not_honor", country="US"), window(14, 6)
    drawn = [draw(shipped_stories(), case, limits, explore=0.2, dice=n / 200) for n in range(200)]
    others = [one for one in drawn if one.explored]
    assert 0 < len(others) <= 0.2 * 200
    best = drawn[0].plan
    assert {one.plan.at for one in drawn} == {one.at for one in drawn[0].candidates}
    for one in others:
        assert one.plan.at != best.at
        assert "moments that are about as good, to learn from it" in one.plan.because
        assert one.propensity == pytest.approx(0.2 / len(one.candidates), abs=1e-5)


def test_where_nothing_can_be_planned_nothing_is_drawn() -> None:
    """Without a moment there are no candidates, and the reason is the planner's."""
    drawn = draw(shipped_stories(), failed("stolen_card"), window(), explore=0.3, dice=0.99)
    assert drawn.plan == Plan(None, 0.0, plan(shipped_stories(), failed("stolen_card"), window()).because)
    assert drawn.candidates == ()
