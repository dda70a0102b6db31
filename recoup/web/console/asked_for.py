"""What a list of cases was asked for, as its address says it: every filter is there, so that a list can be sent to somebody.

What cannot be read in an address is named, and the rest holds: a mistyped date must not show other cases without a word.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from recoup.ledger import CaseFilter, Sort, Tab
from recoup.rules.declines import DeclineClass
from recoup.rules.money import from_decimal
from recoup.rules.priority import HIGHEST

T = TypeVar("T")

FIELDS = ("currency", "class", "campaign", "priority", "owner", "from", "to", "least", "most", "q")
"""The filters by the names that they have in an address."""
_LONGEST = 100
_MOST = 2**53


@dataclass(frozen=True, slots=True)
class AskedFor:
    """A list of cases: which tab, which of its cases, in which order, and from where on."""

    tab: Tab
    sort: Sort
    wanted: CaseFilter
    given: dict[str, str]
    """The filters as they were typed."""
    wrong: tuple[str, ...] = ()
    """The names of those that could not be read."""
    after: str | None = None
    pages: tuple[str, ...] = field(default=())
    """The case that each page before this one began after, to go back by."""

    @property
    def is_filtered(self) -> bool:
        """Whether any filter is set."""
        return bool(self.given)

    @property
    def uses_more(self) -> bool:
        """Whether a filter is set that a page may keep folded away."""
        return any(name in self.given for name in ("priority", "owner", "from", "to", "least", "most"))

    def address(self, path: str = "/cases", **changes: str | None) -> str:
        """The address of this list with something changed; a change begins at its first page."""
        sort = self.sort.value if self.sort is not Sort.PRIORITY else None
        parts = {"tab": self.tab.value, **self.given, "sort": sort} | changes
        query = urlencode({name: value for name, value in parts.items() if value})
        return f"{path}?{query}" if query else path

    def further(self, last: str) -> str:
        """The address of the page after this one; ``last`` is the last case of this one."""
        return self.address(after=last, back=_packed([*self.pages, self.after or ""]))

    def back(self) -> str | None:
        """The address of the page before this one."""
        if not self.pages:
            return None
        before = self.pages[:-1]
        return self.address(after=self.pages[-1] or None, back=_packed(list(before)) if before else None)


def asked_for(query: Mapping[str, str], zone: str) -> AskedFor:
    """Read an address; days are those of this zone."""
    given = {name: value[:_LONGEST] for name in FIELDS if (value := query.get(name, "").strip())}
    reading = _Reading(given)
    currency = reading.read("currency", lambda text: text.lower())
    days = ZoneInfo(zone)

    def money(text: str) -> int:
        return _within(from_decimal(Decimal(text.replace(",", ".")), currency or "usd").amount, _MOST)

    wanted = CaseFilter(
        currency=currency,
        decline_class=reading.read("class", DeclineClass),
        campaign=given.get("campaign"),
        from_priority=reading.read("priority", lambda text: _within(int(text), HIGHEST)),
        owner=given.get("owner"),
        failed_from=reading.read("from", lambda text: _midnight(text, days)),
        failed_before=reading.read("to", lambda text: _midnight(text, days, timedelta(days=1))),
        least=reading.read("least", money),
        most=reading.read("most", money),
        search=given.get("q"),
    )
    pages = _unpacked(query.get("back", ""))
    tab, sort = _one_of(Tab, query.get("tab"), Tab.PERSON), _one_of(Sort, query.get("sort"), Sort.PRIORITY)
    return AskedFor(tab, sort, wanted, given, tuple(reading.wrong), query.get("after") or None, pages)


class _Reading:
    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self.wrong: list[str] = []

    def read(self, name: str, as_: Callable[[str], T]) -> T | None:
        text = self._given.get(name)
        if text is None:
            return None
        try:
            return as_(text)
        except (ValueError, InvalidOperation, OverflowError):
            self.wrong.append(name)
            return None


def _within(number: int, most: int) -> int:
    if not 0 <= number <= most:
        raise ValueError(f"{number} is not between 0 and {most}")
    return number


def _midnight(text: str, zone: ZoneInfo, later: timedelta = timedelta(0)) -> datetime:
    return datetime.combine(date.fromisoformat(text) + later, time(), zone)


def _one_of(kind: Any, text: str | None, otherwise: Any) -> Any:
    return kind(text) if text in {each.value for each in kind} else otherwise


def _packed(pages: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(pages).encode()).decode().rstrip("=")


def _unpacked(text: str) -> tuple[str, ...]:
    try:
        pages = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return ()
    return tuple(str(each) for each in pages) if isinstance(pages, list) else ()
