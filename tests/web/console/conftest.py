"""The console as it is put together, and browsers that have logged in to it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient

from recoup.ledger import Ledger
from recoup.policy.file import load_policy
from recoup.settings import ConsoleSettings, Settings
from recoup.web.console import app as app_module
from recoup.web.console import assemble_console, live, passwords
from recoup.web.console.sessions import hash_of
from recoup.web.pages import TEMPLATES, Pages
from tests.house._tree import ROOT
from tests.web.console.desk import ADDRESS, FakeCases, FakeCustomers, FakeOutlook, FakeStands, with_users
from tests.web.doubles import StandingClock


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing that costs little: what it costs really is a test of its own."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", quick)
    monkeypatch.setattr(passwords, "_NOBODYS", quick.hash("nobody's"))


@pytest.fixture
def cases(ledger: Ledger, clock: StandingClock) -> FakeCases:
    return FakeCases(ledger, clock)


@pytest.fixture
def stands() -> FakeStands:
    return FakeStands()


@pytest.fixture
def woken() -> list[str]:
    """The destinations that were woken."""
    return []


@pytest.fixture
def more() -> dict[str, Any]:
    """Settings of a test's own."""
    return {}


@pytest.fixture
def customers() -> FakeCustomers:
    return FakeCustomers()


@pytest.fixture
def lasts() -> timedelta:
    """How long a live connection lasts: a client of the tests reads an answer to its end."""
    return timedelta(0)


@pytest.fixture
def outlook(clock: StandingClock) -> FakeOutlook:
    return FakeOutlook(clock, load_policy(ROOT / "policy.yaml"))


@pytest.fixture
def app(
    settings: Settings,
    ledger: Ledger,
    cases: FakeCases,
    stands: FakeStands,
    customers: FakeCustomers,
    outlook: FakeOutlook,
    clock: StandingClock,
    woken: list[str],
    lasts: timedelta,
    more: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> FastAPI:
    """The console with an account of each role."""
    with_users(ledger)
    monkeypatch.setattr(live, "LASTS", lasts)
    monkeypatch.setattr(live, "LOOKS_EVERY", 0.02)
    monkeypatch.setattr(app_module, "console_pages", _pages)
    ours = settings.model_copy(
        update={"console": ConsoleSettings(public_url=ADDRESS), "policy_file": ROOT / Path("policy.yaml")}
        | more
    )

    async def wake(destination: str) -> bool:
        woken.append(destination)
        return True

    policy = load_policy(ours.policy_file)
    return assemble_console(ours, ledger, cases, stands, customers, clock, policy, outlook, wake)


@pytest.fixture
def anybody(app: FastAPI) -> Iterator[TestClient]:
    """A browser that has not logged in."""
    with TestClient(app, base_url=ADDRESS, follow_redirects=False) as client:
        yield client


@cache
def _shared() -> Pages:
    return Pages(None, "en", TEMPLATES / "console")


def _pages(_: Settings) -> Pages:
    """Templates are compiled once for all tests."""
    return _shared()


LogIn = Callable[[str], TestClient]


@pytest.fixture
def as_(app: FastAPI, ledger: Ledger, clock: StandingClock) -> LogIn:
    """A browser that has a fresh session of this account."""

    def logged_in(name: str) -> TestClient:
        client, secret = TestClient(app, base_url=ADDRESS, follow_redirects=False), secrets.token_urlsafe(32)
        until = clock.now() + timedelta(hours=12)
        ledger.console.open_session(hash_of(secret), name, clock.now(), until)
        client.cookies.set("__Host-recoup", secret)
        return client

    return logged_in


@pytest.fixture
def operator(as_: LogIn) -> TestClient:
    """An operator's browser."""
    return as_("operator")
