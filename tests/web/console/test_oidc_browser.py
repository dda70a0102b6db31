"""Logging in through an identity provider in a real browser: its rules about cookies and forms, and how the page looks."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, expect

from recoup.ledger import Ledger
from recoup.settings import ConsoleSettings
from tests.web.console.desk import PASSWORD
from tests.web.console.identity import CLIENT, Identity, idp, server
from tests.web.console.living import serious_faults
from tests.web.test_browser import browser, picture

__all__ = ["browser", "idp", "server"]

pytestmark = pytest.mark.browser


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Where the console listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def address(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def more(idp: Identity, address: str) -> dict[str, Any]:
    """A console that trusts a provider of another site: to browsers ``localhost`` is another one than ``127.0.0.1``."""
    idp.address = idp.address.replace("127.0.0.1", "localhost")
    idp.asks = True
    return {"console": ConsoleSettings(public_url=address, oidc=idp.settings(name="Acme SSO"))}


@pytest.fixture
def console(app: FastAPI, listener: socket.socket, address: str) -> Iterator[str]:
    """The console, served."""
    serving = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
    thread = threading.Thread(target=lambda: serving.run(sockets=[listener]))
    thread.start()
    yield address
    serving.should_exit = True
    thread.join()


def test_in_a_browser(console: str, browser: Browser, idp: Identity, ledger: Ledger) -> None:
    """Without JavaScript, from a page that one may not see yet to the provider of another site and back to that page; then out again."""
    idp.ends_sessions()
    context = browser.new_context(base_url=console, locale="en-GB", java_script_enabled=False)
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda told: complaints.append(told.text))
    page.goto("/account")
    page.get_by_role("link", name="Log in with Acme SSO").click()
    page.get_by_role("button", name="Be Kim").click()
    page.wait_for_url(f"{console}/account")
    expect(page.get_by_role("heading", level=1)).to_contain_text("kim.nowak-")
    picture(page, "oidc-account")
    assert {cookie["name"] for cookie in context.cookies()} >= {"recoup_console"}
    assert "recoup_oidc" not in {cookie["name"] for cookie in context.cookies()}
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{console}/login?out=here")
    picture(page, "oidc-out")
    page.get_by_role("link", name="Log out of Acme SSO, too").click()
    page.wait_for_url(f"{console}/login?out=there")
    assert [each["client_id"] for each in idp.ended] == [CLIENT]
    page.get_by_label("Name").fill("operator")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url(f"{console}/")
    assert [row.action for row in ledger.console.logged()] == ["login", "logout", "login", "user.add"]
    assert [each for each in complaints if "Content Security Policy" in each] == []
    context.close()


@pytest.mark.parametrize(
    ("width", "scheme", "locale"), [pytest.param(1280, "light", "en-GB", marks=pytest.mark.slow), pytest.param(1280, "dark", "pl-PL", marks=pytest.mark.slow), (320, "dark", "pl-PL")]
)  # fmt: skip
def test_how_it_looks(console: str, browser: Browser, width: int, scheme: str, locale: str) -> None:
    """No serious fault that axe-core knows, nothing that is too wide, nothing against the page's own policy."""
    size = {"width": width, "height": 760}
    context = browser.new_context(base_url=console, viewport=size, color_scheme=scheme, locale=locale)  # type: ignore[arg-type]
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda told: complaints.append(told.text))
    for path in ("/login", "/login?problem=answer", "/login?out=here"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        picture(page, f"oidc-{path.partition('=')[2] or 'login'}-{width}-{scheme}")
        assert serious_faults(page) == []
    assert complaints == []
    context.close()
