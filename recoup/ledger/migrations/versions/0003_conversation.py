"""What each message said of which invoices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_conversation"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "message_invoices",
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("said", sa.String(), nullable=False),
        sa.Column("suspend_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stands_for", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("message", "invoice", name=op.f("pk_message_invoices")),
        sa.ForeignKeyConstraint(
            ["message"], ["messages.key"], name=op.f("fk_message_invoices_message_messages")
        ),
    )
    op.create_index("ix_message_invoices_invoice", "message_invoices", ["invoice"])
