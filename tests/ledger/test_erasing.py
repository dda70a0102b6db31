"""Erasure: nothing in the ledger leads to the customer any more, and nothing else has changed."""

from __future__ import annotations

import json
import threading
from datetime import UTC
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from recoup import figures
from recoup.ledger import Ledger, StillOpen
from recoup.ledger._erasing import GONE_BESIDE, NOBODYS, TABLES
from recoup.ledger.schema import metadata
from recoup.rules.case import Outcome
from tests.figures.scene import END, play
from tests.ledger.builders import NOW, a_case, after, kinds

WHO = "cus_1"
WORDS = "Mrs Smith called about her husband"


def _everything(ledger: Ledger) -> dict[str, list[dict[str, Any]]]:
    with ledger._store.engine.connect() as connection:
        return {
            name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for name, table in metadata.tables.items()
        }


def _closed(ledger: Ledger, case_id: str = "in_1", customer: str = WHO) -> None:
    ledger.cases.open(a_case(case_id, customer=customer), NOW)
    ledger.cases.close(
        case_id, Outcome.CLOSED_STOPPED, f"an operator stopped the recovery: {WORDS}", after(days=3)
    )


def _fill(ledger: Ledger, customer: str) -> None:
    """A row of the customer's in every table that can have one, with the id in every text that may hold it."""
    with ledger._store.engine.begin() as connection:
        for table, how in TABLES.items():
            if table.name != "cases":
                named = {*(how.columns or {})}
                connection.execute(sa.insert(table).values(**_row(table, customer, named)))
        for table in GONE_BESIDE:
            values = _row(table, customer, set()) | {"subject": customer, "customer": customer}
            connection.execute(sa.insert(table).values(**values))


def _row(table: sa.Table, customer: str, named: set[str]) -> dict[str, Any]:
    values = {column.name: _value(column, customer, column.name in named) for column in table.columns}
    whose: dict[str, str] = {
        name: customer for name in ("customer", "object_id", "subject", "reference") if name in values
    }
    if table.name == "channel_stops":
        whose["subject"] = "a keyed hash"
    if table.name == "rates":
        whose["name"] = f"page/{customer}/1"
    number = {"id": 900} if isinstance(table.c[next(iter(values))].type, sa.BigInteger) else {}
    return values | whose | number


def _value(column: sa.Column[Any], customer: str, named: bool) -> Any:
    if column.name == "case_id":
        return "in_1"
    if column.name == "actor":
        return "anna"
    if named and column.name in ("because", "reason", "detail"):
        return f"said: {WORDS}" if column.name != "reason" else WORDS
    match column.type:
        case sa.JSON() if not named:
            return {"code": "insufficient_funds"}
        case sa.JSON():
            return {"because": WORDS, "deep": [{"of": customer, f"key/{customer}": f"x/{customer}"}]}
        case sa.Boolean():
            return False
        case sa.String():
            return f"refresh/{customer}/{column.name}" if named else f"{column.table.name} {column.name}"
        case sa.Integer() | sa.BigInteger() | sa.Float() | sa.Numeric():
            return 7
    return NOW


def test_nothing_leads_to_the_customer_any_more(ledger: Ledger) -> None:
    """Of every table no row holds the id or what people wrote of them; rows that figures need stay, under one pseudonym."""
    _closed(ledger)
    _fill(ledger, WHO)
    looked = ledger.erasures.look(WHO)
    erased = ledger.erasures.erase(WHO, after(days=9), actor="anna")
    assert (looked.kept, looked.removed) == (erased.kept, erased.removed)
    assert {*erased.kept, *erased.removed} == {table.name for table in TABLES}
    after_it = _everything(ledger)
    texts = {
        f"{name}.{key}": json.dumps(value, default=str)
        for name, rows in after_it.items()
        for row in rows
        for key, value in row.items()
    }
    assert [place for place, text in texts.items() if WHO in text or "Smith" in text] == []
    (case,) = after_it["cases"]
    assert (case["customer"], case["invoice"], case["amount"]) == (erased.pseudonym, "in_1", 4900)
    assert case["because"] == "an operator stopped the recovery: (erased)"
    assert case["number"] is None
    assert after_it["links"] == after_it["cards"] == after_it["access"] == after_it["erasing"] == []
    assert [row["subject"] for row in after_it["channel_stops"]] == ["a keyed hash"]
    assert kinds(ledger).count("customer_erased") == 1


def test_neighbours_stay_as_they_are(ledger: Ledger) -> None:
    """A customer whose id only begins alike keeps every row as it was."""
    _closed(ledger, "in_2", "cus_10")
    ledger.events.append("noted", NOW, customer="cus_10", actor="anna", data={"note": WORDS, "of": "cus_10"})
    before = _everything(ledger)
    _closed(ledger)
    ledger.erasures.erase(WHO, after(days=9), actor="anna")
    later = _everything(ledger)
    assert [row for row in later["cases"] if row["id"] == "in_2"] == before["cases"]
    assert later["events"][: len(before["events"])] == before["events"]


def test_a_customer_with_an_open_case_is_not_erased(ledger: Ledger) -> None:
    """The sentence names the case, and nothing has changed."""
    _closed(ledger)
    ledger.cases.open(a_case("in_2", customer=WHO), NOW)
    before = _everything(ledger)
    with pytest.raises(StillOpen, match="in_2"):
        ledger.erasures.erase(WHO, after(days=9), actor="anna")
    assert _everything(ledger) == before


def test_no_case_begins_beside_an_erasure(ledger: Ledger) -> None:
    """A case that is just being opened is waited for, and stands in the way like any other."""
    _closed(ledger)
    opened, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        ledger.cases.open(a_case("in_2", customer=WHO), after(days=8))
        opened.set()
        go_on.wait(5)

    other = threading.Thread(target=lambda: ledger.as_one(slowly))
    other.start()
    assert opened.wait(5)
    threading.Timer(0.5, go_on.set).start()
    with pytest.raises(StillOpen, match="in_2"):
        ledger.erasures.erase(WHO, after(days=9), actor="anna")
    other.join()


def test_erasing_again_finds_nothing(ledger: Ledger) -> None:
    """The second time there is nothing to do, and no event is written."""
    _closed(ledger)
    ledger.erasures.erase(WHO, after(days=9), actor="anna")
    before = kinds(ledger)
    assert ledger.erasures.erase(WHO, after(days=9), actor="anna").is_nothing
    assert kinds(ledger) == before


@pytest.mark.parametrize("table", ["events", "console_log", "decisions"])
def test_what_is_append_only_stays_so(ledger: Ledger, table: str) -> None:
    """Outside an erasure the triggers still refuse every change, and inside one every removal."""
    _closed(ledger)
    _fill(ledger, WHO)
    ledger.erasures.erase(WHO, after(days=9), actor="anna")
    change, removal = f"UPDATE {table} SET id = id + 1000", f"DELETE FROM {table}"  # noqa: S608
    for statements in ([change], [removal], ["INSERT INTO erasing VALUES ('x')", removal]):
        with pytest.raises(IntegrityError, match="append-only"):
            _run(ledger, statements)


def _run(ledger: Ledger, statements: list[str]) -> None:
    with ledger._store.engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def test_figures_stay_as_they_were(ledger: Ledger) -> None:
    """Erasing half of all customers changes no figure."""
    play(ledger, 24)
    selection = figures.Selection(now=END.astimezone(UTC))
    before = figures.of(ledger, selection)
    for case in ledger.cases.list_open():
        ledger.cases.close(case.id, Outcome.CLOSED_UNCOLLECTIBLE, "for the test", END)
    before = figures.of(ledger, selection)
    for number in range(0, 24, 2):
        assert not ledger.erasures.erase(f"cus_in_{number}", END, actor="anna").is_nothing
    assert figures.of(ledger, selection) == before


def test_every_table_is_thought_of() -> None:
    """A new table, or a new column with a customer, must say what an erasure does to it."""
    assert {*TABLES, *NOBODYS} == set(metadata.tables.values())
    assert not set(TABLES) & NOBODYS
    for table, how in TABLES.items():
        if how.columns is not None:
            named = {name for name in ("customer", "because", "data") if name in table.c}
            assert named <= set(how.columns), table.name
            assert set(how.columns) <= set(table.c.keys())
    for table in NOBODYS - {metadata.tables["erasing"]}:
        assert "customer" not in table.c


def test_how_often_somebody_came_through_a_link_goes_too(ledger: Ledger) -> None:
    """The bucket of the customer's link names them; that of a neighbour and those of outside systems stay."""
    _closed(ledger)
    for name in ("page/cus_1/1", "page/cus_10/1", "stripe"):
        ledger.rates.take(name, 1, 1, 5, NOW)
    ledger.erasures.erase(WHO, after(days=9), actor="anna")
    kept = [name for name in ("page/cus_1/1", "page/cus_10/1", "stripe") if ledger.rates.get(name)]
    assert kept == ["page/cus_10/1", "stripe"]
