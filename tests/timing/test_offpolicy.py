"""Off-policy estimates: right as often as they say, and silent where too little supports them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from recoup.timing.draws import Floats, choices, uniforms
from recoup.timing.offpolicy import LEAST_EFFECTIVE, Estimate, Logged, doubly_robust, effective_size, weighted

TRUE = np.array([0.10, 0.25, 0.40, 0.15])
"""Chance of approval at each of four moments."""
LOGGING = np.array([0.4, 0.3, 0.2, 0.1])
TARGET = np.array([0.1, 0.1, 0.7, 0.1])


def log(count: int, seed: int, *, target: Floats = TARGET, model: Floats = TRUE) -> list[Logged]:
    moments = choices(LOGGING, seed, np.arange(count), 1)
    approved = uniforms(seed, np.arange(count), 2) < TRUE[moments]
    mean = float(target @ model)
    return [
        Logged(bool(won), float(LOGGING[at]), float(target[at]), float(model[at]), mean)
        for won, at in zip(approved, moments, strict=True)
    ]


@pytest.mark.parametrize(
    ("estimate", "model"),
    [(weighted, TRUE), (doubly_robust, np.full(4, 0.2))],
    ids=["weighting", "doubly robust with a wrong model"],
)
def test_intervals_cover_the_truth(estimate: Callable[[list[Logged]], Estimate], model: Floats) -> None:
    """Over 500 simulated logs the 95 % interval holds the truth 95 times in a hundred, give or take three; a wrong model does no harm."""
    truth = float(TARGET @ TRUE)
    said = [estimate(log(800, seed, model=model)) for seed in range(500)]
    assert all(one.can_tell for one in said)
    covered = np.mean(
        [one.low <= truth <= one.high for one in said if one.low is not None and one.high is not None]
    )
    assert 0.92 <= covered <= 0.98
    values = [one.value for one in said if one.value is not None]
    assert np.mean(values) == pytest.approx(truth, abs=0.004)


def test_a_right_model_narrows_the_interval() -> None:
    """With a model that knows the chances the doubly robust interval is no wider than plain weighting's."""
    plain, robust = weighted(log(3000, 1)), doubly_robust(log(3000, 1))
    assert plain.low is not None
    assert plain.high is not None
    assert robust.low is not None
    assert robust.high is not None
    assert robust.high - robust.low < (plain.high - plain.low) * 1.1


@pytest.mark.parametrize("estimate", [weighted, doubly_robust])
@pytest.mark.parametrize("count", [0, 1, 150])
def test_too_little_says_so(estimate: Callable[[list[Logged]], Estimate], count: int) -> None:
    """With too few attempts there is no number, only the sentence that says how few there are."""
    said = estimate(log(count, 3))
    assert not said.can_tell
    assert (said.value, said.low, said.high) == (None, None, None)
    assert said.because.startswith("can't tell yet")


def test_a_policy_that_was_hardly_ever_tried_cannot_be_judged() -> None:
    """Thousands of attempts say nothing about moments that were never drawn."""
    nowhere = [Logged(one.approved, one.propensity, 0.0) for one in log(5000, 4)]
    rare = [Logged(one.approved, 0.001, 0.9) if n < 30 else one for n, one in enumerate(nowhere)]
    assert not weighted(nowhere).can_tell
    assert not weighted(rare).can_tell
    assert weighted(rare).overlap < 0.01


def test_the_effective_size_is_that_of_equal_weights() -> None:
    """A thousand equal weights are a thousand attempts; one that outweighs all is one."""
    assert effective_size(np.full(1000, 3.0)) == pytest.approx(1000)
    assert effective_size(np.array([1e9, *np.ones(999)])) == pytest.approx(1, abs=0.01)
    assert weighted(log(1200, 5)).effective > LEAST_EFFECTIVE


@pytest.mark.parametrize(("propensity", "target"), [(0.0, 0.5), (1.5, 0.5), (0.5, -0.1), (0.5, 1.1)])
def test_chances_that_are_none_are_refused(propensity: float, target: float) -> None:
    """A propensity of nothing would weigh without end; it is refused with the attempt's number."""
    with pytest.raises(ValueError, match="attempt 0"):
        weighted([Logged(True, propensity, target)])
