"""Draws: the same everywhere, and distributed as they say."""

from __future__ import annotations

import numpy as np
import pytest

from recoup.timing.draws import choices, exponentials, lognormals, uniforms

MANY = np.arange(20_000)


def test_a_draw_is_the_same_for_ever() -> None:
    """The first draws of some keys are these very numbers, on every machine and with every version."""
    assert uniforms(1, np.array([0, 1, 2])).tolist() == pytest.approx(FIRST, abs=1e-15)


def test_draws_hang_on_their_keys_alone() -> None:
    """One key among many gets what it gets alone, whatever stands around it."""
    assert uniforms(7, MANY, 3)[1234] == uniforms(7, 1234, 3)[0]
    assert uniforms(7, 1, 3)[0] != uniforms(7, 3, 1)[0]
    assert uniforms(-5, 1)[0] != uniforms(5, 1)[0]


def test_draws_are_spread_as_they_say() -> None:
    """Uniform, exponential and lognormal draws have the mean or the median they are asked for, choices their shares."""
    assert uniforms(MANY).mean() == pytest.approx(0.5, abs=0.01)
    assert min(np.histogram(uniforms(3, MANY), bins=10)[0].tolist()) > 1800
    assert exponentials(6.0, MANY, 1).mean() == pytest.approx(6.0, rel=0.03)
    assert np.median(lognormals(30.0, 1.2, MANY)) == pytest.approx(30.0, rel=0.05)
    assert np.bincount(choices([2, 0, 6], MANY)).tolist() == pytest.approx([5000, 0, 15000], rel=0.05)


def test_neighbouring_keys_know_nothing_of_each_other() -> None:
    """Draws of one key and of the next are not correlated."""
    assert abs(np.corrcoef(uniforms(MANY, 1), uniforms(MANY + 1, 1))[0, 1]) < 0.02
    assert abs(np.corrcoef(uniforms(MANY, 1), uniforms(MANY, 2))[0, 1]) < 0.02


FIRST = [0.5675456162405015, 0.4235646282673022, 0.5295453073454386]
