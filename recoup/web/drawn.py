"""Figures as what charts are drawn from; the report and the console draw the same."""

from __future__ import annotations

from collections.abc import Iterable

from recoup.figures.recovery import RecoveryRate, Shares
from recoup.figures.tries import Tried
from recoup.web.charts import Bar, CurvePoint


def cohort_bars(recovery: RecoveryRate) -> list[Bar]:
    """By month of the failure: recovered, in recovery, lost."""
    return [
        Bar(each.month, (each.shares.recovered, each.shares.open, lost(each.shares)))
        for each in recovery.cohorts
    ]


def tried_bars(tried: Iterable[Tried]) -> list[Bar]:
    """Attempts by what they have in common: paid, refused."""
    return [
        Bar(each.what.replace(" and later", "+"), (each.paid, each.attempts - each.paid)) for each in tried
    ]


def recovery_points(recovery: RecoveryRate) -> list[CurvePoint]:
    """The cumulative incidence of recovery, with its band."""
    return [CurvePoint(point.day, point.value, point.low, point.high) for point in recovery.estimated.curve]


def lost(shares: Shares) -> int:
    """So many did not come back."""
    return shares.suspended + shares.cancelled + shares.written_off
