"""What an address tells of the customer's clock and calendar: the time zone, and the days on which nobody works there.

Zones of countries come from CLDR (Babel's ``territory_zones``), public holidays and weekends from the package ``holidays``. Where a
country has many zones its states decide, by their postal codes (ISO 3166-2); where a state is split, the zone of most of its people.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from babel.core import get_global

from recoup.rules.contact import is_zone

MAIN: dict[str, str] = {
    "AR": "America/Argentina/Buenos_Aires", "AU": "Australia/Sydney", "BR": "America/Sao_Paulo",
    "CA": "America/Toronto", "CD": "Africa/Kinshasa", "CL": "America/Santiago", "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia", "DE": "Europe/Berlin", "EC": "America/Guayaquil", "ES": "Europe/Madrid",
    "FM": "Pacific/Pohnpei", "GL": "America/Nuuk", "ID": "Asia/Jakarta", "KI": "Pacific/Tarawa",
    "KZ": "Asia/Almaty", "MH": "Pacific/Majuro", "MN": "Asia/Ulaanbaatar", "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur", "NZ": "Pacific/Auckland", "PF": "Pacific/Tahiti", "PG": "Pacific/Port_Moresby",
    "PS": "Asia/Gaza", "PT": "Europe/Lisbon", "RU": "Europe/Moscow", "UA": "Europe/Kyiv", "US": "America/Chicago",
    "UZ": "Asia/Tashkent",
}  # fmt: skip
"""Countries with several zones: the one of most people, or for the United States the one in the middle."""

_ZONES_OF_STATES: dict[str, dict[str, str]] = {
    "US": {
        "America/New_York": "CT DC DE FL GA IN KY MA MD ME MI NC NH NJ NY OH PA RI SC VA VT WV",
        "America/Chicago": "AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI",
        "America/Denver": "CO ID MT NM UT WY",
        "America/Phoenix": "AZ",
        "America/Los_Angeles": "CA NV OR WA",
        "America/Anchorage": "AK",
        "Pacific/Honolulu": "HI",
        "America/Puerto_Rico": "PR VI",
        "Pacific/Guam": "GU MP",
        "Pacific/Pago_Pago": "AS",
    },
    "CA": {
        "America/St_Johns": "NL",
        "America/Halifax": "NB NS PE",
        "America/Toronto": "ON QC",
        "America/Winnipeg": "MB",
        "America/Regina": "SK",
        "America/Edmonton": "AB NT",
        "America/Iqaluit": "NU",
        "America/Vancouver": "BC",
        "America/Whitehorse": "YT",
    },
    "AU": {
        "Australia/Sydney": "ACT NSW",
        "Australia/Melbourne": "VIC",
        "Australia/Brisbane": "QLD",
        "Australia/Hobart": "TAS",
        "Australia/Adelaide": "SA",
        "Australia/Darwin": "NT",
        "Australia/Perth": "WA",
    },
    "BR": {
        "America/Rio_Branco": "AC",
        "America/Manaus": "AM RO RR",
        "America/Cuiaba": "MT MS",
    },
    "ES": {"Atlantic/Canary": "CN"},
}

_STATES = {
    country: {state: zone for zone, states in zones.items() for state in states.split()}
    for country, zones in _ZONES_OF_STATES.items()
}


def usable_zone(name: str | None) -> str | None:
    """The name of a time zone where there is one of that name."""
    return name if name and is_zone(name) else None


def zone_of(country: str | None, state: str | None) -> str | None:
    """The time zone of an address: ISO code of the country, and its state as code or name; ``None`` where it tells none."""
    country = (country or "").upper()
    of_states = _STATES.get(country, {})
    zone = of_states.get(_state_code(country, state) or "") or MAIN.get(country)
    if zone is None:
        zones = get_global("territory_zones").get(country, [])
        zone = zones[0] if len(zones) == 1 else None
    return usable_zone(zone)


def days_off(country: str | None, state: str | None, first: date, last: date) -> Mapping[date, str]:
    """The days between two, both included, on which nobody works there, each with its name.

    Public holidays of the country and the state, and the weekend that is usual there; an unknown country has Saturdays and Sundays.
    """
    country = (country or "").upper()
    found: dict[date, str] = {}
    for year in range(first.year, last.year + 1):
        found |= _days_off_in(country, _state_code(country, state), year)
    return {day: name for day, name in found.items() if first <= day <= last}


@lru_cache(maxsize=512)
def _days_off_in(country: str, state: str | None, year: int) -> Mapping[date, str]:
    """Worked out once, and whole: the calendars of the package fill themselves while they are asked, which threads must not share."""
    calendar, day, found = _calendar(country, state, year), date(year, 1, 1), dict[date, str]()
    while day.year == year:
        if calendar is None and day.weekday() >= 5:
            found[day] = f"{day:%A}"
        elif calendar is not None and not calendar.is_working_day(day):
            found[day] = calendar.get(day) or f"{day:%A}"
        day += timedelta(days=1)
    return MappingProxyType(found)


def _calendar(country: str, state: str | None, year: int) -> Any:
    # It takes longer to import than all the rest of billing; only those who write to customers need it.
    import holidays

    try:
        return holidays.country_holidays(country, subdiv=state, years=year, expand=False, language="en_US")
    except NotImplementedError:
        return None


@lru_cache(maxsize=4096)
def _state_code(country: str, state: str | None) -> str | None:
    """The postal code of a state, written as one, as ISO code or by its name; ``None`` where nobody knows it."""
    written = (state or "").strip().casefold().removeprefix(f"{country}-".casefold())
    if not written:
        return None
    import holidays

    try:
        aliases = holidays.country_holidays(country).get_subdivision_aliases()
    except NotImplementedError:
        return None
    return next(
        (
            code
            for code, names in aliases.items()
            if written in {code.casefold(), *(name.casefold() for name in names)}
        ),
        None,
    )
