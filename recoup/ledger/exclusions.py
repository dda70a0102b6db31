"""Customers whose failures are not recovered, until somebody takes that back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from recoup.ledger._store import Store, Transaction, every, first
from recoup.ledger.exclusions_schema import exclusions
from recoup.ledger.schema import events
from recoup.rules.base import Frozen
from recoup.rules.stopping import excluded as excluding


class ExclusionRow(Frozen):
    """A customer who is excluded, or was."""

    customer: str
    excluded_at: datetime
    actor: str
    because: str
    """Why, in the operator's words."""
    ended_at: datetime | None
    ended_by: str | None

    @property
    def said(self) -> str:
        """The exclusion as the reason of what is not done."""
        return excluding(self.actor, self.because)


class Exclusions:
    """Which customers Recoup leaves alone; table ``exclusions``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def exclude(self, customer: str, at: datetime, *, actor: str, because: str, unique: str) -> bool:
        """Begin no case of this customer's from now on; False where that holds already, or this word was heard before."""
        values = {"customer": customer, "excluded_at": at, "actor": actor, "because": because}
        values |= {"ended_at": None, "ended_by": None}

        def work(tx: Transaction) -> bool:
            if excluded(tx.conn, customer) is not None or _was_said(tx.conn, unique):
                return False
            if not tx.insert_new(exclusions, values, "customer"):
                tx.conn.execute(
                    sa.update(exclusions).where(exclusions.c.customer == customer).values(**values)
                )
            said = {"because": because}
            tx.event("customer_excluded", at, customer=customer, actor=actor, data=said, unique=unique)
            return True

        return self._store.write(work, lock=[customer_lock(customer)])

    def take_back(self, customer: str, at: datetime, *, actor: str, because: str) -> bool:
        """The customer's failures become cases again; False where they did already."""
        standing = exclusions.c.customer == customer, exclusions.c.ended_at.is_(None)

        def work(tx: Transaction) -> bool:
            if excluded(tx.conn, customer) is None:
                return False
            tx.conn.execute(sa.update(exclusions).where(*standing).values(ended_at=at, ended_by=actor))
            tx.event("customer_included", at, customer=customer, actor=actor, data={"because": because})
            return True

        return self._store.write(work, lock=[customer_lock(customer)])

    def of(self, customer: str) -> ExclusionRow | None:
        """The exclusion that holds for a customer now."""
        return self._store.read(lambda conn: excluded(conn, customer))

    def among(self, customers: Collection[str]) -> set[str]:
        """Which of these customers are excluded now."""
        query = sa.select(exclusions).where(
            exclusions.c.customer.in_(list(customers)), exclusions.c.ended_at.is_(None)
        )
        return {row["customer"] for row in self._store.read(lambda conn: every(conn, query))}

    def standing(self, limit: int = 1000) -> list[ExclusionRow]:
        """All that hold now, the newest first."""
        query = sa.select(exclusions).where(exclusions.c.ended_at.is_(None))
        order = (exclusions.c.excluded_at.desc(), exclusions.c.customer)
        found = self._store.read(lambda conn: every(conn, query.order_by(*order).limit(limit)))
        return [ExclusionRow.model_validate(row) for row in found]


def customer_lock(customer: str) -> str:
    """What a transaction takes that begins a case of a customer, or excludes them: one of the two comes first."""
    return f"excluded/{customer}"


def excluded(conn: sa.Connection, customer: str) -> ExclusionRow | None:
    """The exclusion that holds for a customer now, as this transaction sees it."""
    where = exclusions.c.customer == customer, exclusions.c.ended_at.is_(None)
    found = first(conn, sa.select(exclusions).where(*where))
    return ExclusionRow.model_validate(found) if found else None


def _was_said(conn: sa.Connection, unique: str) -> bool:
    return first(conn, sa.select(events.c.id).where(events.c.unique_key == unique)) is not None
