"""Lets an erasure, and nothing else, change what is append-only: while its own transaction holds a row in ``erasing``."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014_erasing"
down_revision = "0013_exclusions"
branch_labels = None
depends_on = None

_APPEND_ONLY = ("events", "decisions", "console_log")


def upgrade() -> None:
    """Make the table, and the triggers anew."""
    op.create_table(
        "erasing",
        sa.Column("customer", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("customer", name=op.f("pk_erasing")),
    )
    for table in _APPEND_ONLY:
        _sqlite(table) if op.get_bind().dialect.name == "sqlite" else _postgresql(table)


def _sqlite(table: str) -> None:
    op.execute(f"DROP TRIGGER {table}_no_update")
    op.execute(
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} WHEN NOT EXISTS (SELECT 1 FROM erasing) "  # noqa: S608 - names of our own
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


def _postgresql(table: str) -> None:
    op.execute(
        f"CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "  # noqa: S608 - names of our own
        f"IF TG_OP = 'UPDATE' AND EXISTS (SELECT 1 FROM erasing) THEN RETURN NULL; END IF; "
        f"RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
