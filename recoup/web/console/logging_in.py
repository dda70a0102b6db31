"""Logging in and out, and looking after one's own sessions."""

from __future__ import annotations

import secrets

from fastapi.responses import RedirectResponse, Response

from recoup.ledger import Role
from recoup.web.console.desk import Desk, back_to
from recoup.web.console.doors import FORM_COOKIE, Doors, Open, Visit
from recoup.web.console.oidc import Out, Problem
from recoup.web.console.passwords import LONGEST, SHORTEST, hashed, matches
from recoup.web.console.sessions import TooOften, form_token, local_path
from recoup.web.console.through_provider import OUT, ThroughProvider


class LoggingIn:
    """The pages about one's own account."""

    def __init__(self, desk: Desk, through: ThroughProvider) -> None:
        self._desk, self._through = desk, through

    def add_to(self, doors: Doors) -> None:
        """Add the routes."""
        doors.get("/login", Open.ANYBODY, self.ask)
        doors.post("/login", Open.ANYBODY, self.log_in)
        doors.post("/logout", Role.VIEWER, self.log_out)
        doors.get("/account", Role.VIEWER, self.account)
        doors.post("/account/password", Role.VIEWER, self.change_password)
        doors.post("/account/sessions", Role.VIEWER, self.end_session)

    def ask(self, visit: Visit) -> Response:
        """The form, and what became of a log-in through the provider."""
        if visit.identity is not None:
            return RedirectResponse(local_path(visit.query.get("next")), 303)
        told = visit.query.get("problem", "")
        return self._form(visit, problem=told if told in list(Problem) else None)

    def log_in(self, visit: Visit) -> Response:
        """A new session, or the form again without a word about which of the two was wrong."""
        if not self._desk.settings.console.oidc.passwords:
            return self._form(visit, problem="passwords", status=403)
        name, password = visit.form.get("name", "").strip(), visit.form.get("password", "")
        try:
            secret = self._desk.sessions.log_in(name, password, visit.address)
        except TooOften:
            answer = self._form(visit, problem="often", status=429)
            answer.headers["Retry-After"] = "180"
            return answer
        if secret is None:
            return self._form(visit, problem="wrong", status=401)
        answer = RedirectResponse(local_path(visit.form.get("next")), 303)
        if visit.identity is not None:
            self._desk.ledger.console.revoke_session(visit.identity.session.id, visit.now)
        self._desk.sessions.keep(answer, secret)
        answer.delete_cookie(FORM_COOKIE, path="/")
        return answer

    def log_out(self, visit: Visit) -> Response:
        """The session ends, here and in the ledger; the page after it leads to the end of the one at the provider.

        It does so by a link: a form's answer may lead to no other site, as the pages' own policy has it.
        """
        assert visit.identity is not None
        self._desk.ledger.console.revoke_session(visit.identity.session.id, visit.now)
        visit.log("logout")
        answer = RedirectResponse("/login", 303)
        if self._through.offer_end(visit, answer):
            answer.headers["Location"] = f"/login?out={Out.HERE.value}"
        self._desk.sessions.forget(answer)
        answer.headers["Clear-Site-Data"] = '"cache", "storage"'
        return answer

    def account(self, visit: Visit) -> Response:
        """Whose account it is, and where else it is logged in."""
        return self._account(visit)

    def change_password(self, visit: Visit) -> Response:
        """Another password; every session of the account ends, this one too. Who comes through the provider has none here."""
        if not matches(visit.user.password, visit.form.get("old", "")):
            return self._account(visit, problem="old", status=400)
        if visit.form.get("new") != visit.form.get("again"):
            return self._account(visit, problem="again", status=400)
        if not SHORTEST <= len(visit.form.get("new", "")) <= LONGEST:
            return self._account(visit, problem="short", status=400)
        self._desk.ledger.console.set_password(visit.user.name, hashed(visit.form["new"]), visit.now)
        visit.log("password", subject=visit.user.name)
        answer = RedirectResponse("/login", 303)
        self._desk.sessions.forget(answer)
        return answer

    def end_session(self, visit: Visit) -> Response:
        """End another session of one's own."""
        wanted = visit.form.get("session", "")
        mine = [each.id for each in self._desk.ledger.console.sessions(visit.now, visit.user.name)]
        if wanted in mine and self._desk.ledger.console.revoke_session(wanted, visit.now):
            visit.log("session.end", subject=visit.user.name)
        return back_to("/account", "session")

    def _account(self, visit: Visit, *, problem: str | None = None, status: int = 200) -> Response:
        assert visit.identity is not None
        sessions = self._desk.ledger.console.sessions(visit.now, visit.user.name)
        mine = visit.identity.session.id
        return self._desk.show(visit, "account", status=status, sessions=sessions, mine=mine, problem=problem)

    def _form(self, visit: Visit, *, problem: str | None = None, status: int = 200) -> Response:
        secret = visit.request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)
        wanted = visit.form.get("next") if visit.request.method == "POST" else visit.query.get("next")
        oidc = self._desk.settings.console.oidc
        nobody = oidc.issuer is None and not self._desk.ledger.console.users()
        answer = self._desk.show(
            visit,
            "login",
            status=status,
            form_token=form_token(secret),
            next=local_path(wanted),
            problem=problem,
            nobody=nobody,
            oidc=oidc,
            out=visit.query.get("out"),
            end_there=OUT,
        )
        self._desk.sessions.keep(answer, secret, FORM_COOKIE)
        return answer
