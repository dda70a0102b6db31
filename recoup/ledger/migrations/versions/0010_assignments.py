"""Customers whom experiments have drawn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010_assignments"
down_revision = "0009_console"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "assignments",
        sa.Column("experiment", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("arm", sa.String(), nullable=False),
        sa.Column("propensity", sa.Double(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("experiment", "customer", name=op.f("pk_assignments")),
    )
    op.create_index("ix_assignments_experiment_assigned_at", "assignments", ["experiment", "assigned_at"])
