"""Logging out at the identity provider, too: where it announces that, and only for whom it let in."""

from __future__ import annotations

import base64
import json

import pytest
from fastapi.testclient import TestClient

from recoup.ledger import Ledger
from tests.web.console.conftest import LogIn
from tests.web.console.desk import ADDRESS, token_in, words_of
from tests.web.console.identity import (
    CLIENT,
    Identity,
    at_the_provider,
    idp,
    more,
    oidc,
    query_of,
    server,
    through,
)
from tests.web.doubles import NOW, StandingClock

__all__ = ["idp", "more", "oidc", "server"]

CARRIED = "__Host-recoup_oidc_id"


def out(client: TestClient) -> str:
    """Press the button; where it leads."""
    answer = client.post("/logout", data={"token": token_in(client.get("/account"))})
    assert answer.status_code == 303
    return str(answer.headers["location"])


def test_the_way_out(anybody: TestClient, ledger: Ledger, idp: Identity) -> None:
    """First the session here ends, then the page offers the other one; the provider is told whom by its own token, and sends them back."""
    idp.ends_sessions()
    through(anybody)
    user = next(user for user in ledger.console.users() if not user.is_local)
    assert out(anybody) == "/login?out=here"
    assert ledger.console.sessions(NOW, user.name) == []
    page = anybody.get("/login?out=here")
    assert "Log out of your company account, too" in words_of(page)
    assert 'href="/logout/oidc"' in page.text
    answer = anybody.get("/logout/oidc")
    assert answer.headers["location"].startswith(f"{idp.address}/logout?")
    asked = query_of(answer.headers["location"])
    assert asked["client_id"] == CLIENT
    assert asked["post_logout_redirect_uri"] == f"{ADDRESS}/login/oidc/callback"
    claims = asked["id_token_hint"].split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["sub"] == idp.claims["sub"]
    assert CARRIED not in anybody.cookies
    back = anybody.get(at_the_provider(answer.headers["location"]))
    assert back.headers["location"] == "/login?out=there"
    assert "You are logged out." in words_of(anybody.get("/login?out=there"))
    assert [row.action for row in ledger.console.logged(limit=2)] == ["logout", "login"]


def test_a_provider_without_an_end(anybody: TestClient, idp: Identity) -> None:
    """Where nothing is announced nothing is offered, and the browser carries no token."""
    through(anybody)
    assert CARRIED not in anybody.cookies
    assert out(anybody) == "/login"
    assert anybody.get("/logout/oidc").headers["location"] == "/login"


def test_an_end_that_is_not_safe(anybody: TestClient, idp: Identity) -> None:
    """An ID token goes nowhere without https."""
    idp.of_itself["end_session_endpoint"] = "http://sso.acme.example/logout"
    through(anybody)
    assert out(anybody) == "/login"


def test_who_came_by_a_password_is_offered_nothing(as_: LogIn, idp: Identity) -> None:
    """Their session at the provider, where they have one, is none of ours."""
    idp.ends_sessions()
    assert out(as_("operator")) == "/login"


def test_another_site_logs_nobody_out(anybody: TestClient, idp: Identity) -> None:
    """The address works from our own page."""
    idp.ends_sessions()
    through(anybody)
    answer = anybody.get("/logout/oidc", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.headers["location"] == "/login"


def test_a_provider_that_is_away(anybody: TestClient, idp: Identity, clock: StandingClock) -> None:
    """The session here ends all the same."""
    idp.ends_sessions()
    through(anybody)
    clock.move(minutes=50)
    assert anybody.get("/account").status_code == 200
    clock.move(minutes=20)
    idp.down = True
    assert out(anybody) == "/login"
    assert anybody.get("/account").status_code == 303
    assert anybody.get("/logout/oidc").headers["location"] == "/login?problem=away"


@pytest.mark.parametrize("oidc", [{"name": "Acme SSO"}])
def test_without_a_token(anybody: TestClient, idp: Identity) -> None:
    """A token too long to be carried leaves the provider to ask whom it is to log out."""
    idp.ends_sessions()
    idp.claims["groups"] = [*idp.claims["groups"], *(f"group-{number}" for number in range(500))]
    through(anybody)
    assert CARRIED not in anybody.cookies
    assert out(anybody) == "/login?out=here"
    assert "Log out of Acme SSO, too" in words_of(anybody.get("/login?out=here"))
    asked = query_of(anybody.get("/logout/oidc").headers["location"])
    assert "id_token_hint" not in asked
