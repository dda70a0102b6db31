"""The tables of what figures are made from, folded and kept."""

from __future__ import annotations

import sqlalchemy as sa

from recoup.ledger._types import UtcDateTime
from recoup.ledger.schema import metadata

figure_blocks = sa.Table(
    "figure_blocks",
    metadata,
    sa.Column("month", sa.String(), primary_key=True),
    sa.Column("last_at", UtcDateTime(), nullable=False),
    sa.Column("facts", sa.LargeBinary(), nullable=False),
    sa.Column("names", sa.LargeBinary(), nullable=False),
)

figure_folds = sa.Table(
    "figure_folds",
    metadata,
    sa.Column("version", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("event", sa.BigInteger(), nullable=False),
    sa.Column("customer", sa.String(), nullable=True),
    sa.Column("imported_at", UtcDateTime(), nullable=True),
)
