"""Folded facts that figures are made from, and an index by which the charges of a customer are found for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016_figures"
down_revision = "0015_browsing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and the index."""
    op.create_index("ix_observed_charges_customer", "observed_charges", ["customer"])
    op.create_table(
        "figure_blocks",
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.Column("names", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_figure_blocks")),
    )
    op.create_table(
        "figure_folds",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.Column("customer", sa.String(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_figure_folds")),
    )
