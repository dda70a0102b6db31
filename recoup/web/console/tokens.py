"""Tokens for programs: made by an admin for an account, shown once, revoked at any time."""

from __future__ import annotations

from fastapi.responses import Response

from recoup.ledger import Role, SessionKind, SessionRow, UserRow
from recoup.web.console.desk import Desk, back_to
from recoup.web.console.doors import Doors, Visit

LONGEST_DAYS = 365


class Tokens:
    """The routes about tokens."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, doors: Doors) -> None:
        """Add the routes."""
        doors.get("/tokens", Role.ADMIN, self.show)
        doors.post("/tokens", Role.ADMIN, self.make)
        doors.post("/tokens/revoke", Role.ADMIN, self.revoke)

    def show(self, visit: Visit) -> Response:
        """Every token that works."""
        return self._page(visit)

    def make(self, visit: Visit) -> Response:
        """A token that acts as an account and may what that account may."""
        label, days = visit.form.get("label", "").strip()[:80], visit.form.get("days", "")
        user = self._desk.ledger.console.user(visit.form.get("user", ""))
        lasting = int(days) if days.isdecimal() and len(days) < 4 else 0
        if user is None or not _may_have_one(user) or not label or not 0 < lasting <= LONGEST_DAYS:
            return self._page(visit, wrong=True)
        secret = self._desk.sessions.make_token(user.name, label, lasting)
        visit.log("token.make", subject=user.name, data={"label": label, "days": lasting})
        return self._page(visit, secret=secret)

    def revoke(self, visit: Visit) -> Response:
        """A token stops working at once."""
        wanted = visit.form.get("session", "")
        found = [each for each in self._tokens(visit) if each.id == wanted]
        if found and self._desk.ledger.console.revoke_session(wanted, visit.now):
            visit.log("token.revoke", subject=found[0].user, data={"label": found[0].label})
        return back_to("/tokens", "revoked")

    def _tokens(self, visit: Visit) -> list[SessionRow]:
        live = self._desk.ledger.console.sessions(visit.now)
        return [each for each in live if each.kind is SessionKind.TOKEN]

    def _page(self, visit: Visit, *, secret: str | None = None, wrong: bool = False) -> Response:
        users = [user for user in self._desk.ledger.console.users() if _may_have_one(user)]
        return self._desk.show(
            visit,
            "tokens",
            status=400 if wrong else 200,
            tokens=self._tokens(visit),
            users=users,
            secret=secret,
            wrong=wrong,
        )


def _may_have_one(user: UserRow) -> bool:
    # Of somebody who has left the company we hear only that they do not log in any more: a token would outlast them.
    return user.disabled_at is None and user.is_local
