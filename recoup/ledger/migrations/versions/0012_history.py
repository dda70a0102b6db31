"""What an import reads of the time before Recoup."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012_history"
down_revision = "0010_assignments"
branch_labels = None
depends_on = None


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=null)


def _moment(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _amount(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def upgrade() -> None:
    """Make the tables."""
    _subscriptions_and_invoices()
    _payments_and_charges()
    op.create_table(
        "history_imports",
        _text("name"),
        _moment("since"),
        _moment("reads_since"),
        _text("after", null=True),
        sa.Column("seen", sa.Integer(), nullable=False),
        _moment("began_at"),
        _moment("finished_at", null=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_history_imports")),
    )


def _subscriptions_and_invoices() -> None:
    op.create_table(
        "history_subscriptions",
        _text("subscription"),
        _text("customer"),
        _text("status"),
        _text("currency"),
        _moment("started_at"),
        _moment("trial_end", null=True),
        _moment("ended_at", null=True),
        _text("end_reason", null=True),
        _flag("live"),
        _moment("read_at"),
        sa.PrimaryKeyConstraint("subscription", name=op.f("pk_history_subscriptions")),
    )
    op.create_table(
        "history_invoices",
        _text("invoice"),
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
        sa.PrimaryKeyConstraint("invoice", name=op.f("pk_history_invoices")),
    )
    op.create_index("ix_history_invoices_subscription", "history_invoices", ["subscription"])


def _payments_and_charges() -> None:
    op.create_table(
        "history_payments",
        _text("payment"),
        _text("invoice"),
        _text("payment_intent", null=True),
        _text("status"),
        _text("currency"),
        _amount("paid"),
        _moment("made_at"),
        _moment("paid_at", null=True),
        _moment("read_at"),
        sa.PrimaryKeyConstraint("payment", name=op.f("pk_history_payments")),
    )
    op.create_index("ix_history_payments_invoice", "history_payments", ["invoice"])
    op.create_index("ix_history_payments_payment_intent", "history_payments", ["payment_intent"])
    op.create_table(
        "history_charges",
        _text("charge"),
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
        sa.PrimaryKeyConstraint("charge", name=op.f("pk_history_charges")),
    )
    op.create_index("ix_history_charges_payment_intent", "history_charges", ["payment_intent"])
