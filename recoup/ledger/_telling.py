"""The gate in front of every message: what was said to the customer, and the rules' answer, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recoup.ledger._store import Transaction, every
from recoup.ledger.channels import stopped
from recoup.ledger.inputs import SaidOf
from recoup.ledger.schema import message_invoices, messages
from recoup.rules.case import MessageState
from recoup.rules.conversation import Answer, History, Told, Wish

COUNTED = (MessageState.SENDING, MessageState.SENT, MessageState.UNKNOWN)
"""What went out, or may have: it uses the budget up, and it may have said what another message would."""


@dataclass(frozen=True)
class Gate:
    """A message that wants to go out, and who decides whether it may."""

    wish: Wish
    since: datetime
    """From here on the customer's messages are counted."""
    decide: Callable[[History], Answer]

    @property
    def lock(self) -> str:
        """What a transaction must have for itself to ask."""
        return f"conversation/{self.wish.customer}"


def ask(tx: Transaction, gate: Gate, at: datetime) -> Answer:
    """The answer to a wish; what another message has said is kept as said for it, and for no other of the invoice's."""
    wish, answer = gate.wish, foreseen(tx.conn, gate)
    covered = answer.covered_by
    if covered is not None and covered.stands_for is None:
        mine = (message_invoices.c.message == covered.message, message_invoices.c.invoice == wish.invoice)
        tx.conn.execute(sa.update(message_invoices).where(*mine).values(stands_for=wish.key))
        data = {"message": wish.key, "by": covered.message}
        tx.event("message_covered", at, invoice=wish.invoice, customer=wish.customer, data=data)
    return answer


def foreseen(conn: sa.Connection, gate: Gate) -> Answer:
    """What the answer would be; nothing is written down."""
    wish = gate.wish
    return gate.decide(
        History(
            told=_told(conn, wish.invoice),
            sent=_sent(conn, wish.customer, gate.since),
            stopped=stopped(conn, wish.channel, wish.subjects),
        )
    )


def write_said(tx: Transaction, message: str, says: Sequence[SaidOf], own: str | None) -> None:
    """Write down what a message says of which invoices, in place of what an earlier try of it would have said."""
    tx.conn.execute(sa.delete(message_invoices).where(message_invoices.c.message == message))
    for each in says:
        stands_for = message if each.invoice == own else None
        # Not as JSON: the moment is a column of its own.
        values: dict[str, Any] = each.model_dump() | {"message": message, "stands_for": stands_for}
        tx.conn.execute(sa.insert(message_invoices).values(**values))


def _told(conn: sa.Connection, invoice: str | None) -> tuple[Told, ...]:
    if invoice is None:
        return ()
    columns = (
        messages.c.key.label("message"), messages.c.template, messages.c.channel, messages.c.state,
        messages.c.sending_at.label("at"), message_invoices.c.said, message_invoices.c.stands_for,
    )  # fmt: skip
    found = (
        sa.select(*columns)
        .join(message_invoices, message_invoices.c.message == messages.c.key)
        .where(message_invoices.c.invoice == invoice, messages.c.state.in_(COUNTED))
        .order_by(messages.c.sending_at.desc(), messages.c.key)
    )
    return tuple(Told.model_validate(row) for row in every(conn, found))


def _sent(conn: sa.Connection, customer: str, since: datetime) -> tuple[datetime, ...]:
    counted = messages.c.customer == customer, messages.c.state.in_(COUNTED), messages.c.sending_at > since
    return tuple(conn.execute(sa.select(messages.c.sending_at).where(*counted)).scalars())
