"""Retention: rows that only help for a while are taken out once they are old; whatever figures, guard or people look at stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from recoup.ledger._store import Store, Transaction
from recoup.ledger.console_schema import console_sessions
from recoup.ledger.rows import DeliveryState
from recoup.ledger.schema import deliveries, rates, webhooks

SHORTEST = timedelta(days=35)
"""Stripe can be asked for thirty days to send an event again, and whoever does must find that it was seen."""
BATCH = 2_000
"""So many rows go in one transaction, so that nobody who writes waits for long."""

_OLD = {
    webhooks: webhooks.c.last_at,
    rates: rates.c.at,
    console_sessions: console_sessions.c.expires_at,
    deliveries: deliveries.c.last_at,
}
"""What is pruned, by the moment that has to be long ago."""
PRUNED = frozenset(table.name for table in _OLD)


class Pruning:
    """Takes old rows out; see ``docs/ledger.md``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def prune(self, before: datetime, at: datetime) -> dict[str, int]:
        """Take out what is older; how many rows of which table.

        Broken off, it leaves what it has not come to yet for the next time.

        Raises:
            ValueError: ``before`` is less than :data:`SHORTEST` ago.
        """
        if before > at - SHORTEST:
            raise ValueError(f"what is younger than {SHORTEST.days} days is still needed")
        return {table.name: self._all(table, before) for table in _OLD}

    def _all(self, table: sa.Table, before: datetime) -> int:
        found = 0
        while gone := self._store.write(lambda tx: _some(tx, table, before)):
            found += gone
        return found


def _some(tx: Transaction, table: sa.Table, before: datetime) -> int:
    key: Sequence[sa.Column[object]] = list(table.primary_key.columns)
    old = _OLD[table] < before
    if table is deliveries:
        old &= deliveries.c.state == DeliveryState.DELIVERED.value
    some = sa.select(*key).where(old).limit(BATCH)
    return tx.conn.execute(sa.delete(table).where(sa.tuple_(*key).in_(some))).rowcount
