"""The list of cases: what an address shows, what a page leads to, and what a spreadsheet gets."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from recoup.ledger import Ledger, Sort, Tab
from recoup.rules.case import Outcome, Stage
from recoup.web.console import listing, tables
from recoup.web.console.asked_for import asked_for
from tests.web.conftest import Book
from tests.web.console.desk import words_of
from tests.web.doubles import NOW


def rows(page: str) -> list[str]:
    """The cases that a page lists, in order."""
    return [
        part.split('"', 1)[0] for part in page.split('href="/cases/')[1:] if "?" not in part.split('"', 1)[0]
    ]


def test_tabs_count_and_list(operator: TestClient, book: Book, ledger: Ledger) -> None:
    """Each tab says how many cases it has, and lists them alone."""
    for case in ("in_1", "in_2", "in_3"):
        book.case(case, customer=f"cus_of_{case}")
    ledger.cases.note("in_1", Stage.PERSON, NOW, next_kind="person", next_because="somebody must look")
    book.end("in_3", Outcome.LOST_SUSPENDED)
    page = operator.get("/cases")
    assert rows(page.text) == ["in_1"]
    assert "somebody must look" in page.text
    said = words_of(page)
    assert "Needs a person 1" in said
    assert "Active 1" in said
    assert "Lost 1" in said
    assert rows(operator.get("/cases?tab=lost").text) == ["in_3"]
    assert rows(operator.get("/cases?tab=all&q=cus_of_in_2").text) == ["in_2"]


def test_every_case_is_on_one_page(operator: TestClient, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """Going on by the links, and back by the links, misses none and repeats none; the filters stay."""
    monkeypatch.setattr(listing, "PAGE", 2)
    for n in range(5):
        book.case(f"in_{n}", failed_at=NOW - timedelta(hours=n))
    address, seen, pages = "/cases?tab=active&currency=pln&sort=newest", [], []
    while True:
        page = operator.get(address)
        pages.append(page)
        seen.append(rows(page.text))
        if 'rel="next"' not in page.text:
            break
        address = _link(page.text, "next")
        assert "currency=pln" in address
    assert seen == [["in_0", "in_1"], ["in_2", "in_3"], ["in_4"]]
    back = operator.get(_link(pages[2].text, "prev"))
    assert rows(back.text) == seen[1]
    first = operator.get(_link(back.text, "prev"))
    assert rows(first.text) == seen[0]
    assert 'rel="prev"' not in first.text


def _link(page: str, rel: str) -> str:
    before = page.split(f'" rel="{rel}"', maxsplit=1)[0]
    return before.rsplit('href="', 1)[1].replace("&amp;", "&")


def test_what_cannot_be_read_is_named() -> None:
    """A filter that makes no sense is left out and named; nothing of an address is an error."""
    query = {
        "tab": "nonsense", "sort": "sideways", "from": "yesterday", "to": "9999-12-31", "least": "a lot",
        "priority": "-1", "class": "odd", "currency": "PLN", "most": "1e99", "back": "%%%", "q": "x" * 500,
    }  # fmt: skip
    asked = asked_for(query, "Europe/Warsaw")
    assert (asked.tab, asked.sort, asked.pages) == (Tab.PERSON, Sort.PRIORITY, ())
    assert set(asked.wrong) == {"from", "to", "least", "priority", "class", "most"}
    assert asked.wanted.currency == "pln"
    assert len(asked.given["q"]) == 100


def test_days_are_those_of_the_company() -> None:
    """A day begins and ends at midnight of the company's zone, and the last day counts whole; amounts are whole units."""
    asked = asked_for(
        {"from": "2026-11-02", "to": "2026-11-02", "least": "12,50", "currency": "jpy"}, "Europe/Warsaw"
    )
    assert asked.wrong == ("least",), "there is no half yen"
    assert str(asked.wanted.failed_from) == "2026-11-02 00:00:00+01:00"
    assert str(asked.wanted.failed_before) == "2026-11-03 00:00:00+01:00"
    assert asked_for({"least": "12,50"}, "UTC").wanted.least == 1250


def test_the_file_is_whole_and_harmless(operator: TestClient, book: Book, ledger: Ledger) -> None:
    """Every case of the filter, amounts with a point, no cell that a spreadsheet would run; and the log knows of it."""
    book.case("in_1", number="=HYPERLINK(1)")
    book.case("in_2", campaign="@sum", currency="jpy", amount=500)
    book.end("in_2", Outcome.CLOSED_VOIDED)
    ledger.people.assign("in_1", "+kim", NOW, actor="x", because="y", unique="z")
    answer = operator.get("/cases.csv?tab=all&sort=oldest")
    assert "attachment" in answer.headers["content-disposition"]
    first, second = csv.DictReader(io.StringIO(answer.text))
    assert (first["number"], first["owner"]) == ("'=HYPERLINK(1)", "'+kim")
    assert (first["amount"], first["currency"], first["case"]) == ("1234.50", "pln", "in_1")
    assert (second["campaign"], second["amount"], second["outcome"]) == ("'@sum", "500", "closed_voided")
    last = ledger.console.logged(limit=1)[0]
    assert (last.actor, last.action, last.data) == ("operator", "cases.export", {"tab": "all"})


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1"])
def test_formulas_are_disarmed(text: str) -> None:
    """Whatever a spreadsheet takes for the beginning of a formula is made a text."""
    assert tables.harmless(text) == f"'{text}"
    assert tables.harmless(f"a{text}") == f"a{text}"


def test_what_is_stored_is_text(operator: TestClient, book: Book) -> None:
    """Nothing in the ledger and nothing in an address becomes part of a page."""
    evil = "<script>alert(1)</script>"
    book.case("in_1", number=evil, customer='cus_"><img src=x onerror=alert(1)>', campaign="<b>")
    page = operator.get("/cases", params={"tab": "all", "owner": '"><script>x</script>'})
    assert "<script>alert" not in page.text
    assert "<script>x" not in page.text
    page = operator.get("/cases?tab=all")
    assert "<script>alert" not in page.text
    assert "<img src=x" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
