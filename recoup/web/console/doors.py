"""The doors of the console: every route says who may use it, and nobody passes who may not.

A route is added through :class:`Doors` alone, which asks for its role; a test walks all routes and fails for one without.
Before a handler runs its request has an identity with that role, and a form that came from a page of this console.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from recoup.errors import RecoupError
from recoup.ledger import NewLog, Result, Role, SessionKind, UserRow
from recoup.web.console.sessions import Identity, Sessions, form_token, is_ours

MOST_BYTES = 20_000
MOST_FIELDS = 30
API = "/api/"

_log = structlog.get_logger(__name__)


class Open(StrEnum):
    """Doors that nobody needs to log in for."""

    ANYBODY = "anybody"


Needs = Role | Open


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that was let in."""

    request: Request
    now: datetime
    sessions: Sessions
    identity: Identity | None
    form: dict[str, str] = field(default_factory=dict)

    @property
    def user(self) -> UserRow:
        """Who it is; only behind doors that ask for a role."""
        assert self.identity is not None
        return self.identity.user

    @property
    def token(self) -> str:
        """What the forms of the page carry."""
        return form_token(self.identity.secret) if self.identity else ""

    @property
    def address(self) -> str:
        """Where it comes from, as far as this process sees."""
        return self.request.client.host if self.request.client else "unknown"

    @property
    def path(self) -> dict[str, str]:
        """The parts of the address that the route names."""
        return self.request.path_params

    @property
    def query(self) -> dict[str, str]:
        """The rest of the address; of a name that stands twice the last."""
        return dict(self.request.query_params)

    def may(self, needed: Role) -> bool:
        """Whether this account may do what needs that role."""
        return self.identity is not None and self.identity.user.role.covers(needed)

    def log(self, action: str, **more: Any) -> None:
        """Write down what is done, under this account's name."""
        self.sessions.ledger.console.log(NewLog(actor=self.user.name, action=action, **more), self.now)


Handler = Callable[[Visit], Response] | Callable[[Visit], Awaitable[Response]]


class Refusing(Protocol):
    """What is answered to whom no door opens."""

    def refused(self, visit: Visit, status: int, because: str) -> Response:
        """The page that says no, and why."""
        ...


class Doors:
    """Adds routes, each with what it needs."""

    def __init__(self, sessions: Sessions, refusing: Refusing) -> None:
        self.router = APIRouter()
        self._sessions = sessions
        self._refusing = refusing

    def get(self, path: str, needs: Needs, handler: Handler) -> None:
        """A page: it only shows, whoever follows its address."""
        self._add(path, needs, handler, ["GET", "HEAD"])

    def post(self, path: str, needs: Needs, handler: Handler) -> None:
        """An act, sent by a form of this console or by a program with a token."""
        self._add(path, needs, handler, ["POST"])

    def _add(self, path: str, needs: Needs, handler: Handler, methods: list[str]) -> None:
        async def endpoint(request: Request) -> Response:
            return await self._pass(request, needs, handler)

        endpoint.needs = needs  # type: ignore[attr-defined]  # what the test of all routes reads
        self.router.add_api_route(path, endpoint, methods=methods, include_in_schema=False)

    async def _pass(self, request: Request, needs: Needs, handler: Handler) -> Response:
        try:
            identity = await run_in_threadpool(self._sessions.of, request)
            form = await _fields(request) if request.method == "POST" else {}
            visit = Visit(request, self._sessions.clock.now(), self._sessions, identity, form)
            refusal = self._refusal(visit, needs)
            return refusal if refusal is not None else await _answer(handler, visit)
        except RecoupError as error:
            _log.error("page_failed", reason=str(error))
            visit = Visit(request, self._sessions.clock.now(), self._sessions, None)
            return await run_in_threadpool(self._no, visit, 503, str(error))

    def _refusal(self, visit: Visit, needs: Needs) -> Response | None:
        identity, request = visit.identity, visit.request
        if isinstance(needs, Role):
            if identity is None:
                return self._log_in(request)
            if not identity.user.role.covers(needs):
                self._note(visit, needs)
                return self._no(visit, 403, "role")
        if request.method == "POST" and not self._is_from_here(visit):
            _log.warning("form_refused", route=request.scope.get("route").path)  # type: ignore[union-attr]
            return self._no(visit, 403, "form")
        return None

    def _note(self, visit: Visit, needs: Role) -> None:
        if visit.request.method != "GET":
            said = f"needs the role {needs.value}"
            visit.log("refused", subject=visit.request.url.path[:200], result=Result.REFUSED, because=said)

    def _is_from_here(self, visit: Visit) -> bool:
        """A program shows its token with each request; a browser sends its cookie unasked, so its form must prove itself."""
        if visit.identity is not None and visit.identity.session.kind is SessionKind.TOKEN:
            return True
        if visit.request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        secret = visit.identity.secret if visit.identity else visit.request.cookies.get(FORM_COOKIE)
        return is_ours(secret, visit.form.get("token"))

    def _log_in(self, request: Request) -> Response:
        if request.url.path.startswith(API):
            headers = {"WWW-Authenticate": "Bearer"}
            return JSONResponse({"error": "log in, or send a token"}, 401, headers)
        if request.headers.get("hx-request"):
            return Response(status_code=401, headers={"HX-Refresh": "true"})
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        back = f"?next={quote(here, safe='')}" if request.method in ("GET", "HEAD") and here != "/" else ""
        return RedirectResponse(f"/login{back}", 303)

    def _no(self, visit: Visit, status: int, because: str) -> Response:
        if visit.request.url.path.startswith(API):
            return JSONResponse({"error": _SAID.get(because, because)}, status)
        return self._refusing.refused(visit, status, because)


FORM_COOKIE = "recoup_form"
"""What a browser carries that has not logged in, so that even that form proves itself."""

_SAID = {"role": "this account may not do that", "form": "the request was not sent by a page of this console"}


async def _answer(handler: Handler, visit: Visit) -> Response:
    if inspect.iscoroutinefunction(handler):
        answer: Response = await handler(visit)
        return answer
    made = await run_in_threadpool(handler, visit)
    assert isinstance(made, Response)
    return made


async def _fields(request: Request) -> dict[str, str]:
    """The fields of a form, or of a JSON object; none where it is neither, or too large."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return {}
    try:
        if request.headers.get("content-type", "").startswith("application/json"):
            said = json.loads(body)
            pairs = said.items() if isinstance(said, dict) else ()
            return {str(name): str(value) for name, value in pairs if value is not None}
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        return {}
