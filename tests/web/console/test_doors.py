"""Who may use which route, and what a form has to prove."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from recoup.ledger import Ledger, Result, Role
from recoup.web.console.doors import Open
from recoup.web.pages import SCRIPTED
from tests.house._tree import ROOT
from tests.web.conftest import Book
from tests.web.console.conftest import LogIn
from tests.web.console.desk import FakeCases, token_in

EXPECTED: dict[tuple[str, str], Role | Open] = {
    ("GET", "/"): Role.VIEWER,
    ("GET", "/login"): Open.ANYBODY,
    ("POST", "/login"): Open.ANYBODY,
    ("GET", "/login/oidc"): Open.ANYBODY,
    ("GET", "/login/oidc/callback"): Open.ANYBODY,
    ("GET", "/logout/oidc"): Open.ANYBODY,
    ("POST", "/logout"): Role.VIEWER,
    ("GET", "/account"): Role.VIEWER,
    ("GET", "/live"): Role.VIEWER,
    ("GET", "/deliverability"): Role.VIEWER,
    ("GET", "/figures"): Role.VIEWER,
    ("GET", "/figures.csv"): Role.VIEWER,
    ("GET", "/integrations"): Role.VIEWER,
    ("POST", "/integrations/{destination}/replay"): Role.ADMIN,
    ("GET", "/policy"): Role.VIEWER,
    ("GET", "/log"): Role.ADMIN,
    ("GET", "/log.csv"): Role.ADMIN,
    ("GET", "/deliverability.csv"): Role.VIEWER,
    ("GET", "/integrations/{destination}/parked.csv"): Role.VIEWER,
    ("GET", "/policy.csv"): Role.VIEWER,
    ("GET", "/tokens"): Role.ADMIN,
    ("POST", "/tokens"): Role.ADMIN,
    ("POST", "/tokens/revoke"): Role.ADMIN,
    ("GET", "/openapi"): Role.VIEWER,
    ("GET", "/api/v1/openapi.json"): Role.VIEWER,
    ("GET", "/api/v1/overview"): Role.VIEWER,
    ("GET", "/api/v1/deliverability"): Role.VIEWER,
    ("GET", "/api/v1/integrations"): Role.VIEWER,
    ("GET", "/api/v1/policy"): Role.VIEWER,
    ("GET", "/api/v1/excluded"): Role.VIEWER,
    ("GET", "/api/v1/log"): Role.ADMIN,
    ("GET", "/api/v1/cases"): Role.VIEWER,
    ("GET", "/api/v1/figures"): Role.VIEWER,
    ("GET", "/api/v1/cases/{case}"): Role.VIEWER,
    ("POST", "/api/v1/cases/{case}/{act}"): Role.OPERATOR,
    ("POST", "/account/password"): Role.VIEWER,
    ("POST", "/account/sessions"): Role.VIEWER,
    ("GET", "/cases"): Role.VIEWER,
    ("GET", "/cases.csv"): Role.VIEWER,
    ("GET", "/cases/{case}"): Role.VIEWER,
    ("GET", "/cases/{case}/mail/{mail}"): Role.VIEWER,
    ("GET", "/cases/{case}/do/{act}"): Role.OPERATOR,
    ("POST", "/cases/{case}/do/{act}"): Role.OPERATOR,
    ("GET", "/cases/{case}/link"): Role.OPERATOR,
    ("POST", "/cases/{case}/link"): Role.OPERATOR,
    ("POST", "/cases/{case}/link/revoke"): Role.OPERATOR,
    ("GET", "/cases/{case}/take-back"): Role.OPERATOR,
    ("POST", "/cases/{case}/take-back"): Role.OPERATOR,
    ("POST", "/api/v1/cases/{case}/take-back"): Role.OPERATOR,
    ("GET", "/excluded"): Role.VIEWER,
    ("GET", "/excluded.csv"): Role.VIEWER,
    ("GET", "/excluded/{customer}"): Role.OPERATOR,
    ("POST", "/excluded/{customer}"): Role.OPERATOR,
    ("POST", "/api/v1/customers/{customer}/exclude"): Role.OPERATOR,
    ("POST", "/api/v1/customers/{customer}/take-back"): Role.OPERATOR,
}
"""Every route, with whom it is for: a route that is not here fails the test below."""


def every(routes: Iterable[Any]) -> Iterator[Any]:
    """Every route, those of routers in routers too."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        yield from every(inner.routes) if inner is not None else (route,)


def routes(app: FastAPI) -> dict[tuple[str, str], Any]:
    """What the app itself says."""
    return {
        (method, route.path): getattr(route.endpoint, "needs", None)
        for route in every(app.routes)
        if isinstance(route, APIRoute)
        for method in (route.methods or set()) - {"HEAD"}
    }


def address(path: str) -> str:
    """A path with something in its places."""
    return path.format(
        case="in_1", act="note", mail="0" * 40, session="x", name="x", destination="x", customer="cus_9"
    )


def test_every_route_is_classified(app: FastAPI) -> None:
    """Nothing is served but what the table above knows, to whom it says, and the assets."""
    assert routes(app) == EXPECTED
    others = {getattr(route, "path", None) for route in every(app.routes) if not isinstance(route, APIRoute)}
    assert others == {"/assets"}


@pytest.mark.parametrize("who", ["nobody", *Role])
def test_every_route_for_every_role(
    app: FastAPI, as_: LogIn, anybody: TestClient, book: Book, cases: FakeCases, who: str
) -> None:
    """Whoever may not is turned away from each route, before anything is done; whoever may gets through its door."""
    book.case()
    role = None if who == "nobody" else Role(who)
    for (method, path), needs in sorted(EXPECTED.items()):
        client = as_(who) if role else anybody
        token = token_in(client.get("/account")) if role else "no token"
        data = {"token": token, "reason": "the test", "step": "do"}
        answer = client.get(address(path)) if method == "GET" else client.post(address(path), data=data)
        place = f"{method} {path} as {who}"
        if isinstance(needs, Open):
            assert answer.status_code in ((200, 303) if method == "GET" else (303, 401, 403)), place
        elif role is None:
            assert answer.status_code == (401 if path.startswith("/api/") else 303), place
            assert answer.headers.get("location", "/login").startswith("/login"), place
            assert "cus_1" not in answer.text, place
        elif not role.covers(needs):
            assert answer.status_code == 403, place
        else:
            assert answer.status_code not in (401, 403), place
            assert answer.headers.get("location") != "/login" or path in ("/logout", "/account/password"), (
                place
            )
    assert bool(cases.told) == (role is not None and role.covers(Role.OPERATOR))


def test_what_a_viewer_tried_is_in_the_log(as_: LogIn, book: Book, ledger: Ledger, cases: FakeCases) -> None:
    """An act by somebody who may not is refused, not done, and written down."""
    book.case()
    viewer = as_("viewer")
    token = token_in(viewer.get("/account"))
    answer = viewer.post("/cases/in_1/do/note", data={"token": token, "reason": "x", "step": "do"})
    assert answer.status_code == 403
    assert cases.told == {}
    last = ledger.console.logged(limit=1)[0]
    assert (last.actor, last.action, last.result) == ("viewer", "refused", Result.REFUSED)


@pytest.mark.parametrize("token", ["", "0" * 64, None])
def test_a_form_without_its_token_does_nothing(
    operator: TestClient, book: Book, cases: FakeCases, token: str | None
) -> None:
    """A form that another site could have written is refused."""
    book.case()
    data = {"reason": "the test", "step": "do"} | ({"token": token} if token is not None else {})
    assert operator.post("/cases/in_1/do/note", data=data).status_code == 403
    assert cases.told == {}


def test_a_form_of_another_session_does_nothing(as_: LogIn, book: Book, cases: FakeCases) -> None:
    """A token is good for the session that its page was made for, and for no other of the same account."""
    book.case()
    one, other = as_("operator"), as_("operator")
    data = {"token": token_in(one.get("/account")), "reason": "the test", "step": "do"}
    assert other.post("/cases/in_1/do/note", data=data).status_code == 403
    assert cases.told == {}
    assert one.post("/cases/in_1/do/note", data=data).status_code == 303


def test_a_form_from_another_site_does_nothing(operator: TestClient, book: Book, cases: FakeCases) -> None:
    """Even with its token: browsers say where a form comes from."""
    book.case()
    data = {"token": token_in(operator.get("/account")), "reason": "the test", "step": "do"}
    answer = operator.post("/cases/in_1/do/note", data=data, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert cases.told == {}


def test_a_form_too_large_does_nothing(operator: TestClient, book: Book, cases: FakeCases) -> None:
    """Nobody fills the memory with a form."""
    book.case()
    data = {"token": token_in(operator.get("/account")), "reason": "x" * 30_000, "step": "do"}
    assert operator.post("/cases/in_1/do/note", data=data).status_code == 403
    assert cases.told == {}


def test_every_answer_has_its_headers(anybody: TestClient, operator: TestClient, book: Book) -> None:
    """No page, no refusal and no asset can be framed, sniffed, indexed or told about; pages run our scripts alone."""
    book.case()
    for client, path in (
        (operator, "/cases"),
        (operator, "/cases/in_1"),
        (anybody, "/login"),
        (anybody, "/x"),
    ):
        headers = client.get(path).headers
        assert headers["content-security-policy"] == SCRIPTED
        assert "unsafe" not in SCRIPTED
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["strict-transport-security"].startswith("max-age=")
    assert "frame-ancestors 'none'" in operator.get("/assets/console.css").headers["content-security-policy"]


def test_another_host_is_not_answered(anybody: TestClient) -> None:
    """A name that somebody makes lead here gets nothing."""
    assert anybody.get("/login", headers={"Host": "evil.example"}).status_code == 400


def test_every_route_is_documented() -> None:
    """docs/console.md says of each route whom it is for."""
    text = (ROOT / "docs" / "console.md").read_text(encoding="utf-8")
    table = text.split("## Routes")[1].split("\n## ")[0]
    told = {
        (method, path): needs.strip()
        for line in table.splitlines()
        if line.startswith("| `")
        for routes, needs in [line.strip("| ").split(" | ")]
        for method, path in re.findall(r"`([A-Z]+) (/[^`]*)`", routes)
    }
    assert told == {route: needs.value for route, needs in EXPECTED.items()}


def test_what_is_shipped_is_what_was_fetched() -> None:
    """The vendored files are those of their checksums, each with its licence."""
    for folder in (ROOT / "recoup/web/assets/vendor", ROOT / "tests/web/console/vendor"):
        sums = dict(line.split()[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
        files = {path.name for path in folder.iterdir()} - {"SHA256SUMS"}
        assert set(sums) == files
        assert any("LICENSE" in name for name in files)
        for name, digest in sums.items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
