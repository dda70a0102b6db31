"""Which figures were asked for, as the address says it: a time, and the cases of one currency, campaign or policy version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from urllib.parse import urlencode

from recoup.errors import ConfigurationError
from recoup.figures import Selection, month_bounds

T = TypeVar("T")

WINDOWS = (30, 90, 365)
"""Days back from now, by the first failure."""
USUAL = 90
EVERYTHING = "all"
FIELDS = ("days", "month", "from", "to", "currency", "campaign", "version")
"""By the names that they have in an address."""
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class FiguresAsked:
    """A choice of figures."""

    given: tuple[tuple[str, str], ...]
    """What the address says, as it was typed, of what could be read."""
    days: int | None = USUAL
    """Back from now; nothing where another time is asked for, or all of it."""
    since: datetime | None = None
    until: datetime | None = None
    wrong: tuple[str, ...] = field(default=(), compare=False)
    """The names of what could not be read."""

    def get(self, name: str) -> str:
        """What was typed for this."""
        return dict(self.given).get(name, "")

    @property
    def window(self) -> str | None:
        """The window that is shown, as the address names it; nothing for a time of its own."""
        if self.days is not None:
            return str(self.days)
        return EVERYTHING if self.since is None and self.until is None else None

    def selection(self, now: datetime) -> Selection:
        """The same as the figures understand it."""
        since = self.since if self.days is None else now - timedelta(days=self.days)
        return Selection(
            now=now,
            since=since,
            until=self.until,
            currency=self.get("currency") or None,
            campaign=self.get("campaign") or None,
            policy_version=self.get("version") or None,
        )

    def address(self, path: str = "/figures", **changes: str | None) -> str:
        """The address of these figures with something changed; another time takes the place of the one before."""
        before = dict(self.given)
        if "days" in changes:
            before = {name: value for name, value in before.items() if name not in ("month", "from", "to")}
        query = urlencode({name: value for name, value in (before | changes).items() if value})
        return f"{path}?{query}" if query else path


def figures_asked(query: Mapping[str, str]) -> FiguresAsked:
    """Read an address; days and months are those of UTC, as in every figure. What cannot be read is named and left out."""
    given = {name: value[:_LONGEST] for name in FIELDS if (value := query.get(name, "").strip())}
    if "currency" in given:
        given["currency"] = given["currency"].lower()
    wrong: list[str] = []

    def read(name: str, as_: Callable[[str], T]) -> T | None:
        if name not in given:
            return None
        try:
            return as_(given[name])
        except (ValueError, OverflowError, ConfigurationError):
            wrong.append(name)
            del given[name]
            return None

    month = read("month", month_bounds)
    first = read("from", _midnight)
    last = read("to", lambda text: _midnight(text) + timedelta(days=1))
    since, until = month or (first, last)
    if since and until and since >= until:
        wrong.append("to")
        until = None
        given.pop("to", None)
    days = read("days", _window)
    if since or until or given.get("days") == EVERYTHING:
        days = None
        if since or until:
            given.pop("days", None)
    elif days is None:
        days = USUAL
    return FiguresAsked(tuple(given.items()), days, since, until, tuple(wrong))


def _window(text: str) -> int | None:
    if text == EVERYTHING:
        return None
    if text not in {str(each) for each in WINDOWS}:
        raise ValueError(f"there are {WINDOWS}")
    return int(text)


def _midnight(text: str) -> datetime:
    return datetime.combine(date.fromisoformat(text), time(), UTC)
