"""Logging in: who gets in, how often one may try, how long it lasts, and where it leads."""

from __future__ import annotations

from typing import Literal

import pytest
from argon2 import PasswordHasher
from argon2.profiles import RFC_9106_LOW_MEMORY
from fastapi.testclient import TestClient

from recoup.ledger import Ledger, Result
from recoup.web.console import passwords
from recoup.web.console.sessions import hash_of, local_path
from tests.web.console.conftest import LogIn
from tests.web.console.desk import PASSWORD, log_in, token_in, words_of
from tests.web.doubles import StandingClock

COOKIE = "__Host-recoup"


def test_logging_in_and_out(anybody: TestClient, ledger: Ledger) -> None:
    """Name and password open a session; logging out ends it for good, also for who kept its cookie."""
    answer = log_in(anybody, "operator")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    for wanted in (f"{COOKIE}=", "HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert wanted in cookie
    secret = anybody.cookies[COOKIE]
    assert anybody.get("/cases").status_code == 200
    token = token_in(anybody.get("/account"))
    assert anybody.post("/logout", data={"token": token}).headers["location"] == "/login"
    anybody.cookies.set(COOKIE, secret)
    assert anybody.get("/cases").headers["location"] == "/login?next=%2Fcases"
    assert [row.action for row in ledger.console.logged()] == ["logout", "login"]


def test_the_secret_is_kept_nowhere(anybody: TestClient, ledger: Ledger) -> None:
    """The ledger has a hash of the session's secret, and a hash of the password."""
    log_in(anybody, "operator")
    secret = anybody.cookies[COOKIE]
    (session,) = ledger.console.sessions(ledger.console.users()[0].created_at)
    assert session.id == hash_of(secret) != secret
    assert all(PASSWORD not in user.password for user in ledger.console.users())


@pytest.mark.parametrize(
    ("name", "password"), [("operator", "wrong horse battery"), ("nobody", PASSWORD), ("", ""), ("operator", "x" * 5000)]
)  # fmt: skip
def test_a_wrong_try_says_nothing(anybody: TestClient, ledger: Ledger, name: str, password: str) -> None:
    """Wrong name and wrong password read the same, and are written down."""
    answer = log_in(anybody, name, password)
    assert answer.status_code == 401
    assert "Name and password do not belong together" in words_of(answer)
    assert COOKIE not in anybody.cookies
    assert ledger.console.logged(limit=1)[0].result is Result.REFUSED


def test_a_disabled_account_is_out(
    as_: LogIn, anybody: TestClient, ledger: Ledger, clock: StandingClock
) -> None:
    """Its sessions end at once, and nobody logs in by it."""
    browser = as_("operator")
    ledger.console.disable_user("operator", clock.now())
    assert browser.get("/cases").status_code == 303
    assert log_in(anybody, "operator").status_code == 401


def test_tries_for_an_account_are_limited(anybody: TestClient, clock: StandingClock) -> None:
    """After five tries even the right password has to wait; another account's does not."""
    for _ in range(5):
        assert log_in(anybody, "operator", "wrong horse battery").status_code == 401
    answer = log_in(anybody, "operator")
    assert (answer.status_code, "retry-after" in answer.headers) == (429, True)
    assert log_in(anybody, "viewer").status_code == 303
    clock.move(minutes=4)
    anybody.cookies.clear()
    assert log_in(anybody, "operator").status_code == 303


def test_tries_from_an_address_are_limited(anybody: TestClient) -> None:
    """Who tries many names from one place is stopped too."""
    answers = [log_in(anybody, f"guess{n}").status_code for n in range(22)]
    assert answers == [401] * 20 + [429] * 2


@pytest.mark.parametrize(("minutes", "in_"), [(59, True), (60, False)])
def test_an_idle_session_ends(operator: TestClient, clock: StandingClock, minutes: int, in_: bool) -> None:
    """A session that is not used ends; one that is goes on."""
    clock.move(minutes=minutes)
    assert (operator.get("/cases").status_code == 200) == in_


def test_a_page_that_refreshes_itself_keeps_no_session(operator: TestClient, clock: StandingClock) -> None:
    """An open page on a screen that nobody looks at does not keep its session alive."""
    for _ in range(5):
        clock.move(minutes=10)
        refresh = {"Recoup-Refresh": "1", "HX-Request": "true"}
        assert operator.get("/cases", headers=refresh).status_code == 200
    clock.move(minutes=10)
    gone = operator.get("/cases", headers={"Recoup-Refresh": "1", "HX-Request": "true"})
    assert (gone.status_code, gone.headers["hx-refresh"]) == (401, "true")


def test_a_session_in_use_ends_too(operator: TestClient, clock: StandingClock) -> None:
    """After twelve hours one logs in again, however busy one was."""
    for _ in range(23):
        clock.move(minutes=30)
        assert operator.get("/cases").status_code == 200
    clock.move(minutes=30)
    assert operator.get("/cases").status_code == 303


def test_ending_another_session_of_ones_own(as_: LogIn) -> None:
    """What is still logged in elsewhere is seen and ended from the account's page; nobody else's session is."""
    here, there, other = as_("operator"), as_("operator"), as_("viewer")
    page = here.get("/account")
    mine, theirs, foreign = (hash_of(client.cookies[COOKIE]) for client in (here, there, other))
    assert theirs in page.text
    assert foreign not in page.text
    for session in (theirs, foreign):
        here.post("/account/sessions", data={"token": token_in(page), "session": session})
    assert there.get("/cases").status_code == 303
    assert (here.get("/cases").status_code, other.get("/cases").status_code) == (200, 200)
    assert mine not in (theirs, foreign)


def test_changing_the_password(as_: LogIn, anybody: TestClient) -> None:
    """The old one is asked for, the new one twice; then every session has ended and the old one opens nothing."""
    here, there = as_("operator"), as_("operator")
    token, new = token_in(here.get("/account")), "a new long password"

    def change(old: str, new: str, again: str) -> int:
        fields = {"token": token, "old": old, "new": new, "again": again}
        return int(here.post("/account/password", data=fields).status_code)

    assert change("wrong", new, new) == 400
    assert change(PASSWORD, new, "another") == 400
    assert change(PASSWORD, "short", "short") == 400
    assert change(PASSWORD, new, new) == 303
    assert there.get("/cases").status_code == here.get("/cases").status_code == 303
    assert log_in(anybody, "operator").status_code == 401
    assert log_in(anybody, "operator", new).status_code == 303


def test_the_form_of_the_login_proves_itself(anybody: TestClient) -> None:
    """Nobody is logged in to another's account by a form of another site."""
    answer = anybody.post("/login", data={"name": "operator", "password": PASSWORD})
    assert answer.status_code == 403
    assert COOKIE not in anybody.cookies


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "evil",
     "/\t/evil.example", "/x\r\nSet-Cookie: a=b", "https:evil.example", "/ä"],
)  # fmt: skip
def test_logging_in_leads_nowhere_else(anybody: TestClient, wanted: str) -> None:
    """Whatever an address asks for, one stays in the console."""
    assert local_path(wanted) == "/"
    answer = log_in(anybody, "operator", next=wanted)
    assert answer.headers["location"] == "/"
    assert anybody.get("/login", params={"next": wanted}).headers["location"] == "/"


def test_logging_in_leads_back(anybody: TestClient) -> None:
    """Who followed a link to a list arrives there."""
    sent = anybody.get("/cases?tab=lost&q=in_1")
    assert sent.headers["location"] == "/login?next=%2Fcases%3Ftab%3Dlost%26q%3Din_1"
    assert log_in(anybody, "operator", next="/cases?tab=lost&q=in_1").headers["location"] == (
        "/cases?tab=lost&q=in_1"
    )


def test_a_password_is_expensive_to_try() -> None:
    """What is kept is argon2id with 64 MiB of memory and three passes, as RFC 9106 recommends."""
    kept = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY).hash(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.PARAMETERS == RFC_9106_LOW_MEMORY
    assert passwords.matches(kept, PASSWORD)
    assert not passwords.matches(kept, PASSWORD + "!")
    assert not passwords.matches(None, "nobody's")


@pytest.mark.parametrize("kept", [None, "oidc:" + "0" * 64])
def test_an_account_without_a_password_costs_as_much_to_try(
    monkeypatch: pytest.MonkeyPatch, kept: str | None
) -> None:
    """Nobody learns by the time it takes that there is no such account, or that it comes through a provider: a real hash is worked through."""
    worked: list[str] = []

    class Watched(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - argon2's own name
            worked.append(str(hash))
            return True

    monkeypatch.setattr(passwords, "_hasher", Watched())
    assert not passwords.matches(kept, PASSWORD)
    assert [hash_.startswith("$argon2id$") for hash_ in worked] == [True]
