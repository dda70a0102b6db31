"""``/api/v1`` beyond cases: the pages about the system as JSON, each row with the columns of the page's file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from fastapi.responses import JSONResponse, Response

from recoup.integrations.status import status_of
from recoup.ledger import CaseFilter, Role
from recoup.web.console.desk import Desk
from recoup.web.console.doors import Doors, Visit
from recoup.web.console.left_alone import COLUMNS as LEFT_ALONE
from recoup.web.console.logged import COLUMNS as LOG
from recoup.web.console.system import MOST, STOPS, VERSIONS, policies, window_of
from recoup.web.console.tables import Column

T = TypeVar("T")

PAGE = 100
ROOT = "/api/v1"


class SystemApi:
    """The routes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, doors: Doors) -> None:
        """Add the routes."""
        doors.get(f"{ROOT}/overview", Role.VIEWER, self.overview)
        doors.get(f"{ROOT}/deliverability", Role.VIEWER, self.deliverability)
        doors.get(f"{ROOT}/integrations", Role.VIEWER, self.integrations)
        doors.get(f"{ROOT}/policy", Role.VIEWER, self.policy)
        doors.get(f"{ROOT}/excluded", Role.VIEWER, self.excluded)
        doors.get(f"{ROOT}/log", Role.ADMIN, self.log)

    def overview(self, visit: Visit) -> Response:
        """How many cases stand where, and when Stripe told of something last."""
        counts = self._desk.counting.of(CaseFilter(), visit.now)
        last = self._desk.ledger.webhooks.last_at()
        told = {"counts": {tab.value: count for tab, count in counts.items()}, "mode": self._desk.mode}
        return JSONResponse(told | {"webhooks_at": _plain(last)})

    def deliverability(self, visit: Visit) -> Response:
        """What became of the messages of the last days, and over which channels nothing goes out."""
        days = window_of(visit)
        counts = self._desk.ledger.messages.counts(visit.now - timedelta(days=days))
        messages = [
            {"channel": channel, "state": state, "count": count}
            for (channel, state), count in sorted(counts.items())
        ]
        stopped = _rows(STOPS, self._desk.ledger.channels.stopped_now(MOST))
        return JSONResponse({"days": days, "messages": messages, "stopped": stopped})

    def integrations(self, visit: Visit) -> Response:
        """How each destination stands, with the first of what is parked."""
        configured = self._desk.settings.integrations.destinations
        found = [status_of(self._desk.ledger, each.name, each.kind) for each in configured]
        return JSONResponse({"destinations": [each.model_dump(mode="json") for each in found]})

    def policy(self, visit: Visit) -> Response:
        """What the file says, what has changed in it, and by which versions running cases go on."""
        found = policies(self._desk)
        told = {
            "version": found.newest.version,
            "began_with": found.running.version,
            "problem": found.problem,
            "in_words": found.in_words,
            "changes": found.changes,
        }
        return JSONResponse(told | {"versions": _rows(VERSIONS, found.versions)})

    def excluded(self, visit: Visit) -> Response:
        """Customers who are left alone."""
        return JSONResponse({"excluded": _rows(LEFT_ALONE, self._desk.ledger.exclusions.standing())})

    def log(self, visit: Visit) -> Response:
        """What was done in the console, the newest first; ``before`` is the number that ``next`` gives."""
        text = visit.query.get("before", "")
        if text and not (text.isdecimal() and len(text) < 16):
            return JSONResponse({"error": "cannot be read: before"}, 400)
        rows = self._desk.ledger.console.logged(before=int(text) if text else None, limit=PAGE + 1)
        further = rows[PAGE - 1].id if len(rows) > PAGE else None
        return JSONResponse({"entries": _rows(LOG, rows[:PAGE]), "next": further})


def _rows(columns: Sequence[Column[T]], rows: Iterable[T]) -> list[dict[str, Any]]:
    return [{column.name: _plain(column.of(row)) for column in columns} for row in rows]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


_TEXT = {"type": ["string", "null"]}
_LIST = {"type": "array", "items": {"type": "object"}}
_LINES = {"type": "array", "items": {"type": "string"}}

DESCRIBED: dict[str, tuple[str, dict[str, Any], tuple[dict[str, Any], ...]]] = {
    "overview": (
        "How many cases stand where",
        {"counts": {"type": "object", "additionalProperties": {"type": "integer"}}, "mode": _TEXT, "webhooks_at": _TEXT},
        (),
    ),
    "deliverability": (
        "Messages by channel and state, and stopped channels",
        {"days": {"type": "integer"}, "messages": _LIST, "stopped": _LIST},
        ({"name": "days", "in": "query", "schema": {"type": "integer", "enum": [7, 30, 90], "default": 30}},),
    ),
    "integrations": ("How each destination stands", {"destinations": _LIST}, ()),
    "policy": (
        "What the policy says, and by which versions running cases go on",
        {"version": _TEXT, "began_with": _TEXT, "problem": _TEXT, "in_words": _LINES, "changes": _LINES, "versions": _LIST},
        (),
    ),
    "excluded": ("Customers who are left alone", {"excluded": _LIST}, ()),
    "log": (
        "What was done in the console; for admins",
        {"entries": _LIST, "next": {"type": ["integer", "null"]}},
        ({"name": "before", "in": "query", "schema": {"type": "integer"}},),
    ),
}  # fmt: skip
"""By the address below the root: what it is, the properties of its answer, and its parameters."""
