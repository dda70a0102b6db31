"""Transactions: one function, one transaction, its events in it; the same promises on SQLite and PostgreSQL.

SQLite lets one writer in at a time (``BEGIN IMMEDIATE``). On PostgreSQL a write names what it must have for itself
(an invoice, a card, a link) and gets it through advisory locks that end with the transaction, always taken in the same
order; unique indexes stand behind them.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import InterfaceError, OperationalError

from recoup.errors import ConnectionFailed
from recoup.ledger import _engine
from recoup.ledger.schema import events
from recoup.metrics import EVENTS

T = TypeVar("T")

_PAUSES = (0.02, 0.1, 0.3, 1.0)
_PASSING = frozenset({"40001", "40P01"})
"""PostgreSQL's states for "could not serialise" and "deadlock": the same again succeeds."""
_EVENTS_LOCK = 0x7265636F7570
"""Writers hold it shared while they append events; a reader takes it alone for a moment, so that no event with a lower
number can turn up behind the reader's back."""


class _GivenUp(ConnectionFailed):
    """The database gave this transaction up for another one's sake."""


class NotInLedger(LookupError):
    """A row that the caller names does not exist."""


class Transaction:
    """A transaction under way. Events are gathered and written last, in order, just before the commit."""

    def __init__(self, conn: sa.Connection) -> None:
        self.conn = conn
        self._events: list[dict[str, Any]] = []
        self.kinds: list[str] = []
        """The kinds of the events that this transaction has written."""

    @property
    def is_postgresql(self) -> bool:
        """Whether this is PostgreSQL."""
        return self.conn.dialect.name == "postgresql"

    def event(
        self,
        kind: str,
        at: datetime,
        *,
        case_id: str | None = None,
        invoice: str | None = None,
        customer: str | None = None,
        actor: str = "system",
        data: Mapping[str, Any] | None = None,
        unique: str | None = None,
    ) -> None:
        """Have an event appended with this transaction; one with a ``unique`` key that is there already is dropped."""
        self._events.append(
            {
                "kind": kind,
                "at": at,
                "case_id": case_id,
                "invoice": invoice,
                "customer": customer,
                "actor": actor,
                "data": dict(data or {}),
                "unique_key": unique,
            }
        )

    def flush(self) -> int:
        """Write the gathered events; how many were new."""
        if not self._events:
            return 0
        if self.is_postgresql:
            self.conn.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(_EVENTS_LOCK)))
        new = [row["kind"] for row in self._events if self.insert_new(events, row, "unique_key")]
        self._events.clear()
        self.kinds += new
        return len(new)

    def insert_new(self, table: sa.Table, values: Mapping[str, Any], *unique: str) -> bool:
        """Insert the row unless one with the same values in the ``unique`` columns exists; True when inserted."""
        statement = _insert_new(self.conn.dialect.name, table, unique)
        # Not the row count: with PostgreSQL it is unknown for an insert that also returns its key.
        return self.conn.execute(statement, values).first() is not None

    def lock(self, names: Iterable[str]) -> None:
        """Have these names for this transaction alone, until it ends."""
        if not self.is_postgresql:
            return
        for name in sorted(set(names)):
            key = sa.func.hashtextextended(f"recoup/{name}", 0)
            self.conn.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))

    def wait_for_event_writers(self) -> None:
        """Wait until every event that has a number is committed or given up."""
        if self.is_postgresql:
            self.conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_EVENTS_LOCK)))


@lru_cache
def _insert_new(dialect: str, table: sa.Table, unique: tuple[str, ...]) -> sa.Executable:
    """Kept, because to build a statement takes longer than to run it."""
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return make(table).on_conflict_do_nothing(index_elements=unique).returning(table.c[unique[0]])


class _UnderWay(threading.local):
    """The transaction that this thread's writes belong to."""

    tx: Transaction | None = None


class Store:
    """The database behind all groups of the ledger."""

    def __init__(self, url: sa.URL, engine: sa.Engine, check: Callable[[sa.Connection], None]) -> None:
        self.url = url
        self.engine = engine
        self._writing = engine.execution_options(recoup_write=True)
        self._check = check
        self._checked = False
        # SQLite's writers wait by sleeping longer and longer, and the unlucky starve; those of one process queue here.
        self._turn = threading.RLock() if engine.dialect.name == "sqlite" else nullcontext()
        self._mine = _UnderWay()

    @property
    def name(self) -> str:
        """The address without anything secret."""
        return _engine.shown(self.url)

    def write(self, work: Callable[[Transaction], T], *, lock: Sequence[str] = ()) -> T:
        """Run ``work`` as one transaction, having the ``lock`` names alone; again where the database asks for it."""
        if self._mine.tx is not None:
            self._mine.tx.lock(lock)
            return work(self._mine.tx)
        for pause in _PAUSES:
            try:
                with self._turn:
                    return self._once(self._writing, work, lock)
            except _GivenUp:
                time.sleep(pause * (0.5 + random.random()))  # noqa: S311 - keeps two writers apart, no secret
        with self._turn:
            return self._once(self._writing, work, lock)

    def write_as_one(self, work: Callable[[], T]) -> T:
        """Run ``work``, and all that this thread writes and reads meanwhile, as one transaction: all of it or nothing.

        Where the database asks for it the whole ``work`` is run again, so it must do nothing else.
        """

        def joined(tx: Transaction) -> T:
            self._mine.tx = tx
            try:
                return work()
            finally:
                self._mine.tx = None

        return self.write(joined)

    def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run ``work`` on one consistent view; writes nothing and waits for no writer."""
        if self._mine.tx is not None:
            return work(self._mine.tx.conn)
        return self._once(self.engine, lambda tx: work(tx.conn), ())

    def read_whole(self, work: Callable[[Transaction], T]) -> T:
        """As :meth:`read`, for work that must wait for others first."""
        return self._once(self.engine, work, ())

    def _once(self, engine: sa.Engine, work: Callable[[Transaction], T], lock: Sequence[str]) -> T:
        try:
            with engine.begin() as conn:
                self._check_once(conn)
                tx = Transaction(conn)
                tx.lock(lock)
                result = work(tx)
                tx.flush()
        except (OperationalError, InterfaceError) as error:
            passing = getattr(error.orig, "sqlstate", None) in _PASSING
            sentence = str(_engine.failed(self.url, error))
            raise (_GivenUp if passing else ConnectionFailed)(sentence) from error
        for kind in tx.kinds:
            EVENTS.labels(kind).inc()
        return result

    def _check_once(self, conn: sa.Connection) -> None:
        if not self._checked:
            self._check(conn)
            self._checked = True


def first(conn: sa.Connection, statement: sa.Select[Any]) -> dict[str, Any] | None:
    """The first row of the answer as a dictionary."""
    row = conn.execute(statement).mappings().first()
    return dict(row) if row is not None else None


def every(conn: sa.Connection, statement: sa.Select[Any]) -> list[dict[str, Any]]:
    """All rows of the answer as dictionaries."""
    return [dict(row) for row in conn.execute(statement).mappings()]
