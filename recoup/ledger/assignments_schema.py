"""The table of customers whom experiments have drawn."""

from __future__ import annotations

import sqlalchemy as sa

from recoup.ledger._types import UtcDateTime
from recoup.ledger.schema import metadata

assignments = sa.Table(
    "assignments",
    metadata,
    sa.Column("experiment", sa.String(), primary_key=True),
    sa.Column("customer", sa.String(), primary_key=True),
    sa.Column("arm", sa.String(), nullable=False),
    sa.Column("propensity", sa.Double(), nullable=False),
    sa.Column("case_id", sa.String(), nullable=False),
    sa.Column("assigned_at", UtcDateTime(), nullable=False),
    sa.Index("ix_assignments_experiment_assigned_at", "experiment", "assigned_at"),
)
