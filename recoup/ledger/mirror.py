"""The mirror: Stripe's renewals and the cards behind them, so that nobody has to page through the account to find some.

It is kept by marks and readings. A webhook marks the customer it is about, whatever it tells and in whichever order it comes; who
keeps the mirror reads the marked customers once more. An import reads every subscription, page by page, and goes on where it was.
The mirror is for finding, never the truth: who acts on a card reads it at Stripe first.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from recoup.ledger._store import Store, Transaction, every, first
from recoup.ledger.cards_rows import CardRow, Expiring, ImportRow, MarkRow, Mirrored, RenewalRow
from recoup.ledger.cards_schema import card_imports, card_marks, cards, renewals
from recoup.rules.base import Frozen

SUBSCRIPTIONS = "subscriptions"


class Mirror:
    """Cards and renewals as they were read last; tables ``cards``, ``renewals``, ``card_marks``, ``card_imports``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def mark(self, customer: str, at: datetime) -> None:
        """Something of the customer's changed: read them again. Any number of marks are one."""
        row = {"customer": customer, "marked_at": at}
        self._store.write(lambda tx: _put(tx, card_marks, [row], "customer", "marked_at"))

    def marked(self, limit: int) -> list[MarkRow]:
        """Customers to be read again, those first that have waited longest."""
        oldest = sa.select(card_marks).order_by(card_marks.c.marked_at, card_marks.c.customer).limit(limit)
        return [MarkRow.model_validate(row) for row in self._store.read(lambda conn: every(conn, oldest))]

    def write_customer(self, mark: MarkRow, found: Mirrored, at: datetime) -> None:
        """What Stripe had of one customer at this moment takes the place of all that was known; a later mark stays."""

        def work(tx: Transaction) -> None:
            for table in (renewals, cards):
                tx.conn.execute(sa.delete(table).where(table.c.customer == mark.customer))
            _write(tx, found, at)
            seen = card_marks.c.customer == mark.customer, card_marks.c.marked_at <= mark.marked_at
            tx.conn.execute(sa.delete(card_marks).where(*seen))

        self._store.write(work, lock=[f"mirror/{mark.customer}"])

    def begin_import(self, at: datetime, unless_finished_since: datetime) -> ImportRow | None:
        """The import under way, or a new one; None where one was finished at or after this moment."""

        def work(tx: Transaction) -> ImportRow | None:
            known = _the_import(tx.conn)
            if known is not None and known.finished_at is None:
                return known
            if known is not None and known.finished_at and known.finished_at >= unless_finished_since:
                return None
            new = {
                "name": SUBSCRIPTIONS,
                "after": None,
                "seen": 0,
                "began_at": at,
                "finished_at": None,
            }
            _put(tx, card_imports, [new], "name", "began_at")
            return _the_import(tx.conn)

        return self._store.write(work, lock=["mirror/import"])

    def write_page(
        self, of: ImportRow, found: Mirrored, looked: int, after: str | None, at: datetime
    ) -> ImportRow:
        """Keep one page of an import, read at this moment, and how far it came; after the last page what was not seen any more goes.

        Where somebody else has read the same page meanwhile, the import stays where they left it.
        """

        def work(tx: Transaction) -> ImportRow:
            _write(tx, found, at)
            known = _the_import(tx.conn)
            if known is None or known != of:
                return known or of
            finished = at if after is None else None
            values = {"after": after, "seen": of.seen + looked, "finished_at": finished}
            tx.conn.execute(
                sa.update(card_imports).where(card_imports.c.name == SUBSCRIPTIONS).values(**values)
            )
            if finished:
                for table in (renewals, cards):
                    tx.conn.execute(sa.delete(table).where(table.c.read_at < of.began_at))
            return _the_import(tx.conn) or of

        return self._store.write(work, lock=["mirror/import"])

    def restart_import(self, of: ImportRow) -> None:
        """Have the import begin again at its first page, unless somebody moved it meanwhile."""
        mine = card_imports.c.name == of.name, card_imports.c.after == of.after
        begin = sa.update(card_imports).where(*mine).values(after=None, seen=0)
        self._store.write(lambda tx: tx.conn.execute(begin))

    def last_import(self) -> ImportRow | None:
        """The import under way, or the last one; None where there never was one."""
        return self._store.read(_the_import)

    def expiring(self, since: datetime, until: datetime, after: str, limit: int) -> list[Expiring]:
        """Cards whose last month lies between the months of these moments, in the order of their ids, behind ``after``."""
        month = cards.c.exp_year * 12 + cards.c.exp_month
        bounds = (since.year * 12 + since.month, until.year * 12 + until.month)
        wanted = (
            sa.select(cards)
            .where(
                cards.c.exp_year.between(since.year, until.year),
                month.between(*bounds),
                cards.c.method > after,
            )
            .order_by(cards.c.method)
            .limit(limit)
        )
        return self._store.read(lambda conn: _with_renewals(conn, wanted))

    def of_customer(self, customer: str) -> list[Expiring]:
        """The customer's cards with what they pay for."""
        wanted = sa.select(cards).where(cards.c.customer == customer).order_by(cards.c.method)
        return self._store.read(lambda conn: _with_renewals(conn, wanted))

    def renewals_of(self, customer: str) -> list[RenewalRow]:
        """The customer's renewals, the next one first."""
        mine = sa.select(renewals).where(renewals.c.customer == customer)
        ordered = mine.order_by(renewals.c.renews_at, renewals.c.subscription)
        return _renewal_rows(self._store.read(lambda conn: every(conn, ordered)))


def _with_renewals(conn: sa.Connection, wanted: sa.Select[Any]) -> list[Expiring]:
    found = [CardRow.model_validate(row) for row in every(conn, wanted)]
    theirs = sa.select(renewals).where(renewals.c.method.in_([card.method for card in found]))
    rows = _renewal_rows(every(conn, theirs.order_by(renewals.c.renews_at, renewals.c.subscription)))
    return [
        Expiring(card=card, renewals=tuple(row for row in rows if row.method == card.method))
        for card in found
    ]


def _renewal_rows(rows: Iterable[dict[str, Any]]) -> list[RenewalRow]:
    return [RenewalRow.model_validate(row) for row in rows]


def _the_import(conn: sa.Connection) -> ImportRow | None:
    found = first(conn, sa.select(card_imports).where(card_imports.c.name == SUBSCRIPTIONS))
    return ImportRow.model_validate(found) if found else None


def _write(tx: Transaction, found: Mirrored, at: datetime) -> None:
    _put(tx, cards, _dated(found.cards, at), "method", "read_at")
    _put(tx, renewals, _dated(found.renewals, at), "subscription", "read_at")


def _dated(rows: Iterable[Frozen], at: datetime) -> list[dict[str, Any]]:
    return [row.model_dump() | {"read_at": at} for row in rows]


def _put(tx: Transaction, table: sa.Table, rows: list[dict[str, Any]], key: str, moment: str) -> None:
    """Insert rows, or put them in the place of older ones with the same key: who read first may well write last."""
    if not rows:
        return
    make = postgresql.insert if tx.is_postgresql else sqlite.insert
    statement = make(table)
    others = {name: statement.excluded[name] for name in rows[0] if name != key}
    is_older = table.c[moment] <= statement.excluded[moment]
    tx.conn.execute(statement.on_conflict_do_update(index_elements=[key], set_=others, where=is_older), rows)
