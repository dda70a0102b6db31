"""What an address tells: the customer's time zone, and the days on which nobody works there."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from babel.core import get_global

from recoup.billing.places import MAIN, days_off, zone_of


@pytest.mark.parametrize(
    ("country", "state", "zone"),
    [
        ("PL", None, "Europe/Warsaw"),
        ("pl", "mazowieckie", "Europe/Warsaw"),
        ("US", "CA", "America/Los_Angeles"),
        ("US", "California", "America/Los_Angeles"),
        ("US", "US-NY", "America/New_York"),
        ("US", None, "America/Chicago"),
        ("US", "Atlantis", "America/Chicago"),
        ("CA", "Colombie-Britannique", "America/Vancouver"),
        ("AU", "WA", "Australia/Perth"),
        ("BR", "AM", "America/Manaus"),
        ("XX", None, None),
        (None, None, None),
    ],
)
def test_an_address_tells_the_zone(country: str | None, state: str | None, zone: str | None) -> None:
    """The country decides, or the state where the country has many zones; an unknown state counts as none."""
    assert zone_of(country, state) == zone


def test_every_country_with_zones_has_one() -> None:
    """No country that has people and a time zone is without an answer, and every answer is a zone."""
    for country in get_global("territory_zones"):
        if country not in ("001", "ZZ", "AQ", "UM"):
            zone = zone_of(country, None)
            assert zone is not None, country
            ZoneInfo(zone)
    assert {zone_of(country, None) for country in MAIN} == set(MAIN.values())


def test_days_off_are_holidays_and_the_weekend_of_the_place() -> None:
    """Poland rests on 11 November, California on Thanksgiving, Saudi Arabia on Fridays, and nowhere in particular on weekends."""
    week = date(2026, 11, 9), date(2026, 11, 15)
    assert list(days_off("PL", None, *week)) == [date(2026, 11, day) for day in (11, 14, 15)]
    assert "Independence" in days_off("PL", None, *week)[date(2026, 11, 11)]
    assert date(2026, 11, 26) in days_off("US", "California", date(2026, 11, 26), date(2026, 11, 26))
    assert list(days_off("SA", None, *week)) == [date(2026, 11, day) for day in (13, 14)]
    assert days_off(None, None, *week) == {date(2026, 11, 14): "Saturday", date(2026, 11, 15): "Sunday"}


def test_days_off_reach_over_new_year() -> None:
    """What is asked for at the end of a year includes the holidays of the next."""
    found = days_off("DE", None, date(2026, 12, 31), date(2027, 1, 1))
    assert list(found) == [date(2027, 1, 1)]
