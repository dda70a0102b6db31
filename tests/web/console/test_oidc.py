"""Logging in through an identity provider: the way there and back, and every way in which the provider's word does not hold."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from recoup.ledger import Ledger, Result, Role
from recoup.links import Signed
from recoup.web.console.sessions import form_token, hash_of
from tests.web.console.desk import ADDRESS, PASSWORD, log_in, words_of
from tests.web.console.identity import (
    CLIENT,
    Identity,
    at_the_provider,
    curve,
    idp,
    key,
    more,
    oidc,
    query_of,
    server,
    through,
    to_the_provider,
)
from tests.web.doubles import NOW, StandingClock

__all__ = ["idp", "more", "oidc", "server"]

LINK_SECRET = "the present secret of links"
COOKIE, CARRIED = "__Host-recoup", "__Host-recoup_oidc"


def test_the_way_in(anybody: TestClient, ledger: Ledger, idp: Identity) -> None:
    """Through the provider and back to where one wanted to go, with an account of one's own and the role of one's group."""
    page = anybody.get("/login?next=/cases")
    assert "Log in with your company account" in words_of(page)
    assert 'href="/login/oidc?next=/cases"' in page.text
    address = to_the_provider(anybody, "/cases?tab=all")
    asked = query_of(address)
    assert asked["redirect_uri"] == f"{ADDRESS}/login/oidc/callback"
    assert (asked["scope"], asked["client_id"]) == ("openid profile email", CLIENT)
    assert all(len(asked[name]) >= 43 for name in ("state", "nonce", "code_challenge"))
    answer = anybody.get(at_the_provider(address))
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases?tab=all")
    user = next(user for user in ledger.console.users() if not user.is_local)
    assert (user.name[:-6], user.role) == ("kim.nowak-", Role.OPERATOR)
    assert [row.id for row in ledger.console.sessions(NOW, user.name)] == [hash_of(anybody.cookies[COOKIE])]
    assert user.name in words_of(anybody.get("/cases"))
    assert [(row.actor, row.action, row.data) for row in ledger.console.logged(limit=2)] == [
        (user.name, "login", {"by": "oidc"}), (user.name, "user.add", {"role": "operator", "by": "oidc"})
    ]  # fmt: skip
    assert CARRIED not in anybody.cookies


BROKEN: dict[str, dict[str, Any]] = {
    "another nonce": {"lies": {"nonce": "another"}},
    "no nonce": {"lies": {"nonce": None}},
    "for another client": {"lies": {"aud": "another"}},
    "for another client, although asked for by us": {"lies": {"aud": "another", "azp": CLIENT}},
    "for others too": {"lies": {"aud": [CLIENT, "another"]}},
    "asked for by another client": {"lies": {"aud": [CLIENT, "another"], "azp": "another"}},
    "of another issuer": {"lies": {"iss": "https://evil.example"}},
    "expired": {"lies": {"exp": int(NOW.timestamp()) - 60}},
    "without an end": {"lies": {"exp": None}},
    "from the future": {"lies": {"iat": int(NOW.timestamp()) + 61}},
    "not good yet": {"lies": {"nbf": int(NOW.timestamp()) + 61}},
    "about nobody": {"lies": {"sub": None}},
    "about an empty name": {"lies": {"sub": ""}},
    "beside another access token": {"lies": {"at_hash": "MTIzNDU2Nzg5MDEyMzQ1Ng"}},
    "not signed": {"alg": "none"},
    "signed with what is public": {"alg": "HS256"},
    "signed with a foreign key of the same name": {
        "signer": type(key("first")).generate_key(2048, {"kid": "first", "alg": "RS256"})
    },
    "signed with a key that is not published": {"signer": key("foreign")},
    "not there": {"without_token": True},
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_token_that_does_not_hold(anybody: TestClient, ledger: Ledger, idp: Identity, broken: str) -> None:
    """Whatever is wrong with the ID token: no session, no account, a sentence on our page, an entry in the log."""
    for name, value in BROKEN[broken].items():
        setattr(idp, name, value)
    assert through(anybody, "/cases") == "/login?problem=answer&next=%2Fcases"
    assert not {COOKIE, CARRIED} & set(anybody.cookies)
    assert all(user.is_local for user in ledger.console.users())
    (entry,) = ledger.console.logged()
    assert (entry.actor, entry.action, entry.result) == ("oidc", "login", Result.REFUSED)
    said = words_of(anybody.get("/login?problem=answer"))
    assert "does not belong to this log-in" in said


def test_clocks_may_be_apart_a_little(anybody: TestClient, idp: Identity) -> None:
    """A provider whose clock is a minute ahead or behind lets people in all the same."""
    now = int(NOW.timestamp())
    idp.lies = {"iat": now + 60, "nbf": now + 60, "exp": now - 59}
    assert through(anybody) == "/"


def test_keys_are_changed(anybody: TestClient, idp: Identity, clock: StandingClock) -> None:
    """A token under a key that is new, of another kind too, is taken at once; without a new key the old ones are asked for once an hour."""
    assert through(anybody) == "/"
    assert through(anybody) == "/"
    assert idp.asked.count("/jwks") == 1
    idp.signer, idp.alg, idp.published = curve("second"), "ES256", [key("first"), curve("second")]
    assert through(anybody) == "/"
    assert idp.asked.count("/jwks") == 2
    clock.move(hours=1)
    idp.lies = {"exp": int(clock.now().timestamp()) + 300}
    assert through(anybody) == "/"
    assert (idp.asked.count("/jwks"), idp.asked.count("/.well-known/openid-configuration")) == (3, 2)


def test_a_log_in_is_ended_once(anybody: TestClient, ledger: Ledger, idp: Identity) -> None:
    """The same answer of the provider a second time opens nothing, even with the cookie it came with; the provider is not asked again."""
    back = at_the_provider(to_the_provider(anybody))
    carried = anybody.cookies[CARRIED]
    assert anybody.get(back).headers["location"] == "/"
    anybody.cookies.clear()
    anybody.cookies.set(CARRIED, carried)
    assert anybody.get(back).headers["location"] == "/login?problem=state"
    assert idp.asked.count("/token") == 1
    assert ledger.console.logged(limit=1)[0].because == "the log-in was ended already"


def test_a_code_is_good_once(anybody: TestClient, idp: Identity) -> None:
    """A code that was changed into a token already, in a log-in that is new, is refused by the provider and so by us."""
    used = query_of(at_the_provider(to_the_provider(anybody)))["code"]
    idp.codes.pop(used)
    state = query_of(to_the_provider(anybody))["state"]
    answer = anybody.get("/login/oidc/callback", params={"code": used, "state": state})
    assert answer.headers["location"] == "/login?problem=answer"
    assert COOKIE not in anybody.cookies


def test_a_code_of_another_log_in(anybody: TestClient, app: FastAPI, idp: Identity) -> None:
    """A code that somebody else was given does not fit what this browser proves: PKCE."""
    theirs = TestClient(app, base_url=ADDRESS, follow_redirects=False)
    stolen = query_of(at_the_provider(to_the_provider(theirs)))["code"]
    state = query_of(to_the_provider(anybody))["state"]
    answer = anybody.get("/login/oidc/callback", params={"code": stolen, "state": state})
    assert answer.headers["location"] == "/login?problem=answer"


def test_an_answer_in_another_browser(anybody: TestClient, app: FastAPI, idp: Identity) -> None:
    """Nobody is logged in to another's account by an address that they are sent: with no log-in of their own, with one, or with one that is made up."""
    back = at_the_provider(to_the_provider(anybody))
    other = TestClient(app, base_url=ADDRESS, follow_redirects=False)
    assert other.get(back).headers["location"] == "/login?problem=state"
    to_the_provider(other)
    assert other.get(back).headers["location"].startswith("/login?problem=state")
    state = query_of(back)["state"]
    written = {"state": state, "nonce": "n", "verifier": "v", "next": "/", "until": NOW.timestamp() + 9}
    for secret, purpose in (("a secret of somebody else", "console/oidc"), (LINK_SECRET, "another purpose")):
        other.cookies.clear()
        other.cookies.set(CARRIED, Signed([secret], purpose).write(written))
        assert other.get(back).headers["location"] == "/login?problem=state"
    assert "/token" not in idp.asked
    assert COOKIE not in other.cookies


@pytest.mark.parametrize(("minutes", "where"), [(9.9, "/"), (10, "/login?problem=state")])
def test_a_log_in_takes_ten_minutes_at_most(
    anybody: TestClient, clock: StandingClock, idp: Identity, minutes: float, where: str
) -> None:
    """What was begun longer ago is begun anew."""
    back = at_the_provider(to_the_provider(anybody))
    clock.move(minutes=minutes)
    idp.lies = {"exp": int(clock.now().timestamp()) + 300}
    assert anybody.get(back).headers["location"] == where


@pytest.mark.parametrize(("iss", "promised"), [("https://evil.example", False), ("", True)])
def test_an_answer_that_names_another_provider(
    anybody: TestClient, idp: Identity, iss: str, promised: bool
) -> None:
    """An answer that says whose it is must be this provider's, and where that is promised it must say it (RFC 9207)."""
    idp.of_itself = {"authorization_response_iss_parameter_supported": promised}
    back = at_the_provider(to_the_provider(anybody))
    wrong = f"{back}&iss={iss}" if iss else back
    assert anybody.get(wrong).headers["location"] == "/login?problem=answer"
    right = f"{at_the_provider(to_the_provider(anybody))}&iss={idp.address}"
    assert anybody.get(right).headers["location"] == "/"


def test_the_provider_says_no(anybody: TestClient, ledger: Ledger, idp: Identity) -> None:
    """Its refusal is a sentence of ours; nothing that it wrote reaches a page or an address."""
    idp.error = "access_denied"
    where = through(anybody)
    assert where == "/login?problem=denied"
    assert "did not let you in, or you turned back" in words_of(anybody.get(where))
    assert ledger.console.logged(limit=1)[0].because == "the provider answered access_denied"
    idp.error = "<script>alert(1)</script>"
    assert through(anybody) == "/login?problem=denied"
    assert ledger.console.logged(limit=1)[0].because == "the provider answered an error"


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_provider_is_away(anybody: TestClient, idp: Identity, when: str) -> None:
    """One is told so, before as after the provider's page, and passwords still open the door."""
    back = at_the_provider(to_the_provider(anybody)) if when == "after" else "/login/oidc"
    idp.down = True
    if when == "before":
        assert "/.well-known/openid-configuration" not in idp.asked
    where = anybody.get(back).headers["location"]
    assert where == "/login?problem=away"
    assert "does not answer as it should" in words_of(anybody.get(where))
    assert log_in(anybody, "operator").status_code == 303


@pytest.mark.parametrize(
    "change",
    [
        {"of_itself": {"issuer": "https://evil.example"}},
        {"of_itself": {"token_endpoint": "http://10.0.0.9/token"}},
        {"of_itself": {"authorization_endpoint": "javascript:alert(1)"}},
        {"of_itself": {"jwks_uri": None}},
        {"published": []},
    ],
)
def test_a_provider_that_is_none(anybody: TestClient, idp: Identity, change: dict[str, Any]) -> None:
    """A discovery document of another issuer, or with endpoints that are not safe, sends nobody anywhere; without keys nothing is believed."""
    for name, value in change.items():
        setattr(idp, name, value)
    answer = anybody.get("/login/oidc")
    if "published" in change:
        answer = anybody.get(at_the_provider(answer.headers["location"]))
    assert answer.headers["location"] == "/login?problem=away"
    assert COOKIE not in anybody.cookies


@pytest.mark.parametrize("oidc", [{"passwords": False, "name": "Acme <SSO>"}])
def test_without_passwords(anybody: TestClient, idp: Identity) -> None:
    """Then the form is gone, and the right password opens nothing either."""
    page = anybody.get("/login")
    assert "Log in with Acme <SSO>" in words_of(page)
    assert 'name="password"' not in page.text
    token = form_token(anybody.cookies["recoup_form"])
    fields = {"token": token, "name": "operator", "password": PASSWORD}
    answer = anybody.post("/login", data=fields)
    assert (answer.status_code, COOKIE in anybody.cookies) == (403, False)
    assert "Nobody logs in with a password here" in words_of(answer)
    assert through(anybody) == "/"


@pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/x" * 3000])
def test_it_leads_nowhere_else(anybody: TestClient, idp: Identity, wanted: str) -> None:
    """Whatever an address asks for one ends in the console, and a long one still fits into the cookie."""
    where = through(anybody, wanted)
    assert where == "/" or (where.startswith("/x/x") and len(where) <= 1000)


def test_another_site_begins_nothing(anybody: TestClient, idp: Identity) -> None:
    """A link of another site leads to our page first."""
    answer = anybody.get("/login/oidc?next=/cases", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.headers["location"] == "/login?next=%2Fcases"
    assert idp.asked == []


def test_tries_are_limited(anybody: TestClient, ledger: Ledger, idp: Identity) -> None:
    """Who comes back with made-up answers is stopped as one is who guesses passwords."""
    where = [anybody.get("/login/oidc/callback?state=x").headers["location"] for _ in range(22)]
    assert where == ["/login?problem=state"] * 20 + ["/login?problem=often"] * 2
    assert len(ledger.console.logged()) == 20


@pytest.mark.parametrize("methods", [["client_secret_basic"], ["client_secret_post"]])
def test_how_the_client_proves_itself(anybody: TestClient, idp: Identity, methods: list[str]) -> None:
    """In the way that the provider takes."""
    idp.of_itself = {"token_endpoint_auth_methods_supported": methods}
    assert through(anybody) == "/"


def test_nothing_of_it_is_in_the_log(
    anybody: TestClient, idp: Identity, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither code, state, tokens nor an address of mail stand in a log line."""
    caplog.set_level("DEBUG")
    back = at_the_provider(to_the_provider(anybody))
    anybody.get(back)
    idp.lies = {"nonce": "another"}
    through(anybody)
    out, err = capfd.readouterr()
    ours = "".join(
        line.getMessage()
        for line in caplog.records
        if not line.name.startswith(("werkzeug", "httpx2", "httpcore2"))
    )
    for secret in (*query_of(back).values(), "at-1", "@acme.example", "eyJ"):
        assert secret not in out + err + ours
