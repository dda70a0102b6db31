"""Webhooks: which of Stripe's events were delivered here, and how often."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from recoup.ledger._store import Store, Transaction, first
from recoup.ledger.rows import WebhookRow
from recoup.ledger.schema import webhooks


class Webhooks:
    """Deliveries by Stripe, kept for figures and to know echoes; table ``webhooks``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def seen(self, event_id: str, kind: str, object_id: str | None, created: datetime, at: datetime) -> bool:
        """Note a delivery; True the first time this event comes, False for every further one. ``kind`` is Stripe's event type."""
        values = {"event_id": event_id, "type": kind, "object_id": object_id, "created": created}
        moments = {"first_at": at, "last_at": at, "deliveries": 1}

        def work(tx: Transaction) -> bool:
            if tx.insert_new(webhooks, values | moments, "event_id"):
                return True
            again = {"deliveries": webhooks.c.deliveries + 1, "last_at": at}
            tx.conn.execute(sa.update(webhooks).where(webhooks.c.event_id == event_id).values(**again))
            return False

        return self._store.write(work)

    def get(self, event_id: str) -> WebhookRow | None:
        """The event as it was delivered."""
        mine = sa.select(webhooks).where(webhooks.c.event_id == event_id)
        found = self._store.read(lambda conn: first(conn, mine))
        return WebhookRow.model_validate(found) if found else None

    def last_at(self) -> datetime | None:
        """When Stripe delivered anything last; None where it never has."""
        newest = sa.select(sa.func.max(webhooks.c.last_at))
        found: datetime | None = self._store.read(lambda conn: conn.execute(newest).scalar())
        return found
