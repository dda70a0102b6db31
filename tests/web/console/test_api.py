"""The console for programs: tokens, the same cases, the same acts, and a description that is true."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from recoup.ledger import Ledger, NewLog, NewStop, Result
from recoup.rules.channels import Channel, StopReason
from recoup.web.console import api
from tests.web.conftest import Book
from tests.web.console.conftest import LogIn
from tests.web.console.desk import ADDRESS, FakeCases, token_in, words_of
from tests.web.console.test_doors import EXPECTED
from tests.web.doubles import NOW, StandingClock


@pytest.fixture
def program(app: FastAPI, as_: LogIn) -> TestClient:
    """A program with a token of the operator's account."""
    admin = as_("admin")
    fields = {"token": token_in(admin.get("/tokens")), "user": "operator", "label": "billing", "days": "30"}
    shown = re.search(r'value="(rcp_[^"]+)"', admin.post("/tokens", data=fields).text)
    assert shown is not None
    client = TestClient(app, base_url=ADDRESS, follow_redirects=False)
    client.headers["Authorization"] = f"Bearer {shown[1]}"
    return client


def described(program: TestClient, path: str, method: str = "get") -> dict[str, Any]:
    """What the description says of an answer."""
    whole = program.get("/api/v1/openapi.json").json()
    schema = whole["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
    return {**schema, "components": whole["components"]}


def test_the_description_is_true(program: TestClient, book: Book) -> None:
    """It has every route of the API and no other, and what is answered is what it says."""
    book.case()
    whole = program.get("/api/v1/openapi.json").json()
    paths = {(method.upper(), path) for path, methods in whole["paths"].items() for method in methods}
    assert paths == {route for route in EXPECTED if route[1].startswith("/api/")}
    jsonschema.validate(program.get("/api/v1/cases").json(), described(program, "/api/v1/cases"))
    jsonschema.validate(program.get("/api/v1/cases/in_1").json(), described(program, "/api/v1/cases/{case}"))
    jsonschema.validate(program.get("/api/v1/figures").json(), described(program, "/api/v1/figures"))
    for word in ("exclude", "take-back"):
        path = f"/api/v1/customers/{{customer}}/{word}"
        answer = program.post(path.format(customer="cus_9"), json={"reason": "x"}).json()
        assert answer == {"customer": "cus_9", "changed": True}
        jsonschema.validate(answer, described(program, path, "post"))
    answer = program.post("/api/v1/cases/in_1/note", json={"reason": "x"}).json()
    jsonschema.validate(answer, described(program, "/api/v1/cases/{case}/{act}", "post"))


def test_the_pages_about_the_system(as_: LogIn, book: Book, ledger: Ledger) -> None:
    """What they show, as the description says it; nothing that tells an address, and the log for admins alone, page by page."""
    book.case()
    stop = NewStop(channel=Channel.EMAIL, subject="address/abc", customer="cus_1", reason=StopReason.BOUNCED)
    ledger.channels.stop(stop, NOW)
    ledger.exclusions.exclude("cus_9", NOW, actor="kim", because="a friend", unique="x")
    admin = as_("admin")
    for name in ("overview", "deliverability", "integrations", "policy", "excluded", "log"):
        told = admin.get(f"/api/v1/{name}").json()
        jsonschema.validate(told, described(admin, f"/api/v1/{name}"))
    assert admin.get("/api/v1/overview").json()["counts"]["active"] == 1
    (row,) = admin.get("/api/v1/deliverability?days=7").json()["stopped"]
    assert (row["customer"], row["why"]) == ("cus_1", "bounced")
    assert "address/abc" not in str(row)
    (row,) = admin.get("/api/v1/excluded").json()["excluded"]
    assert (row["customer"], row["why"]) == ("cus_9", "a friend")
    assert admin.get("/api/v1/policy").json()["versions"][0]["cases"] == 1
    for number in range(150):
        ledger.console.log(NewLog(actor="kim", action=f"a{number}"), NOW)
    first = admin.get("/api/v1/log").json()
    second = admin.get(f"/api/v1/log?before={first['next']}").json()
    assert [len(page["entries"]) for page in (first, second)] == [100, 50]
    assert second["next"] is None
    assert admin.get("/api/v1/log?before=x").status_code == 400


def test_the_description_to_be_read(operator: TestClient) -> None:
    """The page names each address of the description with its method, what it takes, what of that is needed, and its answers."""
    text = operator.get("/openapi").text
    paths = operator.get("/api/v1/openapi.json").json()["paths"]
    for path, methods in paths.items():
        for method in methods:
            assert f"<code>{method.upper()} {path}</code>" in text
    said = words_of(operator.get("/openapi"))
    assert "reason needed body string; letters at most: 500" in said
    assert "days query 30 | 90 | 365 | all; otherwise 90" in said
    assert "409 The case refuses" in said


def test_cases_page_by_page(program: TestClient, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """Following `next` gives every case of the filter once; a filter that makes no sense is an error."""
    monkeypatch.setattr(api, "PAGE", 2)
    for n in range(5):
        book.case(f"in_{n}", failed_at=NOW - timedelta(hours=n))
    address: str | None = "/api/v1/cases?sort=newest&currency=pln"
    seen: list[str] = []
    while address:
        page = program.get(address).json()
        seen += [case["id"] for case in page["cases"]]
        address = page["next"]
    assert seen == [f"in_{n}" for n in range(5)]
    assert program.get("/api/v1/figures?days=7").status_code == 400
    assert program.get("/api/v1/cases?from=soon").json() == {"error": "cannot be read: from"}


def test_one_case_without_its_person(program: TestClient, book: Book) -> None:
    """What it does next and why, and its timeline; no name, no address, no card."""
    book.case()
    answer = program.get("/api/v1/cases/in_1")
    data = answer.json()
    assert data["next"]["because"].startswith("the campaign tells the customer on day 0")
    assert {"case_opened", "suspend"} <= {entry["kind"] for entry in data["timeline"]}
    assert not re.search("Anna|anna@|4242", answer.text)
    assert program.get("/api/v1/cases/in_404").status_code == 404


def test_a_word_is_said_once(program: TestClient, book: Book, cases: FakeCases, ledger: Ledger) -> None:
    """As the account, with its reason, in the log; the same request again is the same word."""
    book.case()
    word = {"reason": "the customer asked", "days": 3, "request": "erp-1"}
    for _ in range(2):
        assert program.post("/api/v1/cases/in_1/extend-grace", json=word).json()["next"]["because"]
    ((case, name, payload),) = cases.told.values()
    assert (case, name, payload.days, payload.operator) == ("in_1", "extend_grace", 3, "operator")
    row = ledger.console.logged(limit=1)[0]
    assert (row.actor, row.action, row.reason, row.result) == (
        "operator", "case.extend_grace", "the customer asked", Result.DONE,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("act", "body", "status"),
    [("note", {}, 400), ("pause-until", {"reason": "x", "until": "soon"}, 400), ("resume", {"reason": "x"}, 409),
     ("sing", {"reason": "x"}, 404), ("note", ["reason"], 400)],
)  # fmt: skip
def test_what_cannot_be_done(
    program: TestClient, book: Book, cases: FakeCases, act: str, body: Any, status: int
) -> None:
    """One sentence says why, and nothing is done."""
    book.case()
    answer = program.post(f"/api/v1/cases/in_1/{act}", json=body)
    assert (answer.status_code, list(cases.told)) == (status, [])
    assert answer.json()["error"]


def test_an_exclusion_is_taken_back(program: TestClient, book: Book, ledger: Ledger) -> None:
    """It says whether anything changed, and wants a reason."""
    book.case()
    ledger.exclusions.exclude("cus_1", NOW, actor="kim", because="a friend", unique="x")
    address = "/api/v1/cases/in_1/take-back"
    assert program.post(address, json={}).status_code == 400
    answers = [program.post(address, json={"reason": "a mistake"}).json() for _ in range(2)]
    assert answers == [{"customer": "cus_1", "changed": True}, {"customer": "cus_1", "changed": False}]
    assert [row.action for row in ledger.console.logged(case_id="in_1")] == ["case.take_back"]


def test_without_an_answer(program: TestClient, book: Book, cases: FakeCases) -> None:
    """Where Temporal does not answer the program learns under which request to say it again."""
    book.case()
    cases.away = True
    answer = program.post("/api/v1/cases/in_1/note", json={"reason": "x", "request": "erp-2"})
    assert answer.status_code == 503
    assert answer.json()["request"] == "console-erp-2"


def test_a_token_ends(
    program: TestClient, as_: LogIn, book: Book, clock: StandingClock, ledger: Ledger
) -> None:
    """Revoked, past its days, or with its account: it opens nothing; and it never opened a page that an admin has."""
    book.case()
    assert program.get("/log").status_code == 403
    admin = as_("admin")
    page = admin.get("/tokens")
    assert "billing" in page.text
    assert "rcp_" not in page.text, "a token is shown once"
    (token,) = [each for each in ledger.console.sessions(NOW) if each.label == "billing"]
    admin.post("/tokens/revoke", data={"token": token_in(page), "session": token.id})
    answer = program.get("/api/v1/cases")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_a_token_outlives_no_day(program: TestClient, clock: StandingClock) -> None:
    """It needs no use to live, and ends on its day."""
    clock.move(days=29)
    assert program.get("/api/v1/cases").status_code == 200
    clock.move(days=1)
    assert program.get("/api/v1/cases").status_code == 401


def test_a_token_is_no_cookie(program: TestClient, app: FastAPI) -> None:
    """What a program shows does not work as a browser's cookie, nor the other way round."""
    secret = program.headers["Authorization"].removeprefix("Bearer ")
    browser = TestClient(app, base_url=ADDRESS, follow_redirects=False)
    browser.cookies.set("__Host-recoup", secret)
    assert browser.get("/cases").status_code == 303


def test_a_browsers_session_cannot_be_ridden(operator: TestClient, book: Book, cases: FakeCases) -> None:
    """A JSON request with a browser's cookie and without its form's token does nothing."""
    book.case()
    assert operator.post("/api/v1/cases/in_1/note", json={"reason": "x"}).status_code == 403
    assert cases.told == {}
    assert operator.get("/api/v1/cases").status_code == 200


@pytest.mark.parametrize(
    "fields", [{"user": "nobody"}, {"label": " "}, {"days": "0"}, {"days": "366"}, {"days": "x"}]
)
def test_a_token_that_makes_no_sense(as_: LogIn, ledger: Ledger, fields: dict[str, str]) -> None:
    """It is not made."""
    admin = as_("admin")
    good = {"token": token_in(admin.get("/tokens")), "user": "operator", "label": "x", "days": "30"}
    assert admin.post("/tokens", data=good | fields).status_code == 400
    assert [each.label for each in ledger.console.sessions(NOW) if each.label] == []
