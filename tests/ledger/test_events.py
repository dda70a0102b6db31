"""Events: in order, without gaps for a reader, and impossible to change."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from recoup.ledger import DecisionRecord, EventRow, Ledger
from recoup.ledger._store import Transaction
from recoup.ledger.schema import APPEND_ONLY
from tests.ledger.builders import NOW, a_case, after, at_once, kinds


def test_event_is_kept_whole(ledger: Ledger) -> None:
    """An event comes back as it was given, found by its case and by its customer."""
    who = {"case_id": "in_1", "invoice": "in_1", "customer": "cus_1", "actor": "operator:42"}
    assert ledger.events.append("paused", NOW, **who, data={"until": after(days=3), "days": 3})
    assert ledger.events.append("other", NOW, customer="cus_2")
    (event,) = ledger.events.of_case("in_1")
    assert event.model_dump(include=set(who)) == who
    assert event.data == {"until": "2026-11-25T09:00:00Z", "days": 3}
    assert ledger.events.of_customer("cus_1") == [event]


def test_unique_event_is_written_once(ledger: Ledger) -> None:
    """A retried activity records its event once; without a key every call is an event."""
    assert ledger.events.append("refunded", NOW, unique="refund/ch_1")
    assert not ledger.events.append("refunded", after(hours=1), unique="refund/ch_1")
    assert ledger.events.append("looked", NOW)
    assert ledger.events.append("looked", NOW)
    assert kinds(ledger) == ["refunded", "looked", "looked"]
    assert sum(at_once(8, lambda _: ledger.events.append("x", NOW, unique="x"))) == 1


def test_one_kind_of_an_invoice_and_one_event_by_its_name_are_found(ledger: Ledger) -> None:
    """Neither other kinds, nor other invoices and customers come along."""
    for number, (kind, customer, invoice) in enumerate(
        [
            ("told", "cus_1", "in_1"),
            ("told", "cus_1", "in_2"),
            ("said", "cus_1", "in_1"),
            ("told", "cus_2", "in_1"),
        ]
    ):
        ledger.events.append(
            kind, NOW, customer=customer, invoice=invoice, data={"n": number}, unique=f"key/{number}"
        )
    assert [event.data["n"] for event in ledger.events.of_kind("told", "cus_1", "in_1")] == [0]
    named = ledger.events.named("key/2")
    assert named is not None
    assert named.data["n"] == 2
    assert ledger.events.named("key/9") is None


def test_since_goes_on_where_the_reader_stopped(ledger: Ledger) -> None:
    """Reading on from the last id gives every event once, in order, page by page."""
    for number in range(7):
        ledger.events.append(f"kind_{number}", NOW)
    seen: list[str] = []
    last = 0
    while page := ledger.events.since(last, limit=3):
        seen += [event.kind for event in page]
        last = page[-1].id
    assert seen == [f"kind_{number}" for number in range(7)]


def test_reader_beside_writers_misses_nothing(ledger: Ledger) -> None:
    """A reader that follows the record while eight writers add to it sees every event exactly once."""
    done = threading.Event()
    seen: list[int] = []

    def follow() -> None:
        finished = False
        while not finished:
            finished = done.is_set()
            seen.extend(event.id for event in ledger.events.since(seen[-1] if seen else 0))

    reader = threading.Thread(target=follow)
    reader.start()
    at_once(8, lambda n: [ledger.events.append(f"{n}/{m}", NOW) for m in range(15)])
    done.set()
    reader.join()
    assert len(seen) == 8 * 15
    assert seen == sorted(set(seen))


def test_reader_waits_for_a_writer_that_has_a_lower_number(ledger: Ledger, ledger_url: str) -> None:
    """An event that was numbered earlier and is committed later is not overlooked: what is read is always the beginning."""
    other = Ledger.connect(ledger_url)

    def write_slowly(tx: Transaction) -> Future[list[EventRow]]:
        tx.event("earlier", NOW)
        tx.flush()
        if tx.is_postgresql:  # the other database has one writer at a time
            other.events.append("later", NOW)
        reading = pool.submit(other.events.since, 0)
        wait([reading], timeout=0.3)
        return reading

    with ThreadPoolExecutor(1) as pool:
        read = ledger._store.write(write_slowly).result()
    assert read == ledger.events.since(0)[: len(read)]
    other.close()


@pytest.mark.parametrize("table", APPEND_ONLY, ids=lambda table: table.name)
@pytest.mark.parametrize("change", ["update", "delete"])
def test_nobody_rewrites_history(ledger: Ledger, table: sa.Table, change: str) -> None:
    """The database itself refuses to change or remove an event or a decision."""
    ledger.cases.open(a_case(), NOW)
    record = DecisionRecord(
        case_id="in_1",
        at=NOW,
        rules_version=1,
        policy_version="v1",
        known={},
        candidates=[],
        choice={},
        because="so",
    )
    ledger.decisions.record(record, "run-1#1")
    statement = sa.delete(table) if change == "delete" else sa.update(table).values(at=after(days=1))
    before = ledger.events.since(0), ledger.decisions.of_case("in_1")
    with pytest.raises(IntegrityError, match="append-only"), ledger._store.engine.begin() as connection:
        connection.execute(statement)
    assert (ledger.events.since(0), ledger.decisions.of_case("in_1")) == before


def test_failed_write_leaves_no_event(ledger: Ledger) -> None:
    """An event stands only together with what it tells of: an error undoes both."""
    ledger.cases.open(a_case(), NOW)
    with pytest.raises(IntegrityError):
        ledger.cases.open(a_case("in_2", workflow_id="recovery/in_1"), NOW)
    assert kinds(ledger) == ["case_opened"]
    assert ledger.cases.get("in_2") is None
