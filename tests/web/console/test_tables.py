"""Tables that are sorted, paged and exported by their address alone."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from recoup.ledger import Ledger, NewLog, NewStop
from recoup.rules.channels import Channel, StopReason
from recoup.web.console import logged, tables
from recoup.web.console.tables import Column, sheet
from tests.web.conftest import Book
from tests.web.console.conftest import LogIn
from tests.web.doubles import NOW

NAMES: tuple[Column[str | None], ...] = (Column("name", lambda row: row),)


def read(client: TestClient, address: str) -> list[dict[str, str]]:
    """A file's rows."""
    answer = client.get(address)
    assert answer.headers["content-type"].startswith("text/csv"), address
    assert "attachment" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.text)))


def stop(ledger: Ledger, count: int) -> None:
    """Customers whose mail is stopped, each an hour later."""
    for number in range(count):
        customer = f"cus_{number:03d}"
        new = NewStop(channel=Channel.EMAIL, subject=customer, customer=customer, reason=StopReason.BOUNCED, detail=f"=code {number}")  # fmt: skip
        ledger.channels.stop(new, NOW + timedelta(hours=number))


@pytest.mark.parametrize(("asked", "shown"), [("name", ["a", "B", "c", None]), ("-name", [None, "c", "B", "a"]), ("other", ["a", "B", "c", None])])  # fmt: skip
def test_rows_are_sorted(asked: str, shown: list[str | None]) -> None:
    """By a column, either way, without regard to large letters; what is unknown comes last, and an order that there is not is the first one."""
    rows: list[str | None] = ["c", None, "a", "B"]
    assert sheet(rows, NAMES, {"sort": asked}, "/x", first="name").rows == shown


def test_pages_and_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row is on one page; whatever number is asked for leads to a page that there is, and links keep what the page was asked."""
    monkeypatch.setattr(tables, "PAGE", 2)
    rows: list[str | None] = ["a", "b", "c", "d", "e"]
    query = {"q": "x y", "page": "2", "sort": "-name", "token": "secret"}
    shown = sheet(rows, NAMES, query, "/x", first="name", filters=("q",))
    assert (shown.rows, shown.page, shown.pages, shown.count) == (["c", "b"], 2, 3, 5)
    assert shown.turned(1) == "/x?q=x+y&sort=-name&page=3"
    assert shown.turned(-1) == "/x?q=x+y&sort=-name"
    assert shown.by("name") == "/x?q=x+y&sort=name"
    for page, expected in (("0", 1), ("99", 3), ("-1", 1), ("x", 1), ("9" * 30, 1)):
        assert sheet(rows, NAMES, {"page": page}, "/x", first="name").page == expected
    assert shown.turned(2) is None


def test_stopped_channels(operator: TestClient, ledger: Ledger) -> None:
    """More than a page of them, the newest first or by any column, searched, and whole as a file that no spreadsheet runs."""
    stop(ledger, 60)
    first = operator.get("/deliverability").text
    assert ("cus_059" in first, "cus_009" in first) == (True, False)
    assert 'aria-sort="descending"' in first
    assert "cus_009" in operator.get("/deliverability?sort=customer").text
    assert "cus_059" in operator.get("/deliverability?sort=customer&page=2").text
    found = operator.get("/deliverability?q=cus_007&days=7").text
    assert ("cus_007" in found, "cus_008" in found) == (True, False)
    rows = read(operator, "/deliverability.csv")
    assert len(rows) == 60
    assert {row["detail"][:2] for row in rows} == {"'="}
    assert ledger.console.logged(limit=1)[0].action == "stops.export"


def test_the_log_from_either_end(as_: LogIn, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Following the links gives every entry once, the newest or the oldest first; the file has them all, of the same choice."""
    monkeypatch.setattr(logged, "PAGE", 3)
    monkeypatch.setattr(logged, "CHUNK", 2)
    for number in range(7):
        ledger.console.log(NewLog(actor="kim", action="note", reason=f"+{number}"), NOW)
    ledger.console.log(NewLog(actor="ann", action="note", reason="other"), NOW)
    admin = as_("admin")
    for sort, expected in (("", "6543210"), ("oldest", "0123456")):
        address, seen = f"/log?actor=kim&sort={sort}", ""
        while address:
            text = admin.get(address).text
            seen += "".join(re.findall(r'data-label="Why">\+(\d)<', text))
            further = re.search(r'rel="next" href="([^"]+)"', text)
            address = further[1].replace("&amp;", "&") if further else ""
        assert seen == expected
    rows = read(admin, "/log.csv?actor=kim&sort=oldest")
    assert [row["why"] for row in rows] == [f"'+{number}" for number in range(7)]
    assert ledger.console.logged(limit=1)[0].action == "log.export"


def test_versions_of_running_cases(operator: TestClient, book: Book) -> None:
    """How many cases go on by which version, sorted by their number, and as a file."""
    for number in range(3):
        book.case(f"in_{number}", policy_version="v1" if number else "v2")
    text = operator.get("/policy?sort=-cases").text
    assert text.index("<code>v1</code>") < text.index("<code>v2</code>")
    rows = [(row["version"], row["cases"]) for row in read(operator, "/policy.csv")]
    assert sorted(rows) == [("v1", "2"), ("v2", "1")]
