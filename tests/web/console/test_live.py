"""Live pages: told when something happens, for as long as somebody is logged in."""

from __future__ import annotations

import re
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from recoup.ledger import Ledger
from recoup.settings import ConsoleSettings
from recoup.web.console import live
from tests.web.conftest import Book
from tests.web.console.desk import ADDRESS
from tests.web.doubles import NOW


@pytest.fixture
def lasts() -> timedelta:
    """Long enough for a test; the tests end their connections themselves."""
    return timedelta(seconds=20)


def followed(
    client: TestClient, app: FastAPI, address: str, meanwhile: Any, *, until_over: bool = False
) -> str:
    """What a page hears while something happens."""
    said: list[str] = []
    listening = threading.Thread(target=lambda: said.append(client.get(address).text))
    listening.start()
    time.sleep(0.3)
    meanwhile()
    if not until_over:
        time.sleep(0.4)
        app.state.live.end()
    listening.join(5)
    ended = not listening.is_alive()
    app.state.live.end()
    listening.join(5)
    assert ended
    return said[0]


def test_a_page_is_told_of_its_own_customer(
    operator: TestClient, app: FastAPI, book: Book, ledger: Ledger
) -> None:
    """What happens to a case's customer is told once; the process that stops ends the connection."""
    book.case()
    happens = lambda: ledger.events.append("link_opened", NOW, customer="cus_1")  # noqa: E731
    told = followed(operator, app, "/live?case=in_1", happens)
    assert told.count("event: changed") == 1


def test_a_page_is_not_told_of_others(operator: TestClient, app: FastAPI, book: Book, ledger: Ledger) -> None:
    """Another customer's news is none for this page."""
    book.case()
    happens = lambda: ledger.events.append("link_opened", NOW, customer="cus_2")  # noqa: E731
    assert "event:" not in followed(operator, app, "/live?case=in_1", happens)


def test_the_first_page_is_told_of_everybody(operator: TestClient, app: FastAPI, ledger: Ledger) -> None:
    """Whoever's news it is."""
    happens = lambda: ledger.events.append("link_opened", NOW, customer="cus_2")  # noqa: E731
    assert "event: changed" in followed(operator, app, "/live", happens)


def test_a_connection_ends_with_its_session(operator: TestClient, app: FastAPI, ledger: Ledger) -> None:
    """Somebody whose session was ended hears so, and nothing more; waiting for news was no use of it."""
    (session,) = ledger.console.sessions(NOW)
    told = followed(
        operator, app, "/live", lambda: ledger.console.revoke_session(session.id, NOW), until_over=True
    )
    assert told.rstrip().endswith("event: over\ndata: the session has ended")


def test_a_page_is_told_again(
    operator: TestClient, app: FastAPI, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was told is told once more a little later: Temporal's index, which lists ask, hears of it after the ledger."""
    monkeypatch.setattr(live, "AND_AGAIN_AFTER", 0.1)
    happens = lambda: ledger.events.append("link_opened", NOW, customer="cus_2")  # noqa: E731
    assert followed(operator, app, "/live", happens).count("event: changed") == 2


QUICK = {"console": ConsoleSettings(public_url=ADDRESS, refresh_seconds=1)}
STILL = {"console": ConsoleSettings(public_url=ADDRESS, refresh_seconds=0)}


@pytest.mark.parametrize("more", [STILL])
@pytest.mark.parametrize("page", ["/", "/cases", "/cases/in_1"])
def test_pages_may_stand_still(operator: TestClient, book: Book, page: str) -> None:
    """Where operators want it so no page asks for news."""
    book.case()
    assert "data-live" not in operator.get(page).text


@pytest.mark.parametrize("page", ["/", "/cases", "/cases/in_1"])
def test_pages_are_live(operator: TestClient, book: Book, page: str) -> None:
    """The overview, the list and a case wait for news, and none asks for itself every so many seconds."""
    book.case()
    shown = operator.get(page).text
    assert 'data-live="/live' in shown
    assert 'hx-trigger="every' not in shown
    assert re.search(r'hx-select-oob="[^"]*#waiting"', shown), "the count of the queue in the bar, too"
    assert 'id="waiting"' in shown


@pytest.mark.parametrize("more", [QUICK])
def test_waiting_is_no_use(operator: TestClient, app: FastAPI, ledger: Ledger, clock: Any) -> None:
    """A page that waits for news keeps no session alive, and what only time changes is seen after a while."""
    before = ledger.console.sessions(NOW)[0].seen_at
    clock.move(minutes=5)
    told = followed(operator, app, "/live", lambda: time.sleep(1.2))
    assert "event: changed" in told
    assert ledger.console.sessions(clock.now())[0].seen_at == before


def test_there_is_nothing_to_follow(operator: TestClient) -> None:
    """Of a case that does not exist, and for who only asks whether there is an answer."""
    assert operator.get("/live?case=in_404").status_code == 404
    assert operator.head("/live").status_code == 204
