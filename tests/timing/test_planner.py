"""The planner: inside every bound, as good as trying everything, and with a reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recoup.rules.declines import Decline, read
from recoup.rules.networks import may_attempt
from recoup.timing._stories import shipped_stories
from recoup.timing.belief import believe
from recoup.timing.families import Family, family_of
from recoup.timing.planner import Plan, choose, ground_of, plan
from recoup.timing.situation import Limits, Situation, Tried, slot_of
from tests.timing.cases import T0, failed, limits_for, situations, window


def planned(situation: Situation, limits: Limits) -> Plan:
    return plan(shipped_stories(), situation, limits)


@settings(max_examples=150)
@given(st.data())
def test_no_plan_leaves_its_bounds(data: st.DataObject) -> None:
    """Whatever the case: inside the window, after the bank's wish and the gap, outside quiet hours, allowed by the guard."""
    situation = data.draw(situations())
    limits = data.draw(limits_for(situation))
    said = planned(situation, limits)
    assert said.because
    if said.at is None:
        assert said.later == ()
        return
    latest = situation.tried[-1]
    assert situation.now <= said.at <= limits.until
    assert said.at >= latest.at + read(latest.decline).wait
    assert limits.not_before is None or said.at >= limits.not_before
    gap = limits.min_gap
    if family_of(latest.decline) is Family.PASSING:
        gap = min(gap, limits.passing_gap)
    assert said.at >= latest.at + gap
    counted = [*limits.card_attempts, *(tried.at for tried in situation.tried)]
    assert may_attempt(situation.brand, counted, latest.decline, said.at, limits.cap).allowed
    moments = [said.at, *said.later]
    assert len(moments) <= limits.attempts_left
    # Two local moments lie up to an hour nearer where summer ends or begins.
    assert all(b - a >= limits.min_gap - timedelta(hours=1) for a, b in pairwise(moments))
    if limits.quiet_hours is not None:
        begin, end = limits.quiet_hours
        hours = [moment.astimezone(situation.zone).hour for moment in moments]
        assert all((hour - begin) % 24 >= (end - begin) % 24 for hour in hours)
    assert 0 < said.expected < 1
    assert planned(situation, limits) == said


@pytest.mark.parametrize("attempts", [1, 2, 3])
@pytest.mark.parametrize("code", ["insufficient_funds", "do_not_honor", "processing_error"])
@pytest.mark.parametrize("country", ["US", "PL"])
def test_no_other_moments_would_bring_noticeably_more(attempts: int, code: str, country: str) -> None:
    """On grids small enough to try every set of moments, the planner's is the best, or within 1 % of it."""
    situation = failed(code, country=country)
    begin = slot_of(T0, situation.zone)
    belief = believe(shipped_stories(), situation, begin + 60)
    places = np.arange(7, 60, 3)
    approves, gains = belief.approves[places], belief.gains
    flat = np.ones(len(places))
    slots = places + belief.first_slot

    def worth(chosen: tuple[int, ...]) -> float:
        left = gains.astype(float)
        for place in chosen:
            left = left * (1 - approves[place])
        return float(gains.sum() - left.sum())

    apart = [
        chosen
        for chosen in combinations(range(len(places)), attempts)
        if all(slots[b] - slots[a] >= 7 for a, b in pairwise(chosen))
    ]
    best = max(worth(chosen) for chosen in apart)
    found, total = choose(approves, gains, flat, slots=slots, count=attempts, gap=7)
    assert total == pytest.approx(worth(tuple(int(np.searchsorted(slots, slot)) for slot in found)), rel=1e-4)
    assert total >= best * (0.99 if attempts > 1 else 0.999999)


@given(
    st.lists(st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4), min_size=1, max_size=7),
    st.integers(1, 3),
)
def test_no_belief_however_odd_misleads_the_planner_far(rows: list[list[float]], count: int) -> None:
    """For any stories at all the chosen set is worth at least 1 − 1/e of the best one, and exactly the best for one attempt."""
    approves = np.array(rows, dtype=np.float32)
    gains = np.full(4, 0.25, dtype=np.float32)
    slots = np.arange(len(rows))

    def worth(chosen: tuple[int, ...]) -> float:
        return float((gains * (1 - np.prod(1 - approves[list(chosen)].astype(float), axis=0))).sum())

    best = max(worth(chosen) for chosen in combinations(range(len(rows)), min(count, len(rows))))
    found, _ = choose(approves, gains, np.ones(len(rows)), slots=slots, count=count, gap=1)
    assert worth(tuple(found)) >= best * (1.0 if count == 1 else 1 - np.exp(-1)) - 1e-5


def test_a_payday_is_waited_for() -> None:
    """Where money is missing and nearly everybody is paid on the 25th, the attempt follows it and says so."""
    start = datetime(2026, 11, 18, 9, tzinfo=UTC)
    prior = shipped_stories().prior
    months = {"*": {25: 1.0}}
    often = {"*": prior.paydays["*"].model_copy(update={"weekly": 0, "biweekly": 0, "semimonthly": 0})}
    stories = type(shipped_stories())(prior.model_copy(update={"months": months, "paydays": often}))
    said = plan(stories, failed("insufficient_funds", start, country="SE"), window(14, 1, start))
    assert said.at is not None
    assert datetime(2026, 11, 25, tzinfo=UTC) <= said.at <= datetime(2026, 11, 27, tzinfo=UTC)
    assert "Wednesday the 25th is a payday of many customers in SE" in said.because
    assert f"{said.expected:.0%} expected" in said.because


def test_a_technical_refusal_is_tried_again_soon() -> None:
    """After a technical refusal the next attempt comes within two days, and is expected to succeed more often than not."""
    said = planned(failed("processing_error"), window())
    assert said.at is not None
    assert said.at - T0 <= timedelta(days=3)
    assert said.expected > 0.5


@pytest.mark.parametrize("code", ["expired_card", "authentication_required", "stolen_card"])
def test_nothing_is_planned_where_only_the_customer_can_help(code: str) -> None:
    """A final refusal, and one that asks for the customer, get no attempt, and the reason is the bank's."""
    said = planned(failed(code), window())
    assert said.at is None
    assert code in said.because


def test_advice_to_wait_is_obeyed_to_the_hour() -> None:
    """Mastercard's advice 28 asks for six days: the plan begins after them, or not at all when the window ends before."""
    decline = Decline(code="insufficient_funds", network_advice_code="28", brand="mastercard")
    said = planned(failed(decline=decline), window(14))
    assert said.at is not None
    assert said.at >= T0 + timedelta(days=6)
    assert planned(failed(decline=decline), window(5)).at is None


def test_a_small_debt_is_not_worth_an_attempt_that_will_hardly_succeed() -> None:
    """A few cents are left alone where the attempt costs more than it is expected to bring; the reason says how little."""
    said = planned(failed("do_not_honor", amount=5), window())
    assert said.at is None
    assert "no retry is worth it" in said.because


def test_earlier_payments_tell_of_paydays() -> None:
    """A payer whose payments always went through on the 12th is tried nearer to the 12th than one of whom nothing is known."""
    start = datetime(2027, 2, 3, 12, tzinfo=UTC)
    successes = tuple(datetime(2026, month, 12, 12, tzinfo=UTC) for month in range(5, 13))
    unknown = believe(shipped_stories(), failed(at=start, country="DE"), 10**9)
    known = believe(shipped_stories(), failed(at=start, country="DE", payer_successes=successes), 10**9)
    twelfth = slot_of(datetime(2027, 2, 12, 14, tzinfo=UTC), failed(country="DE").zone)
    assert known.chance(twelfth) > unknown.chance(twelfth) * 1.2


def test_each_refusal_lowers_what_is_expected_nearby() -> None:
    """A refusal an hour ago makes the same moment less promising than it was: attempts close together fail together."""
    first = failed()
    again = replace(first, tried=(*first.tried, Tried(T0 + timedelta(days=3), first.tried[0].decline)))
    slot = slot_of(T0 + timedelta(days=3, hours=4), first.zone)
    end = slot + 8
    assert believe(shipped_stories(), again, end).chance(slot) < 0.8 * believe(
        shipped_stories(), first, end
    ).chance(slot)


@pytest.mark.parametrize("code", ["insufficient_funds", "do_not_honor", "processing_error"])
@pytest.mark.parametrize("attempts", [2, 4, 8])
def test_what_is_only_believed_gives_every_attempt_a_part_of_the_window(code: str, attempts: int) -> None:
    """However sure the prior is of one moment: of at least as many equal parts as there are attempts, none is tried twice."""
    situation, limits = failed(code), window(attempts=attempts)
    ground = ground_of(shipped_stories(), situation, limits)
    assert not isinstance(ground, str)
    said = planned(situation, limits)
    assert said.at is not None
    slots = [slot_of(moment, situation.zone) for moment in (said.at, *said.later)]
    places = np.searchsorted(ground.allowed, slots)
    count = max(attempts, -(-len(ground.allowed) // 16))
    parts = ((places + 1) * count - 1) // len(ground.allowed)
    assert len(slots) == len(set(parts.tolist()))


def test_no_moment_is_taken_twice() -> None:
    """Without any gap two attempts still have two moments, and one moment is all that there is of one."""
    approves = np.array([[0.9], [0.2]], dtype=np.float32)
    found, _ = choose(
        approves, np.ones(1, np.float32), np.ones(2), slots=np.arange(2, dtype=np.int64), count=5, gap=0
    )
    assert found == [0, 1]


def test_what_is_only_a_question_of_time_is_tried_soon() -> None:
    """A disturbance that passes at once is approved by any attempt: though the later ones would catch it, the first comes soon, for waiting costs."""
    days = np.arange(28)
    passing = np.where(days >= 1, 0.93, 0.0)
    paydays = [np.where(days == day, 0.93, 0.0) for day in (15, 20, 25)]
    approves = np.stack([passing, *paydays], axis=1).astype(np.float32)
    gains = np.array([0.9, 0.03, 0.03, 0.03], np.float32)
    waiting = np.asarray(0.992**days, np.float64)
    chosen, worth = choose(approves, gains, waiting, slots=days, count=3, gap=1)
    assert chosen[0] == 1
    assert set(chosen[1:]) < {15, 20, 25}
    assert worth > worth_of(approves, gains, waiting, [15, 20, 25])


def worth_of(
    approves: NDArray[np.float32], gains: NDArray[np.float32], discount: NDArray[np.float64], slots: list[int]
) -> float:
    """What attempts at these slots bring, story by story."""
    total = 0.0
    for story, weight in enumerate(gains):
        left = float(weight)
        for slot in slots:
            total += left * float(approves[slot, story]) * float(discount[slot])
            left *= 1.0 - float(approves[slot, story])
    return total
