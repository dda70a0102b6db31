"""History: what an import has read of the time before Recoup, and beside it.

Pages are written with the place that the import has come to, in one transaction, so that one that was killed goes on where it was.
What is read once more takes the place of what was known.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from recoup.ledger._store import Store, Transaction, every
from recoup.ledger.history_rows import HistoryImport, Kind, Past
from recoup.ledger.history_schema import (
    history_charges,
    history_imports,
    history_invoices,
    history_payments,
    history_subscriptions,
)

STILL_CHANGES = timedelta(days=120)
"""An invoice, a payment or a charge older than this is not read again: it hardly changes any more."""

_TABLES: dict[Kind, tuple[sa.Table, str]] = {
    Kind.SUBSCRIPTIONS: (history_subscriptions, "subscription"),
    Kind.INVOICES: (history_invoices, "invoice"),
    Kind.PAYMENTS: (history_payments, "payment"),
    Kind.CHARGES: (history_charges, "charge"),
}


class History:
    """Imports and what they brought; tables ``history_*``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(
        self, kind: Kind, since: datetime, at: datetime, *, whole: bool = False
    ) -> HistoryImport | None:
        """The import of this kind that is under way, or a new one; None where the run that was broken off had come past it.

        One that goes back further than what was imported begins anew; otherwise only what may have changed since the last one is read,
        unless the ``whole`` is asked for.
        """

        def work(tx: Transaction) -> HistoryImport | None:
            known = _all(tx.conn)
            last = known.get(kind)
            if last is None or since < last.since:
                return _begin(tx, kind, since, since, at)
            suffices = not whole or last.reads_since <= since
            if last.finished_at is None and suffices:
                return last
            if suffices and _was_broken_off_behind(kind, known):
                return None
            recent = last.since if whole else max(last.since, last.began_at - STILL_CHANGES)
            return _begin(tx, kind, last.since, recent, at)

        return self._store.write(work, lock=["history"])

    def restart(self, of: HistoryImport) -> None:
        """Have the import begin again at its first page, unless somebody moved it meanwhile."""
        mine = history_imports.c.name == of.name.value, history_imports.c.after == of.after
        begin = sa.update(history_imports).where(*mine).values(after=None, seen=0)
        self._store.write(lambda tx: tx.conn.execute(begin), lock=["history"])

    def write_page(
        self, of: HistoryImport, rows: Sequence[Past], after: str | None, at: datetime
    ) -> HistoryImport:
        """Keep one page and how far it came; the last one ends the import.

        Where somebody else has read on meanwhile the import stays where they left it, and the rows are kept all the same.
        """

        def work(tx: Transaction) -> HistoryImport:
            _put(tx, of.name, rows)
            known = _all(tx.conn).get(of.name)
            if known is None or known != of:
                return known or of
            finished = at if after is None else None
            values = {"after": after, "seen": of.seen + len(rows), "finished_at": finished}
            mine = history_imports.c.name == of.name.value
            tx.conn.execute(sa.update(history_imports).where(mine).values(**values))
            return of.model_copy(update=values)

        return self._store.write(work, lock=["history"])

    def imports(self) -> dict[Kind, HistoryImport]:
        """How far each kind came; those that were never begun are missing."""
        return self._store.read(_all)


def _all(conn: sa.Connection) -> dict[Kind, HistoryImport]:
    found = [HistoryImport.model_validate(row) for row in every(conn, sa.select(history_imports))]
    return {each.name: each for each in found}


def _begin(
    tx: Transaction, kind: Kind, since: datetime, reads_since: datetime, at: datetime
) -> HistoryImport:
    new = HistoryImport(
        name=kind, since=since, reads_since=reads_since, after=None, seen=0, began_at=at, finished_at=None
    )
    tx.conn.execute(sa.delete(history_imports).where(history_imports.c.name == kind.value))
    tx.conn.execute(sa.insert(history_imports).values(**new.model_dump()))
    return new


def _was_broken_off_behind(kind: Kind, known: dict[Kind, HistoryImport]) -> bool:
    """Whether this kind is done and a later one is not: the run was broken off there."""
    mine, order = known[kind], list(Kind)
    later = [known.get(each) for each in order[order.index(kind) + 1 :]]
    return any(each is None or each.finished_at is None or each.began_at < mine.began_at for each in later)


def _put(tx: Transaction, kind: Kind, rows: Sequence[Past]) -> None:
    """Insert rows, or put them in the place of older ones: who read first may well write last."""
    if not rows:
        return
    table, key = _TABLES[kind]
    values: list[dict[str, Any]] = [row.model_dump() for row in rows]
    make = postgresql.insert if tx.is_postgresql else sqlite.insert
    statement = make(table)
    others = {name: statement.excluded[name] for name in values[0] if name != key}
    is_older = table.c.read_at <= statement.excluded.read_at
    tx.conn.execute(
        statement.on_conflict_do_update(index_elements=[key], set_=others, where=is_older), values
    )
