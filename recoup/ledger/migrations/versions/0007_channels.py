"""Channels over which nothing goes out to a customer or an address."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007_channels"
down_revision = "0006_people"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and let messages be found by what their sender calls them."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "channel_stops",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("stopped_at", moment, nullable=False),
        sa.Column("opened_at", moment, nullable=True),
        sa.Column("opened_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("channel", "subject", name=op.f("pk_channel_stops")),
    )
    op.create_index("ix_channel_stops_customer", "channel_stops", ["customer"])
    op.create_index("ix_messages_provider_id", "messages", ["provider_id"])
