"""Curves of what ends: against published values."""

from __future__ import annotations

import numpy as np
import pytest

from recoup.statistics import resampling
from recoup.statistics.counts import rate_ratio
from recoup.statistics.resampling import bootstrap_ratio, quantile
from recoup.statistics.survival import Watched, incidence, survival

TIMES = (1, 1, 2, 4, 4, 4, 6, 6, 7, 8, 9, 9, 9, 1, 2, 2, 4, 4)
ENDS = (1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0)
COMPETING = Watched.of((time, end or None) for time, end in zip(TIMES, ENDS, strict=True))

SIX_MP = (6, 6, 6, 7, 10, 13, 16, 22, 23)
SIX_MP_CENSORED = (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)
RELAPSE = 1
REMISSIONS = Watched.of([(weeks, RELAPSE) for weeks in SIX_MP] + [(weeks, None) for weeks in SIX_MP_CENSORED])


@pytest.mark.parametrize(
    ("of", "values", "errors"),
    [
        (1, (0.11111111, 0.17037037, 0.17037037, 0.17037037, 0.17037037),
         (0.07407407, 0.08976251, 0.08976251, 0.08976251, 0.08976251)),
        (2, (0.0, 0.0, 0.20740741, 0.20740741, 0.20740741), (0.0, 0.0, 0.10610391, 0.10610391, 0.10610391)),
        (3, (0.0, 0.0, 0.0, 0.17777778, 0.26666667), (0.0, 0.0, 0.0, 0.11196147, 0.12787781)),
    ],
)  # fmt: skip
def test_incidence_is_that_of_r_and_stata(
    of: int, values: tuple[float, ...], errors: tuple[float, ...]
) -> None:
    """Three competing ends: the estimates of R's cmprsk and the standard errors of Stata, as statsmodels' own tests have them."""
    curve = incidence(COMPETING, of)
    assert [curve.at(time) for time in (1, 2, 4, 6, 7)] == pytest.approx(values, abs=1e-8)
    assert [curve.errors[list(curve.times).index(time)] for time in (1, 2, 4, 6, 7)] == pytest.approx(
        errors, abs=1e-8
    )


def test_survival_is_that_of_the_book() -> None:
    """The remissions under 6-MP of Freireich and others (1963): table and errors as in Klein and Moeschberger, example 4.1."""
    curve = survival(REMISSIONS)
    at = (6, 7, 10, 13, 16, 22, 23)
    assert list(curve.times) == list(at)
    assert [round(value, 3) for value in curve.values] == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert [round(error, 4) for error in curve.errors] == [
        0.0764,
        0.0869,
        0.0963,
        0.1068,
        0.1141,
        0.1282,
        0.1346,
    ]


def test_without_competition_both_curves_tell_the_same() -> None:
    """With one kind of end the incidence is one less the survival, and as uncertain."""
    one, other = incidence(REMISSIONS, RELAPSE), survival(REMISSIONS)
    assert one.values == pytest.approx([1 - value for value in other.values])
    assert one.errors == pytest.approx(other.errors)


def test_ends_that_compete_share_what_has_ended() -> None:
    """At every time the incidences of all ends and the survival make one."""
    curves = [incidence(COMPETING, of) for of in (1, 2, 3)]
    alive = survival(COMPETING)
    for time in range(10):
        assert sum(curve.at(time) for curve in curves) + alive.at(time) == pytest.approx(1)


def test_the_area_is_the_restricted_mean() -> None:
    """Without censoring the area under the survival is the mean of the times, each cut at the limit."""
    spans = Watched.of((lasted, 1) for lasted in (1.0, 2.0, 3.0, 30.0))
    assert survival(spans).area(28) == pytest.approx((1 + 2 + 3 + 28) / 4)


def test_bands_stay_between_nought_and_one_and_hold_the_estimate() -> None:
    """Also near the edges."""
    curve = survival(REMISSIONS)
    for time in curve.times:
        band = curve.interval(time)
        assert 0 <= band.low < band.estimate < band.high <= 1


def test_a_ratio_of_rates_is_that_of_the_book() -> None:
    """41 breast cancers in 28,010 woman-years against 15 in 19,017 (Rothman, Greenland and Lash): 1.86, exact interval 1.01 to 3.61."""
    ratio = rate_ratio(41, 28_010, 15, 19_017)
    assert ratio is not None
    assert (round(ratio.estimate, 2), round(ratio.low, 2), round(ratio.high, 2)) == (1.86, 1.01, 3.61)
    assert rate_ratio(0, 100, 5, 100) is None


def test_the_same_rows_are_resampled_to_the_same_interval() -> None:
    """A figure does not change from one look to the next, and its interval is about as wide as theory says."""
    pairs, counts = np.array([[0, 1], [1, 1]]), np.array([40, 60])
    one = bootstrap_ratio(pairs, counts)
    assert one == bootstrap_ratio(pairs, counts)
    assert one.estimate == 0.6
    assert [one.low, one.high] == pytest.approx([0.504, 0.696], abs=0.02)


def test_many_different_amounts_are_as_uncertain_drawn_together_as_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three thousand amounts, a few of them very large: the sum stays exact, and both ends of the interval within a hundredth."""
    chance = np.random.default_rng(5)
    wholes = np.exp(chance.normal(8, 1.5, 3000)).astype(np.int64)
    parts = wholes * (chance.random(3000) < 0.6)
    pairs, counts = np.unique(np.stack([parts, wholes], axis=1), axis=0, return_counts=True)
    together = bootstrap_ratio(pairs, counts)
    monkeypatch.setattr(resampling, "FEW", 3000)
    apart = bootstrap_ratio(pairs, counts)
    assert together.estimate == apart.estimate == int(parts.sum()) / int(wholes.sum())
    assert (together.low, together.high) == pytest.approx((apart.low, apart.high), abs=0.01)
    assert apart.high - apart.low > 0.05


def test_quantiles_lie_between_neighbours() -> None:
    """The median of four, and nine tenths of eleven."""
    assert quantile([4, 1, 3, 2], 0.5) == 2.5
    assert quantile(list(range(11)), 0.9) == 9
