"""When a customer may be written to: exact by their own clock, within the budget, and always some time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.rules.contact import Budget, Hours, QuietHours, allowed_from, free_from, hold

ZONES = (
    "Europe/Warsaw", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata", "Asia/Kathmandu",
    "Pacific/Apia", "Pacific/Chatham", "Africa/Casablanca", "Asia/Beirut", "America/Havana", "America/Asuncion", "UTC",
)  # fmt: skip
"""Among them zones that change at midnight, by half an hour, twice in a month, or hardly ever."""
MINUTE = timedelta(minutes=1)
times = st.integers(0, 24 * 60 - 1).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")


@st.composite
def quiet_hours(draw: st.DrawFn) -> QuietHours | None:
    begin, end = draw(times), draw(times)
    try:
        return draw(st.sampled_from((QuietHours(begin=begin, end=end), None)))
    except ValueError:
        return None


moments = st.datetimes(datetime(2024, 1, 1), datetime(2029, 12, 31)).map(
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)


@st.composite
def near_a_change(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone and a moment, as often as not within a day of a change of its clock."""
    zone, moment = draw(st.sampled_from(ZONES)), draw(moments)
    if draw(st.booleans()):
        offset = moment.astimezone(ZoneInfo(zone)).utcoffset()
        for hours in range(0, 24 * 400, 6):
            if (moment + timedelta(hours=hours)).astimezone(ZoneInfo(zone)).utcoffset() != offset:
                return zone, moment + timedelta(hours=hours) - draw(st.integers(0, 36)) * timedelta(hours=1)
    return zone, moment


def days_off(moment: datetime, data: st.DataObject) -> Mapping[date, str]:
    around = [(moment + timedelta(days=count)).date() for count in range(-2, 6)]
    return {day: "a holiday" for day in around if data.draw(st.integers(0, 2)) == 0}


@given(st.data())
def test_the_first_allowed_moment_is_exact(data: st.DataObject) -> None:
    """Nothing before it is allowed and it itself is: minute by minute, through changes of the clock, nights and days off."""
    zone, moment = data.draw(near_a_change())
    hours = Hours(ZoneInfo(zone), data.draw(quiet_hours()), days_off(moment, data))
    found = allowed_from(moment, hours)
    assert found >= moment
    assert hours.forbids(found) is None
    plain = moment
    while hours.forbids(plain) is not None:
        plain = (plain + MINUTE).replace(second=0)
    assert found == plain


@pytest.mark.parametrize(
    ("zone", "moment", "expected"),
    [
        ("Europe/Warsaw", "2026-11-27T21:00+01:00", "2026-11-28T08:00+01:00"),
        ("Europe/Warsaw", "2026-11-28T08:00+01:00", "2026-11-28T08:00+01:00"),
        ("Europe/Warsaw", "2026-03-28T23:00+01:00", "2026-03-29T08:00+02:00"),
        ("America/New_York", "2026-10-31T22:00-04:00", "2026-11-01T08:00-05:00"),
        ("Asia/Kolkata", "2026-11-27T20:00+00:00", "2026-11-28T02:30+00:00"),
    ],
)
def test_a_night_ends_in_the_customers_morning(zone: str, moment: str, expected: str) -> None:
    """At 21:00 the night begins and at 08:00 it is over, by the customer's clock, also where it is changed in between."""
    hours = Hours(ZoneInfo(zone), QuietHours())
    assert allowed_from(datetime.fromisoformat(moment), hours) == datetime.fromisoformat(expected)


def test_a_time_that_the_clock_jumps_over_ends_with_the_jump() -> None:
    """Quiet until 02:30 on the night on which 02:00 is followed by 03:00: what waits goes out at 03:00, not at 03:30."""
    hours = Hours(ZoneInfo("Europe/Warsaw"), QuietHours(begin="22:00", end="02:30"))
    night = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert allowed_from(night, hours) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "begin", "end", "asked", "expected"),
    [
        # The clock is set back at 03:00 the night after: what is free from 01:00 on comes before that.
        ("Africa/Casablanca", "02:45", "01:00", "2027-02-06T14:43", "2027-02-07T00:00"),
        ("Pacific/Chatham", "05:30", "00:00", "2026-09-25T22:33", "2026-09-26T11:15"),
        # From 23:00 the clock jumps to 00:00, over the 23:01 from which the hours are free.
        ("America/Scoresbysund", "01:01", "23:01", "2027-03-27T22:33", "2027-03-28T01:00"),
    ],
)
def test_a_change_of_the_clock_hides_nothing_that_comes_before_it(
    zone: str, begin: str, end: str, asked: str, expected: str
) -> None:
    """Around the hour in which summer begins or ends a message goes out at the first moment there is, not at the change."""
    hours = Hours(ZoneInfo(zone), QuietHours(begin=begin, end=end))
    moment, first = (datetime.fromisoformat(f"{each}:00+00:00") for each in (asked, expected))
    assert allowed_from(moment, hours) == first


@given(st.lists(moments, max_size=12), st.integers(1, 4), st.sampled_from((1, 2, 7, 30)), moments)
def test_the_budget_is_never_overspent_and_frees_itself(
    told: list[datetime], messages: int, span: int, now: datetime
) -> None:
    """At the moment that is named one more fits into every window that ends there, and a second before it did not."""
    budget, told = Budget(messages=messages, days=span), [at for at in told if at <= now]
    free = free_from(budget, told, now)

    def counted(at: datetime) -> int:
        return sum(at - timedelta(days=span) < one <= at for one in told)

    assert counted(free) < messages
    if free > now:
        assert counted(free - timedelta(seconds=1)) >= messages


@given(st.data())
def test_a_hold_ends_when_it_says(data: st.DataObject) -> None:
    """Asked again at the moment that was named, with nothing told meanwhile, the message goes out; and every hold has its reason."""
    zone, now = data.draw(near_a_change())
    budget = data.draw(st.sampled_from((None, Budget(messages=1, days=0.5), Budget())))
    hours = Hours(ZoneInfo(zone), data.draw(quiet_hours()), days_off(now, data), budget)
    told = [now - timedelta(hours=hour) for hour in data.draw(st.lists(st.integers(0, 24 * 8), max_size=9))]
    held = hold(hours, told, now)
    if held is not None:
        assert held.until > now
        assert held.because
        assert hold(hours, told, held.until) is None


def test_a_hold_says_why() -> None:
    """Night, quiet hour, day off and budget are told apart, with the customer's town."""
    night = datetime(2026, 11, 27, 22, 0, tzinfo=UTC)
    warsaw = ZoneInfo("Europe/Warsaw")
    assert _why(Hours(warsaw, QuietHours()), night) == "it is night in Warsaw (21:00 to 08:00)"
    noon = QuietHours(begin="12:00", end="14:00")
    assert (
        _why(Hours(warsaw, noon), night.replace(hour=11)) == "it is a quiet hour in Warsaw (12:00 to 14:00)"
    )
    off = {date(2026, 11, 27): "Friday"}
    assert _why(Hours(warsaw, None, off), night) == "it is a day off in Warsaw (Friday)"
    spent = Hours(warsaw, QuietHours(), {}, Budget(messages=1, days=7))
    told = [night - timedelta(days=1)]
    expected = (
        "the budget of 1 messages in 7 days is used up, and then it is night in Warsaw (21:00 to 08:00)"
    )
    assert _why(spent, night, told) == expected


def _why(hours: Hours, now: datetime, told: list[datetime] | None = None) -> str:
    held = hold(hours, told or [], now)
    assert held is not None
    return held.because


@pytest.mark.parametrize(("begin", "end"), [("08:00", "08:00"), ("08:00", "07:30"), ("00:00", "23:59")])
def test_hours_that_leave_no_room_are_refused(begin: str, end: str) -> None:
    """A day without at least an hour for messages is a mistake and is said to be one."""
    with pytest.raises(ValueError, match="leave at least an hour"):
        QuietHours(begin=begin, end=end)
