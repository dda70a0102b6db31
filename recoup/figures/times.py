"""How long a recovery takes.

The recovered cases of a young month are the quick ones, so their middle value is too low. It is given for debts that have had 28 days
alone; for all of them there is the day on which the cumulative incidence comes to half of its height, and the mean time in
recovery cut at 28 days, which counts the debts that were never recovered too (restricted mean: J. O. Irwin, *Journal of Hygiene*
47, 1949; P. Royston and M. K. B. Parmar, *BMC Medical Research Methodology* 13, 2013).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from recoup.figures.columns import DAY, Array, micros
from recoup.figures.facts import Facts
from recoup.figures.recovery import HEADLINE
from recoup.figures.selection import Selection
from recoup.figures.values import FEWEST, Estimate, Figure, NotEnough, too_few
from recoup.rules.base import Frozen
from recoup.statistics.resampling import quantile
from recoup.statistics.survival import survival


class TimeToRecover(Frozen):
    """In days since the failure."""

    recovered: int
    """So many recovered debts that have had 28 days: what the next three rest on."""
    median: Figure
    mean: Figure
    p90: Figure
    half_of_all: Figure
    """The day by which half of what will be recovered is, open debts considered."""
    in_recovery: Figure
    """The mean time to any end, cut at 28 days."""


def time_to_recover(facts: Facts, selection: Selection) -> TimeToRecover:
    """Of the debts that failed in the selection's time."""
    counted = facts.counted(selection)
    old = counted.debts["failed_at"] + HEADLINE * DAY <= micros(selection.now)
    lasted = counted.watched(selection.now).lasted[old & counted.recovered]
    return TimeToRecover(
        recovered=len(lasted),
        median=_of(lasted, lambda: quantile(lasted, 0.5)),
        mean=_of(lasted, lambda: float(lasted.mean())),
        p90=_of(lasted, lambda: quantile(lasted, 0.9)),
        half_of_all=_half(counted, selection.now),
        in_recovery=_in_recovery(counted, selection.now),
    )


def _of(lasted: Array, value: Callable[[], float]) -> Figure:
    if len(lasted) < FEWEST:
        return NotEnough(not_enough=too_few(len(lasted), f"recovered cases that have had {HEADLINE} days"))
    return Estimate(value=value(), n=len(lasted))


def _half(facts: Facts, now: datetime) -> Figure:
    recovered = int(facts.recovered.sum())
    if recovered < FEWEST:
        return NotEnough(not_enough=too_few(recovered, "recovered cases"))
    curve = facts.incidence(now)
    day = curve.reaches(float(curve.values[-1]) / 2)
    assert day is not None
    return Estimate(value=day, n=len(facts.debts))


def _in_recovery(facts: Facts, now: datetime) -> Figure:
    if len(facts.debts) < FEWEST:
        return NotEnough(not_enough=too_few(len(facts.debts), "cases"))
    curve = survival(facts.watched(now))
    if curve.until < HEADLINE:
        return NotEnough(not_enough=f"no case has been watched for {HEADLINE} days")
    return Estimate(value=curve.area(HEADLINE), n=len(facts.debts))
