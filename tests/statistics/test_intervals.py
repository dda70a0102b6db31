"""Intervals: against published values, and by how often they are right."""

from __future__ import annotations

import numpy as np
import pytest

from recoup.rules.experiments import Arm, customers_needed
from recoup.statistics.intervals import difference_of_means, difference_of_rates, wilson

EXPERIMENTS = 10_000


@pytest.mark.parametrize(
    ("treated", "control", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 10), 0.6075, 1.0),
        ((0, 10), (0, 10), -0.2775, 0.2775),
    ],
)
def test_differences_are_those_of_the_paper(
    treated: tuple[int, int], control: tuple[int, int], low: float, high: float
) -> None:
    """Newcombe 1998, table II, method 10."""
    interval = difference_of_rates(treated, control)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


def test_wilson_is_that_of_the_paper() -> None:
    """Newcombe 1998 (single proportions), table I, method 3: 81 of 263 and 0 of 20."""
    one, none = wilson(81, 263), wilson(0, 20)
    assert (round(one.low, 4), round(one.high, 4)) == (0.2553, 0.3662)
    assert (none.low, round(none.high, 4)) == (0.0, 0.1611)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("rate", [0.3, 0.5, 0.7])
def test_where_there_is_no_difference_one_is_found_in_five_of_a_hundred(rate: float, share: float) -> None:
    """10,000 experiments of two equal campaigns at the planned number: between 4.4 and 5.6 % false alarms, so 94.4 % of the intervals hold the truth."""
    needed = customers_needed(rate, 0.05, share)
    chance = np.random.default_rng(28)
    treated = chance.binomial(needed[Arm.TREATMENT], rate, EXPERIMENTS)
    control = chance.binomial(needed[Arm.CONTROL], rate, EXPERIMENTS)
    false = sum(
        difference_of_rates(
            (int(one), needed[Arm.TREATMENT]), (int(other), needed[Arm.CONTROL])
        ).excludes_zero
        for one, other in zip(treated, control, strict=True)
    )
    assert 0.044 <= false / EXPERIMENTS <= 0.056


@pytest.mark.parametrize(("rate", "least", "share"), [(0.5, 0.05, 0.5), (0.6, 0.08, 0.2)])
def test_a_planted_difference_is_found_at_the_planned_number(rate: float, least: float, share: float) -> None:
    """Four experiments of five find it, and 94.4 % of the intervals hold it."""
    needed, chance = customers_needed(rate, least, share), np.random.default_rng(7)
    treated = chance.binomial(needed[Arm.TREATMENT], rate + least, EXPERIMENTS)
    control = chance.binomial(needed[Arm.CONTROL], rate, EXPERIMENTS)
    intervals = [
        difference_of_rates((int(one), needed[Arm.TREATMENT]), (int(other), needed[Arm.CONTROL]))
        for one, other in zip(treated, control, strict=True)
    ]
    assert 0.79 <= sum(each.low > 0 for each in intervals) / EXPERIMENTS <= 0.82
    assert sum(each.low <= least <= each.high for each in intervals) / EXPERIMENTS >= 0.944


def test_intervals_of_money_hold_the_truth() -> None:
    """Amounts of a few sizes, most of them lost: of 2,000 experiments 94.4 % hold the planted difference, less what chance takes."""
    chance = np.random.default_rng(3)
    held = 0
    for _ in range(2_000):
        sizes = chance.choice([900, 2900, 9900, 49900], size=(2, 400), p=[0.4, 0.4, 0.15, 0.05])
        paid = sizes * (chance.random((2, 400)) < np.array([[0.6], [0.5]]))
        interval = difference_of_means(list(paid[0]), list(paid[1]))
        assert interval is not None
        held += interval.low <= 0.1 * (0.4 * 900 + 0.4 * 2900 + 0.15 * 9900 + 0.05 * 49900) <= interval.high
    assert 0.935 <= held / 2_000 <= 0.965


def test_a_small_group_has_no_mean() -> None:
    """Twenty-nine are too few, and nothing is said."""
    assert difference_of_means([1.0] * 29, [1.0] * 400) is None


def test_the_number_of_customers_is_that_of_the_book() -> None:
    """Equal groups, 60 % against 70 %: 356 in each, as Fleiss, Levin and Paik have it without correction; unequal ones need more in all."""
    assert customers_needed(0.6, 0.1, 0.5) == {Arm.TREATMENT: 356, Arm.CONTROL: 356}
    unequal = customers_needed(0.6, 0.1, 0.2)
    assert unequal[Arm.CONTROL] == pytest.approx(4 * unequal[Arm.TREATMENT], abs=4)
    assert sum(unequal.values()) > 712
