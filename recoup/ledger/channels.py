"""Channels over which nothing goes out: for a customer as a whole, or for one address, known by its keyed hash alone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recoup.ledger._store import Store, Transaction, every, first
from recoup.ledger.channels_rows import ChannelStopRow, NewStop
from recoup.ledger.channels_schema import channel_stops
from recoup.rules.channels import Channel, Stopped


class Channels:
    """What bounces, complaints, customers and operators have stopped; table ``channel_stops``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def stop(self, new: NewStop, at: datetime) -> bool:
        """Stop a channel; False where it is stopped already, or where an operator opened it after what is told had happened."""
        values: dict[str, Any] = new.model_dump(exclude={"happened"}) | {"stopped_at": at}
        values |= {"opened_at": None, "opened_by": None}

        def work(tx: Transaction) -> bool:
            if not tx.insert_new(channel_stops, values, "channel", "subject"):
                before = _locked(tx, new.channel, new.subject)
                if before.opened_at is None or (new.happened or at) < before.opened_at:
                    return False
                known = {"customer": new.customer or before.customer}
                tx.conn.execute(sa.update(channel_stops).where(*_named(new)).values(**values | known))
            said = {"channel": new.channel, "reason": new.reason, "detail": new.detail}
            tx.event("channel_stopped", at, customer=new.customer, actor=new.actor, data=said)
            return True

        return self._store.write(work, lock=[f"channel/{new.channel}/{new.subject}"])

    def open(
        self,
        channel: Channel,
        customer: str,
        subjects: Collection[str],
        at: datetime,
        *,
        actor: str,
        because: str,
    ) -> int:
        """Let messages to a customer out again; ``subjects`` are the names of their address. How many stops were lifted."""
        theirs = _whose(customer, subjects)
        closed = channel_stops.c.channel == channel, channel_stops.c.opened_at.is_(None), theirs

        def work(tx: Transaction) -> int:
            found = tx.conn.execute(
                sa.update(channel_stops)
                .where(*closed)
                .values(opened_at=at, opened_by=actor)
                .returning(channel_stops.c.subject)
            ).all()
            if found:
                said = {"channel": channel, "because": because}
                tx.event("channel_opened", at, customer=customer, actor=actor, data=said)
            return len(found)

        return self._store.write(work, lock=[f"channel/{channel}/{customer}"])

    def stopped(self, channel: Channel, subjects: Collection[str]) -> Stopped | None:
        """Why nothing goes out over this channel to whoever has one of these names."""
        return self._store.read(lambda conn: stopped(conn, channel, subjects))

    def stopped_now(self, limit: int = 200) -> list[ChannelStopRow]:
        """What is stopped, the newest first."""
        query = sa.select(channel_stops).where(channel_stops.c.opened_at.is_(None))
        order = (channel_stops.c.stopped_at.desc(), channel_stops.c.channel, channel_stops.c.subject)
        found = self._store.read(lambda conn: every(conn, query.order_by(*order).limit(limit)))
        return [ChannelStopRow.model_validate(row) for row in found]

    def of_customer(self, customer: str, subjects: Collection[str] = ()) -> list[ChannelStopRow]:
        """What is stopped now and known to be the customer's, or their address's, the oldest first."""
        theirs = _whose(customer, subjects)
        query = sa.select(channel_stops).where(theirs, channel_stops.c.opened_at.is_(None))
        order = (channel_stops.c.stopped_at, channel_stops.c.channel, channel_stops.c.subject)
        found = self._store.read(lambda conn: every(conn, query.order_by(*order)))
        return [ChannelStopRow.model_validate(row) for row in found]


def stopped(conn: sa.Connection, channel: str, subjects: Collection[str]) -> Stopped | None:
    """The oldest stop of a channel that holds for one of these names."""
    where = (
        channel_stops.c.channel == channel,
        channel_stops.c.subject.in_(list(subjects)),
        channel_stops.c.opened_at.is_(None),
    )
    query = sa.select(channel_stops).where(*where)
    found = first(conn, query.order_by(channel_stops.c.stopped_at, channel_stops.c.subject).limit(1))
    return ChannelStopRow.model_validate(found).stopped if found else None


def _whose(customer: str, subjects: Collection[str]) -> sa.ColumnElement[bool]:
    return sa.or_(channel_stops.c.customer == customer, channel_stops.c.subject.in_([customer, *subjects]))


def _named(new: NewStop) -> tuple[sa.ColumnElement[bool], ...]:
    return channel_stops.c.channel == new.channel, channel_stops.c.subject == new.subject


def _locked(tx: Transaction, channel: Channel, subject: str) -> ChannelStopRow:
    mine = channel_stops.c.channel == channel, channel_stops.c.subject == subject
    return ChannelStopRow.model_validate(
        first(tx.conn, sa.select(channel_stops).where(*mine).with_for_update())
    )
