"""How many cases each tab has, without counting a million of them for every page."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from recoup.ledger import CaseFilter, Ledger, Tab
from recoup.ledger.browsing import together

MANY = 50_000
"""Fewer ended cases are counted each time."""
KEPT = timedelta(minutes=1)
"""So old the count of more may be; open ones are always counted."""
_MOST = 200


class Counting:
    """Remembers for a moment how many have ended."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._has_many = False
        self._kept: dict[CaseFilter, tuple[datetime, dict[Tab, int]]] = {}

    def of(self, wanted: CaseFilter, now: datetime, paused: Collection[str] = ()) -> dict[Tab, int]:
        """By tab."""
        return together(self._ledger.browsing.counts_of_open(wanted, paused), self._ended(wanted, now))

    def _ended(self, wanted: CaseFilter, now: datetime) -> dict[Tab, int]:
        kept = self._kept.get(wanted)
        if kept is not None and kept[0] <= now < kept[0] + KEPT:
            return kept[1]
        found = self._ledger.browsing.counts_of_ended(wanted)
        self._has_many = self._has_many or sum(found.values()) >= MANY
        if self._has_many:
            if len(self._kept) >= _MOST:
                self._kept.clear()
            self._kept[wanted] = now, found
        return found
