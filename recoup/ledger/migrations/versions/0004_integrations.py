"""How far each destination outside has read the events, and the deliveries that did not go at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_integrations"
down_revision = "0003_conversation"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "destinations",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.Column("trying", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("held_until", moment, nullable=True),
        sa.Column("because", sa.String(), nullable=True),
        sa.Column("delivered", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at", moment, nullable=True),
        sa.Column("claimed_by", sa.String(), nullable=True),
        sa.Column("claimed_until", moment, nullable=True),
        sa.Column("began_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_destinations")),
    )
    op.create_table(
        "deliveries",
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("because", sa.String(), nullable=True),
        sa.Column("first_at", moment, nullable=False),
        sa.Column("last_at", moment, nullable=True),
        sa.Column("next_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("destination", "event", name=op.f("pk_deliveries")),
    )
    op.create_index(
        "ix_deliveries_destination_state_subject", "deliveries", ["destination", "state", "subject"]
    )
