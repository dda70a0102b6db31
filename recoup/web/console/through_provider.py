"""Logging in through the company's identity provider: there, and back with its word for who somebody is.

The way there is a link and not a form, whose answer a content security policy would not let lead elsewhere. What the browser has
to bring back it carries in a cookie that we have signed; each is good for ten minutes, and once, also where several consoles run.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import structlog
from fastapi.responses import RedirectResponse, Response

from recoup.ledger import NewLog, Result, UserRow
from recoup.links import Signed
from recoup.web.console.desk import Desk
from recoup.web.console.doors import FORM_COOKIE, Doors, Open, Visit
from recoup.web.console.oidc import BACK, LOGGED_OUT, Begun, Out, Person, Problem, Refused
from recoup.web.console.sessions import TooOften, hash_of, local_path

if TYPE_CHECKING:
    from recoup.web.console.oidc._provider import Provider

START = "/login/oidc"
OUT = "/logout/oidc"
LASTS = timedelta(minutes=10)
LONGEST_PATH = 1000
LONGEST_TOKEN = 3500
"""A cookie has room for 4 kB."""
NOBODY = "oidc"
"""Who stands in the log where nobody knows who it was."""

_log = structlog.get_logger(__name__)


class ThroughProvider:
    """The routes to the provider and back; without one they lead to the form."""

    def __init__(self, desk: Desk, provider: Provider | None) -> None:
        self._desk, self._provider = desk, provider
        self._signed = Signed(desk.settings.link_secrets, "console/oidc")
        self._cookie = "__Host-recoup_oidc" if desk.sessions.is_secure else "recoup_oidc"
        self._hint = f"{self._cookie}_id"

    def add_to(self, doors: Doors) -> None:
        """Add the routes."""
        doors.get(START, Open.ANYBODY, self.begin)
        doors.get(BACK, Open.ANYBODY, self.come_back)
        doors.get(OUT, Open.ANYBODY, self.end)

    def begin(self, visit: Visit) -> Response:
        """To the provider, unless another site wants it: who logs in has seen our page."""
        wanted = local_path(visit.query.get("next", "")[:LONGEST_PATH])
        if self._provider is None or visit.request.headers.get("sec-fetch-site") == "cross-site":
            return _to_the_form(wanted)
        try:
            address, begun = self._provider.begin(visit.now)
        except Refused as refused:
            # Nobody has tried to be anybody yet, and whoever can load a page could fill the log with this.
            return _refused(refused, wanted)
        answer = RedirectResponse(address, 303)
        carried = asdict(begun) | {"next": wanted, "until": (visit.now + LASTS).timestamp()}
        self._desk.sessions.keep(answer, self._signed.write(carried), self._cookie)
        return answer

    def offer_end(self, visit: Visit, answer: Response) -> bool:
        """Whether who logs out here can end their session at the provider, too; then ``answer`` lets them for ten minutes."""
        if self._provider is None or visit.user.is_local:
            return False
        token = visit.request.cookies.get(self._hint)
        try:
            where = self._provider.end(token, visit.now)
        except Refused:
            where = None
        if where is None or token is None:
            self._desk.sessions.forget(answer, self._hint)
        else:
            self._desk.sessions.keep(answer, token, self._hint, LASTS)
        return where is not None

    def end(self, visit: Visit) -> Response:
        """To the provider, to end the session there; unless another site wants it."""
        if self._provider is None or visit.request.headers.get("sec-fetch-site") == "cross-site":
            return _to_the_form("/")
        try:
            where = self._provider.end(visit.request.cookies.get(self._hint), visit.now)
        except Refused as refused:
            return _refused(refused, "/")
        answer = RedirectResponse(where, 303) if where is not None else _to_the_form("/")
        self._desk.sessions.forget(answer, self._hint)
        return answer

    def come_back(self, visit: Visit) -> Response:
        """A new session, or the form with a sentence; either way an address in which nothing of the provider's stands."""
        if self._provider is None:
            return _to_the_form("/")
        if visit.query.get("state") == LOGGED_OUT:
            return RedirectResponse(f"/login?out={Out.THERE.value}", 303)
        wanted = "/"
        try:
            self._desk.sessions.count_try(visit.address)
            begun, wanted = self._begun(visit)
            person = self._provider.finish(visit.query, begun, visit.now)
            secret = self._desk.sessions.begin(self._account(visit, person), by="oidc")
        except TooOften:
            answer = _to_the_form(wanted, Problem.OFTEN)
        except Refused as refused:
            actor, why = refused.name or NOBODY, str(refused)
            entry = NewLog(actor=actor, action="login", result=Result.REFUSED, because=why)
            self._desk.ledger.console.log(entry, visit.now)
            answer = _refused(refused, wanted)
        else:
            answer = RedirectResponse(wanted, 303)
            if visit.identity is not None:
                self._desk.ledger.console.revoke_session(visit.identity.session.id, visit.now)
            self._desk.sessions.keep(answer, secret)
            if 0 < len(person.token) <= LONGEST_TOKEN:
                self._desk.sessions.keep(answer, person.token, self._hint)
            answer.delete_cookie(FORM_COOKIE, path="/")
        self._desk.sessions.forget(answer, self._cookie)
        return answer

    def _begun(self, visit: Visit) -> tuple[Begun, str]:
        """What this browser began, and where it wanted to go; nobody gets it a second time."""
        match self._signed.read(visit.request.cookies.get(self._cookie, "")):
            case {"state": str(state), "nonce": str(nonce), "verifier": str(verifier),
                  "next": str(wanted), "until": float(until)}:  # fmt: skip
                pass
            case _:
                raise Refused(Problem.STATE, "this browser has not begun a log-in")
        if visit.now.timestamp() >= until:
            raise Refused(Problem.STATE, "the log-in was begun too long ago")
        if hash_of(visit.query.get("state", "")) != hash_of(state):
            raise Refused(Problem.STATE, "this browser has begun another log-in")
        once = f"login/oidc/{hash_of(state)[:32]}"
        a_second = 1 / LASTS.total_seconds()
        if self._desk.ledger.rates.take(once, 1, a_second, 1, visit.now, patience=0) is None:
            raise Refused(Problem.STATE, "the log-in was ended already")
        return Begun(state, nonce, verifier), wanted

    def _account(self, visit: Visit, person: Person) -> UserRow:
        """The person's account, which has the role that the provider says now, or is made with it."""
        book = self._desk.ledger.console
        known = book.of_provider(person.identity)
        if known is not None and known.disabled_at is not None:
            raise Refused(Problem.DISABLED, "the account is disabled", known.name)
        if person.role is None:
            if known is not None:
                book.end_sessions(known.name, visit.now)
            name = known.name if known is not None else person.names[0]
            raise Refused(Problem.ROLE, "the provider gives no role", name)
        if known is None:
            return self._made(visit, person)
        if known.role is not person.role:
            book.set_role(known.name, person.role, visit.now)
            self._note(visit, known.name, "user.role", person)
        return known

    def _made(self, visit: Visit, person: Person) -> UserRow:
        assert person.role is not None
        for name in person.names:
            made = self._desk.ledger.console.admit(name, person.identity, person.role, visit.now)
            if made is not None:
                self._note(visit, made.name, "user.add", person)
                return made
        raise Refused(Problem.DISABLED, "every name for the account is somebody else's")

    def _note(self, visit: Visit, name: str, action: str, person: Person) -> None:
        data = {"role": person.role, "by": "oidc"}
        self._desk.ledger.console.log(NewLog(actor=name, action=action, subject=name, data=data), visit.now)


def _refused(refused: Refused, wanted: str) -> RedirectResponse:
    _log.warning("login_refused", problem=refused.problem.value, reason=str(refused))
    return _to_the_form(wanted, refused.problem)


def _to_the_form(wanted: str, problem: Problem | None = None) -> RedirectResponse:
    query = ({"problem": problem.value} if problem else {}) | ({"next": wanted} if wanted != "/" else {})
    return RedirectResponse(f"/login?{urlencode(query)}" if query else "/login", 303)
