"""Pay cycles: who is paid on which day, and when there is money."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from recoup.timing.paydays import (
    BIWEEKLY,
    MONTHLY,
    SEMIMONTHLY,
    WEEKLY,
    Payers,
    funded,
    month_days,
    paydays,
    payers_of,
    weekdays,
)
from recoup.timing.prior import shipped_prior


def one(cycle: int, phase: int, *, friday: bool = False, lasts: float = 48.0, hour: int = 6) -> Payers:
    return Payers(
        cycle=np.array([cycle]),
        phase=np.array([phase]),
        lasts_hours=np.array([lasts]),
        arrives_hour=np.array([hour]),
        friday=np.array([friday]),
        never=np.array([0.9]),
        seed=np.array([1]),
    )


def days_paid(payers: Payers, first: date, days: int) -> list[str]:
    found = np.nonzero(paydays(payers, np.array([first.toordinal()]), days)[0])[0]
    return [date.fromordinal(first.toordinal() + int(day)).isoformat() for day in found]


@pytest.mark.parametrize(
    ("cycle", "phase", "friday", "expected"),
    [
        (WEEKLY, 4, False, ["2026-11-06", "2026-11-13", "2026-11-20", "2026-11-27"]),
        (MONTHLY, 10, False, ["2026-11-10"]),
        (MONTHLY, 0, False, ["2026-11-30"]),
        (MONTHLY, 31, False, ["2026-11-30"]),
        (MONTHLY, 15, False, ["2026-11-15"]),
        (MONTHLY, 15, True, ["2026-11-13"]),  # the 15th is a Sunday
        (SEMIMONTHLY, 0, False, ["2026-11-01", "2026-11-15"]),
        (SEMIMONTHLY, 1, False, ["2026-11-15", "2026-11-30"]),
    ],
)
def test_everybody_is_paid_on_their_days(cycle: int, phase: int, friday: bool, expected: list[str]) -> None:
    """Weekly, monthly (the last day and short months too) and twice a month; some are paid on Friday before a weekend."""
    assert days_paid(one(cycle, phase, friday=friday), date(2026, 11, 1), 30) == expected


def test_every_second_week_is_every_second_week() -> None:
    """Those paid every second week have 14 days between their paydays, and the two halves take turns."""
    first, second = (days_paid(one(BIWEEKLY, phase), date(2026, 11, 1), 56) for phase in (4, 11))
    assert len(first) == len(second) == 4
    assert not set(first) & set(second)
    gaps = np.diff([date.fromisoformat(day).toordinal() for day in first])
    assert set(gaps.tolist()) == {14}


def test_the_calendar_is_the_real_one() -> None:
    """Weekdays and days of the month are those of Python's calendar, leap days included."""
    ordinals = np.arange(date(2027, 12, 1).toordinal(), date(2028, 4, 1).toordinal())
    real = [date.fromordinal(int(day)) for day in ordinals]
    dom, last = month_days(ordinals)
    assert dom.tolist() == [day.day for day in real]
    assert weekdays(ordinals).tolist() == [day.weekday() for day in real]
    assert [day.isoformat() for day, is_last in zip(real, last, strict=True) if is_last][-2:] == [
        "2028-02-29",
        "2028-03-31",
    ]


def test_money_comes_with_the_payday_and_goes_again() -> None:
    """Before the hour at which pay is booked there is no money, right after it there is, and weeks later it is gone."""
    funds = shipped_prior().funds.model_copy(update={"enough": 1.0, "tops_up_daily": 0.0})
    there = funded(
        one(MONTHLY, 10, hour=6, lasts=40.0), funds, np.array([date(2026, 11, 10).toordinal()]), 20, 3
    )[0]
    assert there[:3].tolist() == [False, False, True]
    assert not there[-40:].any()


def test_a_stretch_of_days_is_the_same_wherever_it_begins() -> None:
    """What is drawn for a day does not depend on the day from which somebody looks."""
    prior = shipped_prior()
    payers = payers_of(prior, "US", np.arange(50))
    first = date(2026, 11, 1).toordinal()
    long = funded(payers, prior.funds, np.array([first]), 30, 3)
    short = funded(payers, prior.funds, np.array([first + 10]), 20, 3)
    # Money of more than 36 days ago is forgotten, which hardly any of it lives to see.
    assert np.mean(long[:, 80:] != short) < 0.01


def test_the_shares_of_a_country_are_those_of_the_table() -> None:
    """Of many payers in the United States about as many are paid weekly as the table says; elsewhere most by the month."""
    prior = shipped_prior()
    american = np.bincount(payers_of(prior, "US", np.arange(5000)).cycle) / 5000
    assert american == pytest.approx([0.324, 0.365, 0.198, 0.113], abs=0.03)
    assert np.mean(payers_of(prior, "PL", np.arange(5000)).cycle == MONTHLY) > 0.85
