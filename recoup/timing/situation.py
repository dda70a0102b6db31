"""What is known about a case when its next attempt is planned, and the bounds within which it must stay."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from recoup.rules.declines import Decline
from recoup.rules.networks import DEFAULT_CAP

SLOT_HOURS = 3
"""The grid of moments: every third hour of the customer's local day."""
SLOTS_A_DAY = 24 // SLOT_HOURS

_CAPITALS = {
    "US": "America/Chicago", "CA": "America/Toronto", "GB": "Europe/London", "IE": "Europe/Dublin",
    "PL": "Europe/Warsaw", "DE": "Europe/Berlin", "FR": "Europe/Paris", "ES": "Europe/Madrid", "IT": "Europe/Rome",
    "NL": "Europe/Amsterdam", "BE": "Europe/Brussels", "AT": "Europe/Vienna", "CH": "Europe/Zurich",
    "SE": "Europe/Stockholm", "NO": "Europe/Oslo", "DK": "Europe/Copenhagen", "FI": "Europe/Helsinki",
    "CZ": "Europe/Prague", "PT": "Europe/Lisbon", "AU": "Australia/Sydney", "NZ": "Pacific/Auckland",
    "BR": "America/Sao_Paulo", "MX": "America/Mexico_City", "IN": "Asia/Kolkata", "JP": "Asia/Tokyo",
}  # fmt: skip
"""The time zone of most people of a country, where the customer's own is not known."""


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt that was refused."""

    at: datetime
    decline: Decline


@dataclass(frozen=True, slots=True)
class Situation:
    """A case as the timing sees it. Money and times are as everywhere: minor units, aware moments."""

    now: datetime
    first_failed_at: datetime
    tried: tuple[Tried, ...]
    """Every refused attempt in order, the first failure included."""
    amount: int = 0
    currency: str = "eur"
    country: str | None = None
    """Two letters; where the card was issued, or where the customer lives."""
    timezone: str | None = None
    """IANA name; by default that of the country."""
    brand: str | None = None
    funding: str | None = None
    issuer: str | None = None
    """Any stable name for the bank; it is compared, never read."""
    tenure_days: float | None = None
    payer_successes: tuple[datetime, ...] = ()
    """When this payer's earlier payments were approved."""
    case: str = ""

    @property
    def zone(self) -> tzinfo:
        """The customer's time zone; UTC where nothing is known."""
        return zone_of(self.timezone, self.country)


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of the remaining attempts, from the policy, the bank and the card networks."""

    until: datetime
    """No attempt after this."""
    attempts_left: int
    min_gap: timedelta = timedelta(hours=20)
    """At least so long between two attempts."""
    passing_gap: timedelta = timedelta(hours=6)
    """The same after a technical refusal, if that is shorter."""
    not_before: datetime | None = None
    cap: int = DEFAULT_CAP
    """The operator's own limit of attempts on one card in 30 days."""
    quiet_hours: tuple[int, int] | None = None
    """Local hours (from, to) without attempts; may reach over midnight."""
    card_attempts: tuple[datetime, ...] = field(default=())
    """Attempts on the same card outside this case; the networks count them too."""


@lru_cache(maxsize=512)
def zone_of(timezone: str | None, country: str | None) -> tzinfo:
    """A time zone by name, else the one of most people of the country, else UTC; a name nobody knows counts as none."""
    for name in (timezone, _CAPITALS.get(country or "")):
        if name:
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError):
                continue
    return UTC


def slot_of(moment: datetime, zone: tzinfo) -> int:
    """The slot that a moment falls into: slots are counted from the local day with ordinal 0."""
    local = moment.astimezone(zone)
    return local.toordinal() * SLOTS_A_DAY + local.hour // SLOT_HOURS


def slot_from(moment: datetime, zone: tzinfo) -> int:
    """The first slot that begins at the moment or after it."""
    slot = slot_of(moment, zone)
    return slot if moment_of(slot, zone) >= moment else slot + 1


@lru_cache(maxsize=65_536)
def moment_of(slot: int, zone: tzinfo) -> datetime:
    """The moment at which a slot begins, in UTC; one that summer time skips begins an hour later."""
    day, part = divmod(slot, SLOTS_A_DAY)
    local = datetime.combine(date.fromordinal(day), datetime.min.time(), zone)
    return (local.replace(hour=part * SLOT_HOURS)).astimezone(UTC)
