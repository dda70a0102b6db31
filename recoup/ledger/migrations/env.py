"""Alembic's entry: runs on the connection that :mod:`recoup.ledger._migrating` opened, inside its transaction."""

from __future__ import annotations

from alembic import context

from recoup.ledger._migrating import VERSION_TABLE
from recoup.ledger.schema import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError(
        "migrations run through Ledger.migrate() or `recoup migrate`, not through Alembic's own command"
    )
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
