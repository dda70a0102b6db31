"""The page of the log: everything that was done in the console, or tried."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi.responses import Response

from recoup.ledger import LogRow, Role
from recoup.web.console.desk import Desk
from recoup.web.console.doors import Doors, Visit
from recoup.web.console.tables import Column, as_file

PAGE = 50
CHUNK = 500

COLUMNS: tuple[Column[LogRow], ...] = (
    Column("number", lambda row: row.id),
    Column("at", lambda row: row.at),
    Column("account", lambda row: row.actor),
    Column("what", lambda row: row.action),
    Column("case", lambda row: row.case_id),
    Column("about", lambda row: row.subject),
    Column("why", lambda row: row.reason),
    Column("result", lambda row: row.result.value),
    Column("because", lambda row: row.because),
    Column("data", lambda row: json.dumps(row.data, ensure_ascii=False) if row.data else None),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which of it was asked for, as the address says it."""

    actor: str
    case: str
    is_up: bool
    """The oldest first."""
    beyond: int | None
    """From which entry on."""

    def address(self, path: str = "/log", **changes: str | int | None) -> str:
        """The address of the same with something changed; a change begins at the first page."""
        parts: dict[str, Any] = {
            "actor": self.actor,
            "case": self.case,
            "sort": "oldest" if self.is_up else None,
        }
        query = urlencode({name: value for name, value in (parts | changes).items() if value})
        return f"{path}?{query}" if query else path


class Logged:
    """The routes of the log."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, doors: Doors) -> None:
        """Add the routes."""
        doors.get("/log", Role.ADMIN, self.show)
        doors.get("/log.csv", Role.ADMIN, self.export)

    def show(self, visit: Visit) -> Response:
        """A page of it."""
        asked = _asked(visit)
        rows = self._rows(asked, asked.beyond, PAGE + 1)
        shown = rows[:PAGE]
        further = asked.address(beyond=shown[-1].id) if len(rows) > PAGE else None
        return self._desk.show(visit, "log", rows=shown, further=further, asked=asked)

    def export(self, visit: Visit) -> Response:
        """All of it as a file."""
        asked = _asked(visit)
        visit.log("log.export")
        return as_file(f"log-{visit.now:%Y-%m-%d}", COLUMNS, self._all(asked))

    def _all(self, asked: Asked) -> Iterator[LogRow]:
        rows = self._rows(asked, None, CHUNK)
        while rows:
            yield from rows
            rows = self._rows(asked, rows[-1].id, CHUNK)

    def _rows(self, asked: Asked, beyond: int | None, limit: int) -> list[LogRow]:
        return self._desk.ledger.console.logged(
            before=None if asked.is_up else beyond,
            after=beyond if asked.is_up else None,
            oldest_first=asked.is_up,
            actor=asked.actor or None,
            case_id=asked.case or None,
            limit=limit,
        )


def _asked(visit: Visit) -> Asked:
    beyond = visit.query.get("beyond", "")
    return Asked(
        actor=visit.query.get("actor", "").strip()[:100],
        case=visit.query.get("case", "").strip()[:300],
        is_up=visit.query.get("sort") == "oldest",
        beyond=int(beyond) if beyond.isdecimal() and len(beyond) < 16 else None,
    )
