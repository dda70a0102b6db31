"""Cards before they expire: which renewal would be the first to fail, and which reminder is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from recoup.rules.expiring import ExpiringCards, Rhythm, due_step, first_failing, good_until

STEPS = (30, 14, 3)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))
rhythms = st.builds(
    Rhythm,
    renews_at=moments,
    interval=st.sampled_from(["day", "week", "month", "year"]),
    count=st.integers(1, 6),
)


def day(year: int, month: int, of_month: int) -> datetime:
    return datetime(year, month, of_month, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("shown", "gone"),
    [((2026, 11), datetime(2026, 12, 1, tzinfo=UTC)), ((2026, 12), datetime(2027, 1, 1, tzinfo=UTC))],
)
def test_a_card_is_good_to_the_end_of_its_month(shown: tuple[int, int], gone: datetime) -> None:
    """The first moment of the next month is the first at which it is expired, over the turn of the year too."""
    assert good_until(*shown) == gone


@pytest.mark.parametrize(
    ("rhythm", "fails"),
    [
        (Rhythm(renews_at=day(2026, 11, 20)), day(2026, 12, 20)),
        (Rhythm(renews_at=day(2026, 12, 20)), day(2026, 12, 20)),
        (Rhythm(renews_at=day(2026, 11, 28), interval="week"), day(2026, 12, 5)),
        (Rhythm(renews_at=day(2026, 11, 28), interval="day", count=2), day(2026, 12, 2)),
        (Rhythm(renews_at=day(2027, 3, 1), interval="year"), day(2027, 3, 1)),
        (Rhythm(renews_at=day(2026, 10, 31), interval="month", count=3), day(2027, 1, 31)),
        (Rhythm(renews_at=day(2027, 1, 1), charged_at=day(2026, 12, 1)), None),
        (Rhythm(renews_at=day(2027, 1, 1), charged_at=day(2026, 11, 30)), day(2027, 1, 1)),
        (Rhythm(renews_at=day(2027, 6, 1)), day(2027, 6, 1)),
    ],
    ids=[
        "the one after",
        "the next",
        "weekly",
        "every other day",
        "yearly",
        "quarterly",
        "charged after its date",
        "charged just before",
        "after a trial",
    ],
)
def test_the_first_renewal_that_would_fail(rhythm: Rhythm, fails: datetime | None) -> None:
    """It is the first after the card's month; a card that was charged after its date already is no expiring card."""
    assert first_failing(rhythm, good_until(2026, 11)) == fails


@given(rhythms, moments)
def test_no_renewal_between_the_date_and_the_first_failing_one(rhythm: Rhythm, gone_at: datetime) -> None:
    """Whatever the rhythm: the first failing renewal is at or after the date, and none lies between the two."""
    fails = first_failing(rhythm, gone_at)
    if fails is not None:
        assert fails >= gone_at
        earlier = [rhythm.renewal(number) for number in range(401)]
        assert not [renewal for renewal in earlier if gone_at <= renewal < fails]


def test_renewals_at_the_end_of_a_month() -> None:
    """The 31st becomes the last day of shorter months, and leap years count."""
    rhythm = Rhythm(renews_at=day(2027, 12, 31))
    assert [rhythm.renewal(number) for number in (1, 2, 4)] == [
        day(2028, 1, 31),
        day(2028, 2, 29),
        day(2028, 4, 30),
    ]


@pytest.mark.parametrize(
    ("left", "step"),
    [
        (timedelta(days=31), None),
        (timedelta(days=30), 30),
        (timedelta(days=20), 30),
        (timedelta(days=14), 14),
        (timedelta(days=13, hours=1), 14),
        (timedelta(days=3), 3),
        (timedelta(seconds=1), 3),
        (timedelta(0), None),
        (timedelta(days=-1), None),
    ],
)
def test_only_the_latest_reminder_is_due(left: timedelta, step: int | None) -> None:
    """Of the reminders whose day has come the latest; none before the first day, none once the renewal has come."""
    fails_at = day(2026, 12, 20)
    assert due_step(STEPS, fails_at, fails_at - left) == step


def test_without_days_nothing_is_ever_due() -> None:
    """An empty list switches reminders off."""
    assert due_step((), day(2026, 12, 20), day(2026, 12, 19)) is None


@pytest.mark.parametrize("steps", [(14, 30), (14, 14), (0,), (91,)])
def test_days_that_make_no_sense_are_refused(steps: tuple[int, ...]) -> None:
    """Days must fall, and lie between 1 and 90."""
    with pytest.raises(ValidationError):
        ExpiringCards(remind_days_before=steps)
