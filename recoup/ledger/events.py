"""Events: everything that happened, in the order it was recorded. Never changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recoup.ledger._store import Store, Transaction, every
from recoup.ledger.rows import EventRow
from recoup.ledger.schema import events


class Events:
    """The append-only record beside the current rows; table ``events``. Every write of the other groups adds to it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def append(
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
    ) -> bool:
        """Record that something happened; False where an event with the same ``unique`` key is there already."""

        def work(tx: Transaction) -> bool:
            who = {"case_id": case_id, "invoice": invoice, "customer": customer}
            tx.event(kind, at, **who, actor=actor, data=data, unique=unique)
            return tx.flush() == 1

        return self._store.write(work)

    def of_case(self, case_id: str) -> list[EventRow]:
        """The case's events in order."""
        return self._store.read(lambda conn: _rows(conn, _ordered(events.c.case_id == case_id)))

    def of_customer(self, customer: str) -> list[EventRow]:
        """The customer's events in order, over all cases."""
        return self._store.read(lambda conn: _rows(conn, _ordered(events.c.customer == customer)))

    def of_kind(self, kind: str, customer: str, invoice: str) -> list[EventRow]:
        """What of this kind was recorded of one of the customer's invoices, in order."""
        where = events.c.customer == customer, events.c.kind == kind, events.c.invoice == invoice
        return self._store.read(lambda conn: _rows(conn, _ordered(sa.and_(*where))))

    def named(self, unique: str) -> EventRow | None:
        """The event with this ``unique`` key."""
        found = self._store.read(lambda conn: _rows(conn, _ordered(events.c.unique_key == unique)))
        return found[0] if found else None

    def has(self, kind: str, customer: str, since: datetime) -> bool:
        """Whether something of this kind happened to the customer at or after this moment."""
        where = events.c.customer == customer, events.c.kind == kind, events.c.at >= since
        return self._store.read(lambda conn: conn.execute(sa.select(sa.exists().where(*where))).scalar_one())

    def since(self, event_id: int, limit: int = 500) -> list[EventRow]:
        """The events after this one, 0 for the first: going on from the last id seen misses none and repeats none."""
        statement = _ordered(events.c.id > event_id).limit(limit)

        def work(tx: Transaction) -> list[EventRow]:
            tx.wait_for_event_writers()
            return _rows(tx.conn, statement)

        return self._store.read_whole(work)

    def get(self, event_id: int) -> EventRow | None:
        """The event with this id."""
        found = self._store.read(lambda conn: _rows(conn, _ordered(events.c.id == event_id)))
        return found[0] if found else None

    def latest(self, customer: str | None = None) -> int:
        """The highest id that can be seen, of a customer's or of all: a quick look, which waits for nobody who is writing."""
        query = sa.select(sa.func.max(events.c.id))
        mine = query if customer is None else query.where(events.c.customer == customer)
        return self._store.read(lambda conn: conn.execute(mine).scalar() or 0)

    def newest(self) -> int:
        """The highest id that was given, 0 where there is no event."""

        def work(tx: Transaction) -> int:
            tx.wait_for_event_writers()
            return tx.conn.execute(sa.select(sa.func.max(events.c.id))).scalar() or 0

        return self._store.read_whole(work)


def _ordered(where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(events).where(where).order_by(events.c.id)


def _rows(conn: sa.Connection, statement: sa.Select[Any]) -> list[EventRow]:
    return [EventRow.model_validate(row) for row in every(conn, statement)]
