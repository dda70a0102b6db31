"""The table that opens what is append-only to an erasure: it holds a row while one runs, and none that anybody else sees."""

from __future__ import annotations

import sqlalchemy as sa

from recoup.ledger.schema import metadata

erasing = sa.Table("erasing", metadata, sa.Column("customer", sa.String(), primary_key=True))
