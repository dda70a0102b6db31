"""Logging in through an identity provider: who it is there is who it is here, and what the provider says one may do, one may."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from recoup.ledger import Ledger, Result, Role, SessionKind
from tests.web.console.desk import ADDRESS, PASSWORD, log_in, token_in, words_of
from tests.web.console.identity import KIM, Identity, idp, more, oidc, server, through
from tests.web.doubles import NOW, StandingClock

__all__ = ["idp", "more", "oidc", "server"]

COOKIE = "__Host-recoup"


@pytest.mark.parametrize(
    ("oidc", "claims", "role"),
    [
        ({}, {"groups": ["recoup-viewers"]}, Role.VIEWER),
        ({}, {"groups": "recoup-admins"}, Role.ADMIN),
        ({}, {"groups": ["recoup-viewers", "recoup-admins", "recoup-operators"]}, Role.ADMIN),
        ({"roles_claim": "realm_access.roles"}, {"realm_access": {"roles": ["recoup-viewers"]}}, Role.VIEWER),
        ({"roles_claim": "https://acme.example/roles"}, {"https://acme.example/roles": ["recoup-admins"]}, Role.ADMIN),
        ({"roles_claim": "hd", "roles": {"acme.example": "viewer"}}, {"hd": "acme.example"}, Role.VIEWER),
        ({"roles_claim": "email", "roles": {"k@acme.example": "admin"}}, {"email": "k@acme.example", "email_verified": True}, Role.ADMIN),
        ({"roles_claim": "email", "roles": {"k@acme.example": "admin"}}, {"email": "k@acme.example"}, None),
        ({}, {"groups": ["everybody"]}, None),
        ({}, {"groups": None}, None),
        ({}, {"groups": {"recoup-admins": True}}, None),
        ({}, {"groups": ["RECOUP-ADMINS"]}, None),
    ],
)  # fmt: skip
def test_roles(
    anybody: TestClient, ledger: Ledger, idp: Identity, claims: dict[str, Any], role: Role | None
) -> None:
    """The claim's values give the highest of their roles; who has none is told so and gets no account."""
    idp.claims |= claims
    where = through(anybody)
    made = [user.role for user in ledger.console.users() if not user.is_local]
    assert (where, made) == (("/", [role]) if role else ("/login?problem=role", []))
    if role is None:
        assert "you have no role in Recoup" in words_of(anybody.get(where))
        assert COOKIE not in anybody.cookies


def test_the_role_follows_the_claim(anybody: TestClient, app: FastAPI, ledger: Ledger, idp: Identity) -> None:
    """Another group, another role, from the next log-in on; sessions with the old one end, and without any role all do."""
    assert through(anybody) == "/"
    again = TestClient(app, base_url=ADDRESS, follow_redirects=False)
    idp.claims["groups"] = ["recoup-viewers"]
    assert through(again) == "/"
    assert (anybody.get("/cases").status_code, again.get("/cases").status_code) == (303, 200)
    (user,) = (user for user in ledger.console.users() if not user.is_local)
    assert user.role is Role.VIEWER
    changed = ledger.console.logged(limit=2)[1]
    assert (changed.actor, changed.action, changed.data["role"]) == (user.name, "user.role", "viewer")
    idp.claims["groups"] = []
    assert through(TestClient(app, base_url=ADDRESS, follow_redirects=False)) == "/login?problem=role"
    assert again.get("/cases").status_code == 303
    assert ledger.console.logged(limit=1)[0].actor == user.name


def test_an_account_is_issuer_and_subject(anybody: TestClient, ledger: Ledger, idp: Identity) -> None:
    """Another name and address at the provider are the same account; the same name and address of another subject are another one's."""
    through(anybody)
    idp.claims |= {"preferred_username": "kim.married", "email": "kim.married@acme.example"}
    assert through(anybody) == "/"
    (user,) = (user for user in ledger.console.users() if not user.is_local)
    assert len(ledger.console.sessions(NOW, user.name)) == 1, "who logs in again leaves no session behind"
    idp.claims = KIM | {"sub": "another", "groups": ["recoup-viewers"]}
    assert through(anybody) == "/"
    roles = {user.name: user.role for user in ledger.console.users() if not user.is_local}
    assert sorted(roles.values()) == [Role.OPERATOR, Role.VIEWER]
    assert all(name.startswith("kim.nowak-") for name in roles)


def test_an_account_takes_no_other_ones_name(
    anybody: TestClient, ledger: Ledger, idp: Identity, clock: StandingClock
) -> None:
    """A local account of exactly that name stays its owner's, and the newcomer gets a longer one."""
    through(anybody)
    (user,) = (user for user in ledger.console.users() if not user.is_local)
    name, identity = user.name, user.password
    assert ledger.console.admit("operator", "oidc:of another", Role.ADMIN, clock.now()) is None
    assert ledger.console.admit(name, "oidc:of another", Role.ADMIN, clock.now()) is None
    assert ledger.console.admit("again", identity, Role.ADMIN, clock.now()) == user
    assert ledger.console.user("again") is None


def test_a_disabled_account_stays_out(
    anybody: TestClient, ledger: Ledger, idp: Identity, clock: StandingClock
) -> None:
    """Whatever the provider says; and it is let in again when it is enabled here."""
    through(anybody)
    (user,) = (user for user in ledger.console.users() if not user.is_local)
    ledger.console.disable_user(user.name, clock.now())
    assert anybody.get("/cases").status_code == 303
    idp.claims["groups"] = ["recoup-admins"]
    where = through(anybody)
    assert where == "/login?problem=disabled"
    assert "Your account is disabled in Recoup" in words_of(anybody.get(where))
    assert (entry := ledger.console.logged(limit=1)[0]).result is Result.REFUSED
    assert entry.actor == user.name
    ledger.console.enable_user(user.name, clock.now())
    assert through(anybody) == "/"


def test_such_an_account_has_no_password(anybody: TestClient, ledger: Ledger, idp: Identity) -> None:
    """No password opens it, none can be set in the console, and no program gets a token that would outlast its owner's leaving."""
    through(anybody)
    (user,) = (user for user in ledger.console.users() if not user.is_local)
    page = anybody.get("/account")
    assert "You log in through the identity provider" in words_of(page)
    assert 'name="old"' not in page.text
    fields = {"token": token_in(page), "old": user.password, "new": PASSWORD, "again": PASSWORD}
    assert anybody.post("/account/password", data=fields).status_code == 400
    idp.claims["groups"] = ["recoup-admins"]
    through(anybody)
    fields = {"token": token_in(anybody.get("/tokens")), "user": user.name, "label": "x", "days": "9"}
    assert anybody.post("/tokens", data=fields).status_code == 400
    assert [each for each in ledger.console.sessions(NOW) if each.kind is SessionKind.TOKEN] == []
    anybody.cookies.clear()
    for password in (user.password, PASSWORD, ""):
        assert log_in(anybody, user.name, password).status_code == 401
