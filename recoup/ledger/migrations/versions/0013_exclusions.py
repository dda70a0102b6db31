"""Customers whose failures are not recovered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013_exclusions"
down_revision = "0012_history"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "exclusions",
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("excluded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("because", sa.String(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("customer", name=op.f("pk_exclusions")),
    )
