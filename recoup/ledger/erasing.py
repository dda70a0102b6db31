"""Erasure: what leads to a customer goes; what bookkeeping, figures and the networks' limits need stays under a pseudonym.

Nothing in the ledger says who the pseudonym was: it is drawn, and the id is written nowhere.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recoup.errors import RecoupError
from recoup.ledger._erasing import GONE_BESIDE, TABLES, Column, Table, Whose
from recoup.ledger._store import Store, Transaction, every
from recoup.ledger.console_schema import console_log
from recoup.ledger.erasing_schema import erasing
from recoup.ledger.exclusions import customer_lock
from recoup.ledger.schema import cases, events, messages
from recoup.rules.base import Frozen

ERASED = "(erased)"
"""Stands where words of people stood."""
_PARTS_OF_IT = frozenset({"system", "stripe", "customer"})
"""Whose events hold no word of a person."""
_WORDS = ("because", "reason", "note", "detail", "text")
"""The keys of an event's data under which a person's words stand."""


class StillOpen(RecoupError):
    """The customer has a case that is not over."""


class Erased(Frozen):
    """What an erasure found, and did where it was asked to."""

    pseudonym: str
    kept: dict[str, int]
    """Rows that stay under the pseudonym, by table."""
    removed: dict[str, int]
    """Rows that go, by table."""

    @property
    def is_nothing(self) -> bool:
        """Whether nothing leads to the customer."""
        return not self.kept and not self.removed


class Erasures:
    """What is known of a customer, and its erasure; table ``erasing``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def look(self, customer: str) -> Erased:
        """What an erasure would do."""
        return self._store.read(lambda conn: _plan(conn, _whose(conn, customer), ERASED)[2])

    def refuse_open(self, customer: str) -> None:
        """Raise :class:`StillOpen` where a case of the customer's runs."""
        self._store.read(lambda conn: _refuse_open(conn, customer))

    def message_keys(self, customer: str) -> list[str]:
        """The keys of all messages that went, or were to go, to the customer."""
        mine = sa.select(messages.c.key).where(messages.c.customer == customer).order_by(messages.c.key)
        return list(self._store.read(lambda conn: conn.execute(mine).scalars().all()))

    def erase(self, customer: str, at: datetime, *, actor: str) -> Erased:
        """Take out everything that leads to the customer, in one transaction; again, it finds nothing.

        Raises:
            StillOpen: a case of the customer's runs; nothing was changed.
        """
        pseudonym = f"erased_{secrets.token_hex(8)}"

        def work(tx: Transaction) -> Erased:
            _refuse_open(tx.conn, customer)
            updates, deletes, found = _plan(tx.conn, _whose(tx.conn, customer), pseudonym)
            if found.is_nothing:
                return found
            tx.conn.execute(sa.insert(erasing).values(customer=pseudonym))
            for statement in (*updates, *deletes):
                tx.conn.execute(statement)
            tx.conn.execute(sa.delete(erasing))
            data = {"kept": found.kept, "removed": found.removed}
            tx.event("customer_erased", at, customer=pseudonym, actor=actor, data=data)
            return found

        # A case that wants to begin waits for the same name: none begins beside the erasure.
        return self._store.write(work, lock=[customer_lock(customer), f"conversation/{customer}"])


def _whose(conn: sa.Connection, customer: str) -> Whose:
    mine = every(conn, sa.select(cases.c.id, cases.c.invoice).where(cases.c.customer == customer))
    invoices = sorted({row["invoice"] for row in mine})
    return Whose(customer, tuple(row["id"] for row in mine), tuple(invoices))


def _refuse_open(conn: sa.Connection, customer: str) -> None:
    still = sa.select(cases.c.id).where(cases.c.customer == customer, cases.c.outcome.is_(None))
    if (case := conn.execute(still.order_by(cases.c.id)).scalar()) is not None:
        raise StillOpen(
            f"The case {case} of {customer} is not over: stop it first (`recoup case {case} stop --reason TEXT`), or wait for its end."
        )


def _plan(
    conn: sa.Connection, whose: Whose, pseudonym: str
) -> tuple[list[sa.Update], list[sa.Delete], Erased]:
    """Everything that is to be done, before any of it is."""
    scrub = _Scrub(whose.customer, pseudonym, _words(conn, whose))
    updates = [each for table, how in TABLES.items() for each in _updates(conn, table, how, whose, scrub)]
    going = [(table, how.rows) for table, how in TABLES.items() if how.columns is None]
    deletes, removed = [], {}
    for table, rows in (*going, *GONE_BESIDE.items()):
        count = conn.execute(sa.select(sa.func.count()).select_from(table).where(rows(whose))).scalar_one()
        if count:
            removed[table.name] = count
            deletes.append(sa.delete(table).where(rows(whose)))
    kept = Counter(str(update.entity_description["name"]) for update in updates)
    return updates, deletes, Erased(pseudonym=pseudonym, kept=dict(kept), removed=removed)


def _updates(
    conn: sa.Connection, table: sa.Table, how: Table, whose: Whose, scrub: _Scrub
) -> Iterator[sa.Update]:
    """Of the rows that stay, those in which something changes."""
    if how.columns is None:
        return
    for row in every(conn, sa.select(table).where(how.rows(whose))):
        values = {name: scrub.column(row[name], what) for name, what in how.columns.items()}
        if any(row[name] != value for name, value in values.items()):
            mine = [column == row[column.name] for column in table.primary_key]
            yield sa.update(table).where(*mine).values(**values)


def _words(conn: sa.Connection, whose: Whose) -> frozenset[str]:
    """What people wrote about the customer: operators in the console, and in words to cases."""
    theirs = sa.or_(events.c.customer == whose.customer, events.c.case_id.in_(whose.cases))
    told = every(conn, sa.select(events.c.actor, events.c.data).where(theirs))
    about = console_log.c.case_id.in_(whose.cases)
    logged = every(conn, sa.select(console_log.c.reason).where(about))
    spoken = [row["data"].get(key) for row in told if row["actor"] not in _PARTS_OF_IT for key in _WORDS]
    return frozenset(
        text for text in (*spoken, *(row["reason"] for row in logged)) if isinstance(text, str) and text
    )


class _Scrub:
    """Takes the customer's id and people's words out of a value, however deep they stand."""

    def __init__(self, customer: str, pseudonym: str, words: frozenset[str]) -> None:
        self._customer = re.compile(rf"(?<![A-Za-z0-9_]){re.escape(customer)}(?![A-Za-z0-9_])")
        self._pseudonym = pseudonym
        self._words = words

    def column(self, value: Any, what: Column) -> Any:
        if what is Column.EMPTIED:
            return None
        return self._renamed(value) if what is Column.RENAMED else self._scrubbed(value)

    def _renamed(self, value: Any) -> Any:
        return self._customer.sub(self._pseudonym, value) if isinstance(value, str) else value

    def _scrubbed(self, value: Any) -> Any:
        match value:
            case str():
                return self._renamed(self._without_words(value))
            case dict():
                return {self._renamed(key): self._scrubbed(inner) for key, inner in value.items()}
            case list():
                return [self._scrubbed(inner) for inner in value]
        return value

    def _without_words(self, text: str) -> str:
        """A person's words stand alone, or at the end behind what the case made of them."""
        for word in self._words:
            if text == word or text.endswith(f": {word}"):
                return text.removesuffix(word) + ERASED
        return text
