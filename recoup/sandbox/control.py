"""The control API, under ``/_sandbox/``: JSON, no key, for drivers and tests on this machine. ``docs/sandbox.md`` shows each call.

==============================  ==============================================================================================
``GET    /_sandbox/health``     alive; the API version, the clock, the world's name
``GET    /_sandbox/clock``      ``{"now", "now_iso", "offset", "next_event_at", "newest_event"}``
``POST   /_sandbox/clock``      ``{"to": iso or unix}`` or ``{"by": seconds}``: move forward, doing all that falls due in order
``GET    /_sandbox/pending``    ``{"due", "in_flight", "waiting", "next_event_at"}``: webhooks not yet delivered
``*      /_sandbox/faults``     GET lists the rules with their counts, POST adds one (or a list), DELETE drops all
``*      /_sandbox/switches``   GET shows them with their meanings, POST ``{"name": value}`` sets some
``POST   /_sandbox/seed``       makes the world's customers with all that belongs to them; answers their ids by key
``GET    /_sandbox/books``      each invoice with its charges and refunds
``GET    /_sandbox/requests``   the log of API calls, ``?since=id``
``GET    /_sandbox/deliveries`` the log of webhook deliveries, ``?since=id``
``POST   /_sandbox/events``     ``{"type", "object"}``: tells an event of any type about an object (its id, or any JSON object)
``POST   /_sandbox/disputes``   ``{"charge", "reason"?}`` opens a dispute; ``{"dispute", "status": "won" | "lost"}`` closes one
``POST   /_sandbox/updater``    ``{"payment_method", "exp_month"?, "exp_year"?, "card"?}``: the network's card updater renews a card
==============================  ==============================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from recoup.errors import ConfigurationError
from recoup.sandbox import API_VERSION
from recoup.sandbox.books import books
from recoup.sandbox.http.errors import StripeError
from recoup.sandbox.interventions import close_dispute, open_dispute, renew_card, tell_anything
from recoup.sandbox.sandbox import Sandbox
from recoup.sandbox.seeding import seed
from recoup.sandbox.switches import SWITCHES

Json = dict[str, Any]


class Refusal(Exception):
    """A control call that makes no sense; answered with 400 and its sentence."""


class Control:
    """The control API of one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    @property
    def routes(self) -> list[Route]:
        """The routes to mount."""
        table: list[tuple[str, str, Callable[[Any, Json], Any]]] = [
            ("GET", "health", self._health),
            ("GET", "clock", self._clock),
            ("POST", "clock", self._move_clock),
            ("GET", "pending", self._pending),
            ("GET", "faults", self._faults),
            ("POST", "faults", self._add_faults),
            ("DELETE", "faults", self._clear_faults),
            ("GET", "switches", self._switches),
            ("POST", "switches", self._set_switches),
            ("POST", "seed", self._seed),
            ("GET", "books", self._books),
            ("GET", "requests", self._requests),
            ("GET", "deliveries", self._deliveries),
            ("POST", "events", self._tell),
            ("POST", "disputes", self._dispute),
            ("POST", "updater", self._update_card),
        ]
        return [
            Route(f"/_sandbox/{name}", _endpoint(action), methods=[method]) for method, name, action in table
        ]

    def _health(self, body: Any, query: Json) -> Json:
        world = self._sandbox.world
        start = self._sandbox.world_start
        return {
            "status": "ok",
            "api_version": API_VERSION,
            "world": world.name if world else None,
            "world_start": start.isoformat() if start else None,
            **self._clock(body, query),
        }

    def _clock(self, body: Any, query: Json) -> Json:
        now = self._sandbox.clock.now()
        newest = "SELECT id FROM objects WHERE type = 'event' ORDER BY seq DESC LIMIT 1"
        with self._sandbox.store.transaction() as db:
            row = db.execute(newest).fetchone()
        return {
            "now": now,
            "now_iso": datetime.fromtimestamp(now, UTC).isoformat(),
            "offset": self._sandbox.clock.offset,
            "next_event_at": self._sandbox.timeline.next_event_at(),
            "newest_event": row[0] if row else None,
        }

    def _move_clock(self, body: Any, query: Json) -> Json:
        now = self._sandbox.clock.now()
        if set(body) == {"by"}:
            to = now + _number(body["by"], "by")
        elif set(body) == {"to"}:
            to = _moment(body["to"])
        else:
            raise Refusal('Say where to: {"to": "2026-12-01T09:00:00Z"} or {"by": 3600}')
        if to < now - 1:
            raise Refusal("The clock only moves forward")
        if to > now + 5 * 366 * 86_400:
            raise Refusal("The clock moves at most five years at once")
        self._sandbox.timeline.advance(to)
        return self._clock(body, query)

    def _pending(self, body: Any, query: Json) -> Json:
        with self._sandbox.store.transaction() as db:
            waiting = db.execute("SELECT count(*) FROM deliveries WHERE state = 'pending'").fetchone()[0]
        due, in_flight = self._sandbox.sender.outstanding()
        return {
            "due": due,
            "in_flight": in_flight,
            "waiting": waiting,
            "next_event_at": self._sandbox.timeline.next_event_at(),
        }

    def _add_faults(self, body: Any, query: Json) -> list[Json]:
        for rule in body if isinstance(body, list) else [body]:
            self._sandbox.faults.add(rule)
        return self._sandbox.faults.all()

    def _clear_faults(self, body: Any, query: Json) -> list[Json]:
        self._sandbox.faults.clear()
        return []

    def _switches(self, body: Any, query: Json) -> Json:
        return {
            name: {
                "value": value,
                "default": SWITCHES[name].default,
                "meaning": SWITCHES[name].meaning,
                "choices": list(SWITCHES[name].choices),
                "unverified": SWITCHES[name].unverified,
            }
            for name, value in self._sandbox.switches.all().items()
        }

    def _set_switches(self, body: Any, query: Json) -> Json:
        for name, value in body.items():
            self._sandbox.switches.set(name, value)
        return {"switches": self._sandbox.switches.all()}

    def _seed(self, body: Any, query: Json) -> Json:
        return seed(self._sandbox)

    def _books(self, body: Any, query: Json) -> list[Json]:
        with self._sandbox.work() as work:
            return books(work)

    def _faults(self, body: Any, query: Json) -> list[Json]:
        return self._sandbox.faults.all()

    def _requests(self, body: Any, query: Json) -> list[Json]:
        return self._rows("SELECT * FROM requests WHERE id > ? ORDER BY id", query)

    def _deliveries(self, body: Any, query: Json) -> list[Json]:
        return self._rows("SELECT * FROM deliveries WHERE id > ? ORDER BY id", query)

    def _rows(self, select: str, query: Json) -> list[Json]:
        since = int(_number(query.get("since") or 0, "since"))
        with self._sandbox.store.transaction() as db:
            cursor = db.execute(select, (since,))
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _tell(self, body: Any, query: Json) -> Json:
        with self._sandbox.work() as work:
            return tell_anything(work, body)

    def _dispute(self, body: Any, query: Json) -> Json:
        with self._sandbox.work() as work:
            if "dispute" in body:
                return close_dispute(work, str(body["dispute"]), str(body.get("status")))
            return open_dispute(work, str(body.get("charge")), str(body.get("reason") or "fraudulent"))

    def _update_card(self, body: Any, query: Json) -> Json:
        with self._sandbox.work() as work:
            return renew_card(work, body)


def _endpoint(action: Callable[[Any, Json], Any]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            text = await request.body()
            body = json.loads(text) if text else {}
            return JSONResponse(await run_in_threadpool(action, body, dict(request.query_params)))
        except json.JSONDecodeError:
            return JSONResponse({"error": "The body is not JSON"}, 400)
        except (Refusal, ConfigurationError, StripeError) as error:
            return JSONResponse({"error": str(error)}, 400)

    return answer


def _number(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise Refusal(f"{name} must be a number") from None
    if isinstance(value, bool) or not 0 <= number < 1e12:
        raise Refusal(f"{name} must be a number of 0 or more")
    return number


def _moment(value: Any) -> float:
    if isinstance(value, int | float):
        return _number(value, "to")
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise Refusal("to must be a Unix time or ISO 8601 with an offset") from None
    if moment.tzinfo is None:
        raise Refusal("to needs an offset, as in 2026-12-01T09:00:00Z")
    return moment.timestamp()
