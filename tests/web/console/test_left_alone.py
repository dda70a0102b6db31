"""Customers who are left alone without a case of theirs being open: excluded by their id, listed, and taken back."""

from __future__ import annotations

import csv
import io

import pytest
from fastapi.testclient import TestClient

from recoup.ledger import Ledger, Result
from tests.web.conftest import Book
from tests.web.console.conftest import LogIn
from tests.web.console.desk import FakeCases, FakeCustomers, token_in, words_of
from tests.web.doubles import NOW


def exclude(client: TestClient, customer: str = "cus_9", **fields: str) -> int:
    """Send the form of the customer's page; the status."""
    token = token_in(client.get("/account"))
    data = {"token": token, "reason": "a friend", "word": "exclude", **fields}
    status: int = client.post(f"/excluded/{customer}", data=data).status_code
    return status


def test_a_customer_without_a_case(operator: TestClient, ledger: Ledger, cases: FakeCases) -> None:
    """By their id: first who they are, then the word with its reason; it stands in the ledger and in the log, and is taken back."""
    assert operator.get("/excluded?customer=cus_9").headers["location"] == "/excluded/cus_9"
    said = words_of(operator.get("/excluded/cus_9"))
    assert "Anna · anna@acme.example · cus_9" in said
    assert "They have no open case." in said
    assert exclude(operator, reason=" ") == 400
    assert ledger.exclusions.of("cus_9") is None
    assert exclude(operator) == 303
    row = ledger.exclusions.of("cus_9")
    assert row is not None
    assert (row.actor, row.because) == ("operator", "a friend")
    assert cases.signals == []
    assert "operator excluded the customer: a friend" in words_of(operator.get("/excluded/cus_9"))
    assert exclude(operator, word="take_back", reason="a mistake") == 303
    assert ledger.exclusions.of("cus_9") is None
    logged = [(row.actor, row.action, row.subject, row.reason) for row in ledger.console.logged(limit=2)]
    assert logged == [
        ("operator", "customer.take_back", "cus_9", "a mistake"),
        ("operator", "customer.exclude", "cus_9", "a friend"),
    ]


def test_their_open_cases_end(operator: TestClient, book: Book, ledger: Ledger, cases: FakeCases) -> None:
    """The page names them, and each is told as another case of the customer's would have it told."""
    book.case()
    assert "Open cases, which end: AC-1" in words_of(operator.get("/excluded/cus_1")).replace("in_1", "AC-1")
    assert exclude(operator, "cus_1") == 303
    ((case, signal, news),) = cases.signals
    assert (case, signal, news.operator, news.because) == (
        "in_1",
        "customer_excluded",
        "operator",
        "a friend",
    )
    assert ledger.console.logged(limit=1)[0].data == {"cases": 1}


def test_a_case_that_cannot_be_told(
    operator: TestClient, book: Book, ledger: Ledger, cases: FakeCases
) -> None:
    """The exclusion holds at once; the page says that a case has not heard, and the same form again tells it."""
    book.case()
    cases.away = True
    assert exclude(operator, "cus_1", request="r") == 503
    assert ledger.exclusions.of("cus_1") is not None
    assert ledger.console.logged(limit=1)[0].result is Result.FAILED
    cases.away = False
    assert exclude(operator, "cus_1", request="r") == 303
    assert [signal for _, signal, _ in cases.signals] == ["customer_excluded"]


def test_a_mistyped_id(operator: TestClient, ledger: Ledger, customers: FakeCustomers) -> None:
    """Whom Stripe does not have nobody excludes; who they are while Stripe is away is said to be unknown, and they can be."""
    customers.unknown = True
    page = operator.get("/excluded/cus_404")
    assert "Stripe has no customer cus_404" in words_of(page)
    assert "<textarea" not in page.text
    assert exclude(operator, "cus_404") == 400
    assert ledger.exclusions.standing() == []
    assert operator.get("/excluded/cus%20x").status_code == 404
    assert "no customer's id" in words_of(operator.get("/excluded?customer=in x"))
    customers.unknown, customers.away = False, True
    assert exclude(operator, "cus_9") == 303


@pytest.mark.parametrize("who", ["viewer", "operator"])
def test_the_list(as_: LogIn, ledger: Ledger, who: str) -> None:
    """Sorted by each column both ways, page by page, searched, and as a file that no spreadsheet takes for formulas."""
    for number in range(60):
        said = {"actor": "kim", "because": f"=reason {number:02d}", "unique": str(number)}
        ledger.exclusions.exclude(f"cus_{number:02d}", NOW, **said)
    client = as_(who)
    first = client.get("/excluded?sort=customer")
    assert ("cus_00" in first.text, "cus_49" in first.text, "cus_50" in first.text) == (True, True, False)
    assert 'aria-sort="ascending"' in first.text
    assert 'href="/excluded?sort=-customer"' in first.text
    assert ('href="/excluded/cus_00"' in first.text) == (who == "operator")
    second = client.get("/excluded?sort=customer&page=2")
    assert ("cus_49" in second.text, "cus_50" in second.text) == (False, True)
    down = client.get("/excluded?sort=-customer")
    assert ("cus_59" in down.text, "cus_09" in down.text) == (True, False)
    found = client.get("/excluded?q=reason+07&sort=nonsense&page=99")
    assert ("cus_07" in found.text, "cus_08" in found.text) == (True, False)
    rows = list(csv.DictReader(io.StringIO(client.get("/excluded.csv?q=cus_0").text)))
    assert sorted(row["customer"] for row in rows) == [f"cus_{number:02d}" for number in range(10)]
    assert {row["why"][:2] for row in rows} == {"'="}
