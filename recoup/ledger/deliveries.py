"""Deliveries: how far each system outside has been told of the events, and what did not go at once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from recoup.ledger._store import NotInLedger, Store, Transaction, every, first
from recoup.ledger.rows import DeliveryRow, DeliveryState, DestinationRow
from recoup.ledger.schema import deliveries, destinations

_WAITING = deliveries.c.state == DeliveryState.WAITING


class ClaimLost(RuntimeError):
    """Another worker has taken the destination over: whatever this one still does there, it does in vain."""


class Deliveries:
    """Bookmarks and late deliveries; tables ``destinations``, ``deliveries``.

    One worker at a time has a destination, for as long as its claim holds; all that it writes names it by ``by``, and
    raises :class:`ClaimLost` when the claim has gone to another one.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def register(self, name: str, taken: int, at: datetime) -> DestinationRow:
        """Begin a destination after this event; one that is there stays as it is."""

        def work(tx: Transaction) -> DestinationRow:
            values = {"name": name, "taken": taken, "failures": 0, "delivered": 0, "began_at": at}
            tx.insert_new(destinations, values, "name")
            return _locked(tx, name)

        return self._store.write(work)

    def claim(self, name: str, by: str, at: datetime, lasting: timedelta) -> DestinationRow | None:
        """Have the destination alone for so long; None while another worker has it."""

        def work(tx: Transaction) -> DestinationRow | None:
            row = _locked(tx, name)
            if row.claimed_by not in (None, by) and row.claimed_until is not None and row.claimed_until > at:
                return None
            return _change(tx, name, {"claimed_by": by, "claimed_until": at + lasting})

        return self._store.write(work)

    def release(self, name: str, by: str, taken: int) -> None:
        """Let go of the destination; ``taken`` is the last event that needs nothing more."""

        def work(tx: Transaction) -> None:
            furthest = max(_locked(tx, name).taken, taken)
            _mine(tx, name, by, {"taken": furthest, "claimed_by": None, "claimed_until": None})

        self._store.write(work)

    def begin(self, name: str, by: str, event: int, at: datetime, lasting: timedelta) -> bool:
        """An event is about to be delivered; True where it may have arrived already: it was begun before, or has a row."""

        def work(tx: Transaction) -> bool:
            before = _locked(tx, name)
            known = _row(tx, name, event)
            _mine(tx, name, by, {"trying": event, "claimed_until": at + lasting})
            return before.trying == event or known is not None

        return self._store.write(work)

    def succeeded(self, name: str, by: str, event: int, at: datetime) -> None:
        """The destination has it."""

        def work(tx: Transaction) -> None:
            before = _locked(tx, name)
            values = {"delivered": before.delivered + 1, "delivered_at": at, "failures": 0}
            _mine(tx, name, by, values | _done(before, event) | {"because": None, "held_until": None})
            if (row := _row(tx, name, event)) is not None:
                done = {"state": DeliveryState.DELIVERED, "attempts": row.attempts + 1, "last_at": at}
                _change_row(tx, name, event, done | {"next_at": None, "because": None, "status": None})

        self._store.write(work)

    def put_off(
        self,
        name: str,
        by: str,
        event: int,
        subject: str,
        at: datetime,
        *,
        next_at: datetime,
        because: str,
        status: int | None = None,
        hold: bool = False,
        give_up_after: timedelta | None = None,
    ) -> DeliveryRow:
        """It did not arrive: it is tried again at ``next_at``, or never, where that has been so since ``give_up_after``.

        With ``hold`` nothing else is tried there before that moment.
        """

        def work(tx: Transaction) -> DeliveryRow:
            before = _locked(tx, name)
            held = {"held_until": next_at} if hold else {}
            trouble = {"failures": before.failures + 1, "because": because}
            _mine(tx, name, by, _done(before, event) | trouble | held)
            row = _row(tx, name, event) or _insert(tx, name, event, subject, at)
            first_at = row.first_at if row.attempts else at
            is_dead = give_up_after is not None and at - first_at >= give_up_after
            values: dict[str, Any] = {
                "state": DeliveryState.DEAD if is_dead else DeliveryState.WAITING,
                "next_at": None if is_dead else next_at,
                "attempts": row.attempts + 1,
                "first_at": first_at,
                "last_at": at,
                "because": because,
                "status": status,
            }
            return _change_row(tx, name, event, values)

        return self._store.write(work)

    def refused(
        self, name: str, by: str, event: int, subject: str, at: datetime, because: str, status: int | None
    ) -> DeliveryRow:
        """The destination said no to this one: it is kept, and not tried again by itself."""

        def work(tx: Transaction) -> DeliveryRow:
            before = _locked(tx, name)
            _mine(tx, name, by, _done(before, event) | {"failures": 0, "held_until": None})
            row = _row(tx, name, event) or _insert(tx, name, event, subject, at)
            values = {"state": DeliveryState.REFUSED, "attempts": row.attempts + 1, "last_at": at}
            return _change_row(
                tx, name, event, values | {"because": because, "status": status, "next_at": None}
            )

        return self._store.write(work)

    def drop(self, name: str, by: str, event: int) -> None:
        """Forget a late delivery: it turned out to be none of the destination's business."""

        def work(tx: Transaction) -> None:
            _mine(tx, name, by, {"trying": None})
            mine = deliveries.c.destination == name, deliveries.c.event == event
            tx.conn.execute(sa.delete(deliveries).where(*mine))

        self._store.write(work)

    def queue_behind(self, name: str, by: str, event: int, subject: str, at: datetime) -> None:
        """It waits for an earlier one about the same customer, so that what concerns one customer stays in order."""

        def work(tx: Transaction) -> None:
            before = _locked(tx, name)
            _mine(tx, name, by, _done(before, event))
            if _row(tx, name, event) is None:
                _insert(tx, name, event, subject, at)

        self._store.write(work)

    def again(self, name: str, events: Collection[tuple[int, str]], at: datetime) -> int:
        """Deliver these events (id and subject) once more, whatever became of them; how many there are."""

        def work(tx: Transaction) -> int:
            _locked(tx, name)
            for event, subject in events:
                fresh = {"state": DeliveryState.WAITING, "next_at": at, "first_at": at, "attempts": 0}
                if _row(tx, name, event) is None:
                    _insert(tx, name, event, subject, at)
                _change_row(tx, name, event, fresh)
            _change(tx, name, {"held_until": None})
            return len(events)

        return self._store.write(work)

    def next_due(self, name: str, at: datetime) -> DeliveryRow | None:
        """The oldest late delivery that is due and has no earlier one about the same customer before it."""
        earlier = deliveries.alias("earlier")
        mine = earlier.c.destination == name, earlier.c.subject == deliveries.c.subject
        stands_before = sa.exists().where(
            *mine, earlier.c.state == DeliveryState.WAITING, earlier.c.event < deliveries.c.event
        )
        due = deliveries.c.destination == name, _WAITING, deliveries.c.next_at <= at
        statement = sa.select(deliveries).where(*due, ~stands_before).order_by(deliveries.c.event).limit(1)
        found = self._store.read(lambda conn: first(conn, statement))
        return DeliveryRow.model_validate(found) if found else None

    def waits(self, name: str, subject: str) -> bool:
        """Whether an event about this customer waits to be delivered."""
        mine = deliveries.c.destination == name, deliveries.c.subject == subject, _WAITING
        statement = sa.select(deliveries.c.event).where(*mine).limit(1)
        return self._store.read(lambda conn: conn.execute(statement).first()) is not None

    def get(self, name: str) -> DestinationRow | None:
        """The destination as it stands."""
        statement = sa.select(destinations).where(destinations.c.name == name)
        found = self._store.read(lambda conn: first(conn, statement))
        return DestinationRow.model_validate(found) if found else None

    def names(self) -> list[str]:
        """Every destination that ever began."""
        statement = sa.select(destinations.c.name).order_by(destinations.c.name)
        return list(self._store.read(lambda conn: conn.execute(statement).scalars().all()))

    def counts(self, name: str) -> dict[DeliveryState, int]:
        """How many late deliveries are in each state."""
        statement = (
            sa.select(deliveries.c.state, sa.func.count())
            .where(deliveries.c.destination == name)
            .group_by(deliveries.c.state)
        )
        found = self._store.read(lambda conn: conn.execute(statement).all())
        return {DeliveryState(state): count for state, count in found}

    def late(self, name: str, *states: DeliveryState, limit: int = 100) -> list[DeliveryRow]:
        """Deliveries in these states, oldest event first."""
        mine = deliveries.c.destination == name, deliveries.c.state.in_(states)
        statement = sa.select(deliveries).where(*mine).order_by(deliveries.c.event).limit(limit)
        found = self._store.read(lambda conn: every(conn, statement))
        return [DeliveryRow.model_validate(row) for row in found]


def _locked(tx: Transaction, name: str) -> DestinationRow:
    found = first(tx.conn, sa.select(destinations).where(destinations.c.name == name).with_for_update())
    if found is None:
        raise NotInLedger(f"the ledger has no destination {name}")
    return DestinationRow.model_validate(found)


def _change(tx: Transaction, name: str, values: dict[str, Any]) -> DestinationRow:
    tx.conn.execute(sa.update(destinations).where(destinations.c.name == name).values(**values))
    return _locked(tx, name)


def _mine(tx: Transaction, name: str, by: str, values: dict[str, Any]) -> None:
    mine = destinations.c.name == name, destinations.c.claimed_by == by
    if tx.conn.execute(sa.update(destinations).where(*mine).values(**values)).rowcount != 1:
        raise ClaimLost(f"another worker delivers to {name} now")


def _done(before: DestinationRow, event: int) -> dict[str, Any]:
    """The bookmark after an event that needs nothing more of it; a late one does not move it back."""
    return {"taken": max(before.taken, event), "trying": None}


def _row(tx: Transaction, name: str, event: int) -> DeliveryRow | None:
    mine = deliveries.c.destination == name, deliveries.c.event == event
    found = first(tx.conn, sa.select(deliveries).where(*mine))
    return DeliveryRow.model_validate(found) if found else None


def _insert(tx: Transaction, name: str, event: int, subject: str, at: datetime) -> DeliveryRow:
    values = {"destination": name, "event": event, "subject": subject, "state": DeliveryState.WAITING}
    moments = {"first_at": at, "next_at": at, "attempts": 0}
    made = tx.conn.execute(sa.insert(deliveries).values(**values, **moments).returning(deliveries))
    return DeliveryRow.model_validate(dict(made.mappings().one()))


def _change_row(tx: Transaction, name: str, event: int, values: dict[str, Any]) -> DeliveryRow:
    mine = deliveries.c.destination == name, deliveries.c.event == event
    made = tx.conn.execute(sa.update(deliveries).where(*mine).values(**values).returning(deliveries))
    return DeliveryRow.model_validate(dict(made.mappings().one()))
