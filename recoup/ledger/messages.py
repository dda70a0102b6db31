"""Messages: reserved, then marked as being sent by exactly one sender, then sent, unknown or failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recoup.ledger._store import NotInLedger, Store, Transaction, every, first
from recoup.ledger._telling import Gate, ask, foreseen, write_said
from recoup.ledger.inputs import NewMessage, SaidOf
from recoup.ledger.rows import MessageInvoiceRow, MessageRow
from recoup.ledger.schema import message_invoices, messages
from recoup.rules.case import MessageState
from recoup.rules.conversation import YES, Answer

_UNDER_WAY = (MessageState.SENDING, MessageState.UNKNOWN)


class Messages:
    """What customers were told, without names, addresses and texts; table ``messages``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def reserve(self, new: NewMessage, at: datetime) -> MessageRow:
        """Write the message down before it is sent; the same key again gives the row that is there."""

        def work(tx: Transaction) -> MessageRow:
            values = new.model_dump(mode="json") | {"state": MessageState.RESERVED, "reserved_at": at}
            inserted = tx.insert_new(messages, values, "key")
            row = _locked(tx, new.key)
            if inserted:
                _event(tx, "message_reserved", row, at, {"template": row.template, "channel": row.channel})
            return row

        return self._store.write(work)

    def ask(self, gate: Gate, at: datetime) -> Answer:
        """Whether this message would go out now. Nothing is promised: :meth:`begin_sending` asks again."""
        return self._store.write(lambda tx: ask(tx, gate, at), lock=[gate.lock])

    def foreseen(self, gate: Gate) -> Answer:
        """What :meth:`ask` would answer; nothing is written down, so that somebody may look beforehand."""
        return self._store.read(lambda conn: foreseen(conn, gate))

    def begin_sending(
        self,
        key: str,
        at: datetime,
        says: Sequence[SaidOf] = (),
        gate: Gate | None = None,
        to: Mapping[str, str | int] | None = None,
    ) -> Answer | None:
        """Yes for exactly one caller: that one sends. ``None`` for all others, now and later.

        Where the gate has another answer the message stays reserved. The answer, the count and what the message says are one
        transaction, in which nobody else speaks to the customer. ``to`` is written down with it: whom of the account it reaches.
        """

        def work(tx: Transaction) -> Answer | None:
            row = _locked(tx, key)
            if row.state is not MessageState.RESERVED:
                return None
            if gate is not None and not (answer := ask(tx, gate, at)).is_yes:
                return answer
            mine = messages.c.key == key, messages.c.state == MessageState.RESERVED
            change = sa.update(messages).where(*mine).values(state=MessageState.SENDING, sending_at=at)
            if tx.conn.execute(change).rowcount != 1:
                return None
            write_said(tx, key, says, gate.wish.invoice if gate else None)
            _event(tx, "message_sending", row, at, dict(to or {}))
            return YES

        return self._store.write(work, lock=[gate.lock] if gate else ())

    def release(self, key: str, because: str, at: datetime) -> MessageRow:
        """The sender said for certain that it did not take the message (busy, throttled): it may be sent again later."""
        values = {"state": MessageState.RESERVED, "sending_at": None, "because": because}
        return self._move(key, (MessageState.SENDING,), values, at, "message_released")

    def mark_sent(self, key: str, provider_id: str | None, at: datetime) -> MessageRow:
        """The sender took the message; also when that is found out later about an unknown one."""
        values = {
            "state": MessageState.SENT,
            "provider_id": provider_id,
            "because": None,
            "finished_at": at,
        }
        return self._move(key, _UNDER_WAY, values, at, "message_sent")

    def mark_unknown(self, key: str, at: datetime) -> MessageRow:
        """It was being sent and no answer came: counts as sent, is never repeated, and confirms nothing."""
        values = {"state": MessageState.UNKNOWN, "finished_at": at}
        return self._move(key, (MessageState.SENDING,), values, at, "message_unknown")

    def mark_failed(self, key: str, because: str, at: datetime) -> MessageRow:
        """It was refused for good: no address, rejected by the sender."""
        values = {"state": MessageState.FAILED, "because": because, "finished_at": at}
        return self._move(key, (MessageState.RESERVED, *_UNDER_WAY), values, at, "message_failed")

    def change_channel(self, key: str, channel: str) -> None:
        """It goes out over another channel than it was written down for; only while nobody has begun to send it."""
        mine = messages.c.key == key, messages.c.state == MessageState.RESERVED
        self._store.write(
            lambda tx: tx.conn.execute(sa.update(messages).where(*mine).values(channel=channel))
        )

    def mark_stopped(self, key: str, because: str, at: datetime) -> MessageRow:
        """It never goes out: every channel that it could take is stopped."""
        values = {"state": MessageState.STOPPED, "because": because, "finished_at": at}
        return self._move(key, (MessageState.RESERVED,), values, at, "message_stopped")

    def mark_returned(self, key: str, because: str, at: datetime) -> MessageRow:
        """It went out, perhaps without an answer, and came back for good: it has said nothing."""
        finished = sa.func.coalesce(messages.c.finished_at, sa.literal(at, messages.c.finished_at.type))
        values = {"state": MessageState.RETURNED, "because": because, "finished_at": finished}
        return self._move(key, (MessageState.SENT, *_UNDER_WAY), values, at, "message_returned")

    def by_provider_id(self, provider_id: str) -> MessageRow | None:
        """The message that the sender calls so."""
        found = self._list(messages.c.provider_id == provider_id)
        return found[0] if found else None

    def unanswered(self, since: datetime) -> list[MessageRow]:
        """Messages that began to be sent at or after this moment and of which the sender's name is not known (yet)."""
        return self._list(messages.c.state.in_(_UNDER_WAY), messages.c.sending_at >= since)

    def get(self, key: str) -> MessageRow | None:
        """The message with this key."""
        found = self._store.read(lambda conn: first(conn, sa.select(messages).where(messages.c.key == key)))
        return MessageRow.model_validate(found) if found else None

    def of_case(self, case_id: str) -> list[MessageRow]:
        """The case's messages in the order they were reserved."""
        return self._list(messages.c.case_id == case_id)

    def of_customer(self, customer: str, since: datetime) -> list[MessageRow]:
        """The customer's messages reserved at or after this moment, over all cases."""
        return self._list(messages.c.customer == customer, messages.c.reserved_at >= since)

    def counts(self, since: datetime) -> dict[tuple[str, str], int]:
        """How many messages of each channel are in each state, of those written down since a moment."""
        columns = messages.c.channel, messages.c.state
        statement = sa.select(*columns, sa.func.count()).where(messages.c.reserved_at >= since)
        found = self._store.read(lambda conn: conn.execute(statement.group_by(*columns)).all())
        return {(channel, state): count for channel, state, count in found}

    def said_of(self, invoice: str) -> list[MessageInvoiceRow]:
        """What messages said of an invoice, also those that never went out, in the order of their keys."""
        query = sa.select(message_invoices).where(message_invoices.c.invoice == invoice)
        found = self._store.read(lambda conn: every(conn, query.order_by(message_invoices.c.message)))
        return [MessageInvoiceRow.model_validate(row) for row in found]

    def _list(self, *where: sa.ColumnElement[bool]) -> list[MessageRow]:
        statement = sa.select(messages).where(*where).order_by(messages.c.reserved_at, messages.c.key)
        return [
            MessageRow.model_validate(row) for row in self._store.read(lambda conn: every(conn, statement))
        ]

    def _move(
        self, key: str, origins: tuple[MessageState, ...], values: dict[str, Any], at: datetime, kind: str
    ) -> MessageRow:
        """Change the state where it is one of ``origins``; otherwise the row stays as it is."""

        def work(tx: Transaction) -> MessageRow:
            before = _locked(tx, key)
            if before.state not in origins:
                return before
            tx.conn.execute(sa.update(messages).where(messages.c.key == key).values(**values))
            said = {name: values[name] for name in ("state", "provider_id", "because") if values.get(name)}
            said |= {"template": before.template, "channel": before.channel}
            _event(tx, kind, before, at, said)
            return _locked(tx, key)

        return self._store.write(work)


def _locked(tx: Transaction, key: str) -> MessageRow:
    found = first(tx.conn, sa.select(messages).where(messages.c.key == key).with_for_update())
    if found is None:
        raise NotInLedger(f"the ledger has no message {key}")
    return MessageRow.model_validate(found)


def _event(
    tx: Transaction, kind: str, row: MessageRow, at: datetime, data: dict[str, Any] | None = None
) -> None:
    said = {"message": row.key} | (data or {})
    tx.event(kind, at, case_id=row.case_id, customer=row.customer, data=said)
