"""The tables of what happened at Stripe with and without Recoup: subscriptions, invoices, their payments and charges."""

from __future__ import annotations

import sqlalchemy as sa

from recoup.ledger._types import UtcDateTime
from recoup.ledger.schema import metadata


def _text(name: str, *, null: bool = False, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=null, primary_key=key)


def _moment(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, UtcDateTime(), nullable=null)


def _amount(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


history_subscriptions = sa.Table(
    "history_subscriptions",
    metadata,
    _text("subscription", key=True),
    _text("customer"),
    _text("status"),
    _text("currency"),
    _moment("started_at"),
    _moment("trial_end", null=True),
    _moment("ended_at", null=True),
    _text("end_reason", null=True),
    _flag("live"),
    _moment("read_at"),
)

history_invoices = sa.Table(
    "history_invoices",
    metadata,
    _text("invoice", key=True),
    _text("customer", null=True),
    _text("subscription", null=True),
    _text("reason", null=True),
    _text("status"),
    _text("currency"),
    _amount("due"),
    _amount("paid"),
    _moment("made_at"),
    _moment("paid_at", null=True),
    _flag("live"),
    _moment("read_at"),
    sa.Index("ix_history_invoices_subscription", "subscription"),
)

history_payments = sa.Table(
    "history_payments",
    metadata,
    _text("payment", key=True),
    _text("invoice"),
    _text("payment_intent", null=True),
    _text("status"),
    _text("currency"),
    _amount("paid"),
    _moment("made_at"),
    _moment("paid_at", null=True),
    _moment("read_at"),
    sa.Index("ix_history_payments_invoice", "invoice"),
    sa.Index("ix_history_payments_payment_intent", "payment_intent"),
)

history_charges = sa.Table(
    "history_charges",
    metadata,
    _text("charge", key=True),
    _text("customer", null=True),
    _text("payment_intent", null=True),
    _text("status"),
    _text("currency"),
    _amount("amount"),
    _amount("refunded"),
    _flag("disputed"),
    _text("code", null=True),
    _text("brand", null=True),
    _moment("made_at"),
    _moment("read_at"),
    sa.Index("ix_history_charges_payment_intent", "payment_intent"),
)

history_imports = sa.Table(
    "history_imports",
    metadata,
    _text("name", key=True),
    _moment("since"),
    _moment("reads_since"),
    _text("after", null=True),
    sa.Column("seen", sa.Integer(), nullable=False),
    _moment("began_at"),
    _moment("finished_at", null=True),
)
