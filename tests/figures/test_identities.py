"""What must hold of any figures: parts come to the whole, and no way of counting flatters."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recoup.figures import Estimate, NotEnough, Selection
from recoup.figures.causes import ORDER, causes
from recoup.figures.facts import Facts
from recoup.figures.folding import fold
from recoup.figures.recovery import recovery_rate
from recoup.figures.times import time_to_recover
from recoup.ledger.figures_rows import FigureCase, FigureRows
from recoup.rules.case import Outcome, Stage
from recoup.statistics.survival import Watched, survival

NOW = datetime(2026, 11, 28, tzinfo=UTC)
EVERYTHING = Selection(now=NOW)


def a_case(
    number: int, outcome: Outcome | None, failed_days_ago: float, lasted: float = 1, **more: object
) -> FigureCase:
    """A case that failed so long ago and ended so long after that."""
    failed = NOW - timedelta(days=failed_days_ago)
    closed = min(failed + timedelta(days=lasted), NOW) if outcome else None
    values: dict[str, object] = {
        "id": f"in_{number}", "invoice": f"in_{number}", "customer": "cus_1", "subscription": "sub_1", "amount": 1000,
        "currency": "pln", "campaign": "everybody", "policy_version": "v1", "failed_at": failed, "opened_at": failed,
        "outcome": outcome, "closed_at": closed, "is_return": False, "asked_at": None,
    }  # fmt: skip
    return FigureCase(**(values | more))  # type: ignore[arg-type]


def folded(rows: list[FigureCase]) -> Facts:
    """The facts of these cases, about which nothing else happened."""
    return fold(FigureRows(cases=rows))


@st.composite
def cases(draw: st.DrawFn) -> list[FigureCase]:
    """Any cases of three currencies, with returns of some that were suspended."""
    found = []
    for number in range(draw(st.integers(0, 40))):
        outcome = draw(st.sampled_from([None, *Outcome]))
        more = {
            "currency": draw(st.sampled_from(["pln", "eur", "jpy"])),
            "amount": draw(st.integers(1, 10**7)),
        }
        ago, lasted = draw(st.floats(0, 200)), draw(st.floats(0, 80))
        found.append(a_case(number, outcome, ago, lasted, **more))
        if outcome is Outcome.LOST_SUSPENDED and draw(st.booleans()):
            back = {"id": f"in_{number}/r2", "invoice": f"in_{number}", "is_return": True}
            found.append(a_case(number, Outcome.RECOVERED_BY_CARD_UPDATE, ago, lasted, **more | back))
    return sorted(found, key=lambda case: case.failed_at)


@settings(max_examples=40)
@given(cases())
def test_parts_come_to_the_whole(found: list[FigureCase]) -> None:
    """Ends come to cases, causes to the recovered, cohorts to all, and over all time cohorts to cash; money too, in each currency."""
    facts = folded(found)
    made, why = recovery_rate(facts, EVERYTHING), causes(facts, EVERYTHING)
    whole = made.all
    assert whole.recovered + whole.open + whole.suspended + whole.cancelled + whole.written_off == whole.cases
    assert whole.cases + made.left_out.cases == sum(not case.is_return for case in found)
    assert sum(each.cases for each in why.by_cause) == why.recovered == whole.recovered
    assert sum(each.shares.cases for each in made.cohorts) == whole.cases
    assert sum(each.shares.recovered for each in made.cohorts) == sum(each.cases for each in made.cash)
    for each in made.cash:
        assert sum(each.failed_in.values()) == each.cases
    for money in whole.money:
        assert money.failed == money.recovered + money.open + money.lost
        by_cash = [one for each in made.cash for one in each.money if one.currency == money.currency]
        by_cause = [one for each in why.by_cause for one in each.money if one.currency == money.currency]
        assert sum(one.amount for one in by_cash) == sum(one.amount for one in by_cause) == money.recovered


@settings(max_examples=40)
@given(cases())
def test_rates_keep_their_order(found: list[FigureCase]) -> None:
    """More days never recover less of the same cases; closed ones alone never look worse than all; all lie between 0 and 1."""
    made = recovery_rate(folded(found), EVERYTHING)
    if isinstance(made.all.of_all, Estimate) and isinstance(made.all.of_closed, Estimate):
        assert made.all.of_closed.value >= made.all.of_all.value
    curve = [point.value for point in made.estimated.curve]
    assert curve == sorted(curve)
    assert all(0 <= point.low <= point.value <= point.high <= 1 for point in made.estimated.curve)
    for cohort in made.cohorts:
        if cohort.is_mature:
            counts = [one.recovered for one in cohort.within if one.too_young == 0]
            assert counts == sorted(counts)


@settings(max_examples=40)
@given(cases())
def test_no_figure_is_made_of_nothing(found: list[FigureCase]) -> None:
    """Whatever the rows, every figure is a number that JSON knows, or says why there is none."""
    facts = folded(found)
    for made in (recovery_rate(facts, EVERYTHING), time_to_recover(facts, EVERYTHING)):
        json.loads(json.dumps(made.model_dump(mode="json"), allow_nan=False))


def test_the_same_data_do_not_give_71_percent_by_leaving_out_open_cases() -> None:
    """Ten recovered, four lost, six open: 50 % is the rate, and 71.4 % stands beside it as what it is."""
    rows = [a_case(number, Outcome.RECOVERED_BY_RETRY, 20) for number in range(10)]
    rows += [a_case(number, Outcome.LOST_SUSPENDED, 20, 14) for number in range(10, 14)]
    rows += [a_case(number, None, 5) for number in range(14, 20)]
    made = recovery_rate(folded(rows), EVERYTHING).all
    assert isinstance(made.of_all, Estimate)
    assert isinstance(made.of_closed, Estimate)
    assert made.of_all.value == 0.5
    assert round(made.of_closed.value, 3) == 0.714
    assert made.open == 6


def test_young_open_cases_do_not_lower_what_is_estimated_and_cancelled_ones_do_not_raise_it() -> None:
    """Of those that ended half were paid: with many young open ones beside them it stays near a half, while one less Kaplan-Meier says more."""
    rows = [
        a_case(number, [Outcome.RECOVERED_BY_RETRY, Outcome.LOST_CANCELLED][number % 2], 40, 1 + number % 14)
        for number in range(200)
    ]
    rows += [a_case(200 + number, None, number % 7) for number in range(150)]
    facts = folded(rows)
    made = recovery_rate(facts, EVERYTHING)
    estimated = made.estimated.by_day[28]
    assert isinstance(estimated, Estimate)
    assert estimated.value == pytest.approx(0.5, abs=0.02)
    assert made.all.recovered / made.all.cases < 0.3
    censored = survival(Watched(facts.lasted(NOW), np.where(facts.recovered, 1, -1)))
    assert 1 - censored.at(28) > 0.6


def test_a_young_month_is_not_called_mature() -> None:
    """The newest month whose last case has had 28 days is the headline: on 28 November that is October, an hour earlier September."""
    rows = [a_case(number, Outcome.RECOVERED_BY_RETRY, number) for number in range(100)]
    for now, month in ((NOW, "2026-10"), (NOW - timedelta(hours=1), "2026-09")):
        looked = Selection(now=now)
        made = recovery_rate(folded(rows), looked)
        assert made.last_mature is not None
        assert made.last_mature.month == month
        assert [cohort.month for cohort in made.cohorts if cohort.is_mature][-1] == month


def test_a_few_cases_have_no_rate() -> None:
    """Two of three is said as two of three, and not as 67 %."""
    rows = [a_case(number, Outcome.RECOVERED_BY_RETRY if number else None, 40) for number in range(3)]
    made = recovery_rate(folded(rows), EVERYTHING).all
    assert (made.cases, made.recovered) == (3, 2)
    assert made.of_all == NotEnough(not_enough="3 cases; it takes 10 for this figure")


def test_every_recovered_outcome_is_one_cause() -> None:
    """Each of them stands in the order once, and so none is lost."""
    assert set(ORDER) == {outcome for outcome in Outcome if outcome.stage is Stage.RECOVERED}
    assert len(set(ORDER.values())) == len(ORDER)


def test_returned_is_not_recovered() -> None:
    """Who paid after the suspension is counted apart, and once."""
    back = a_case(0, Outcome.RECOVERED_BY_CARD_UPDATE, 40, 20, id="in_0/r2", is_return=True)
    made = recovery_rate(folded([a_case(0, Outcome.LOST_SUSPENDED, 40, 14), back]), EVERYTHING)
    assert (made.all.cases, made.all.recovered, made.returned.cases) == (1, 0, 1)
