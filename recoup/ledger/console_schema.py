"""The tables of the operators' console: accounts, sessions, and the log of what was done there."""

from __future__ import annotations

import sqlalchemy as sa

from recoup.ledger._types import Json, RowId, UtcDateTime
from recoup.ledger.schema import metadata

console_users = sa.Table(
    "console_users",
    metadata,
    sa.Column("name", sa.String(), primary_key=True),
    sa.Column("role", sa.String(), nullable=False),
    sa.Column("password", sa.String(), nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("password_at", UtcDateTime(), nullable=False),
    sa.Column("disabled_at", UtcDateTime(), nullable=True),
)

console_sessions = sa.Table(
    "console_sessions",
    metadata,
    sa.Column("id", sa.String(), primary_key=True),
    sa.Column("user", sa.String(), sa.ForeignKey("console_users.name"), nullable=False),
    sa.Column("kind", sa.String(), nullable=False),
    sa.Column("label", sa.String(), nullable=True),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("seen_at", UtcDateTime(), nullable=False),
    sa.Column("expires_at", UtcDateTime(), nullable=False),
    sa.Column("revoked_at", UtcDateTime(), nullable=True),
    sa.Index("ix_console_sessions_user", "user"),
)

console_log = sa.Table(
    "console_log",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Column("actor", sa.String(), nullable=False),
    sa.Column("action", sa.String(), nullable=False),
    sa.Column("case_id", sa.String(), nullable=True),
    sa.Column("subject", sa.String(), nullable=True),
    sa.Column("reason", sa.String(), nullable=True),
    sa.Column("result", sa.String(), nullable=False),
    sa.Column("because", sa.String(), nullable=True),
    sa.Column("data", Json, nullable=False),
    sa.Index("ix_console_log_actor", "actor"),
    sa.Index("ix_console_log_case_id", "case_id"),
    sqlite_autoincrement=True,
)
