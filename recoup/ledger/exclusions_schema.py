"""The table of customers whose failures are not recovered."""

from __future__ import annotations

import sqlalchemy as sa

from recoup.ledger._types import UtcDateTime
from recoup.ledger.schema import metadata

exclusions = sa.Table(
    "exclusions",
    metadata,
    sa.Column("customer", sa.String(), primary_key=True),
    sa.Column("excluded_at", UtcDateTime(), nullable=False),
    sa.Column("actor", sa.String(), nullable=False),
    sa.Column("because", sa.String(), nullable=False),
    sa.Column("ended_at", UtcDateTime(), nullable=True),
    sa.Column("ended_by", sa.String(), nullable=True),
)
