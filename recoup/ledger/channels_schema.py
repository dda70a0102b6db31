"""The table of channels over which nothing goes out."""

from __future__ import annotations

import sqlalchemy as sa

from recoup.ledger._types import UtcDateTime
from recoup.ledger.schema import metadata

channel_stops = sa.Table(
    "channel_stops",
    metadata,
    sa.Column("channel", sa.String(), primary_key=True),
    sa.Column("subject", sa.String(), primary_key=True),
    sa.Column("customer", sa.String(), nullable=True),
    sa.Column("reason", sa.String(), nullable=False),
    sa.Column("detail", sa.String(), nullable=True),
    sa.Column("actor", sa.String(), nullable=False),
    sa.Column("stopped_at", UtcDateTime(), nullable=False),
    sa.Column("opened_at", UtcDateTime(), nullable=True),
    sa.Column("opened_by", sa.String(), nullable=True),
    sa.Index("ix_channel_stops_customer", "customer"),
)
