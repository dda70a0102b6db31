"""Databases for the tests: a SQLite file that was migrated once and is copied, PostgreSQL databases made and emptied."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import sqlalchemy as sa

from recoup.ledger import Ledger
from recoup.ledger.console_schema import console_log
from recoup.ledger.schema import APPEND_ONLY, metadata


@cache
def migrated_file(folder: Path) -> Path:
    """A SQLite file with all tables, to be copied."""
    path = folder / "migrated-ledger.db"
    migrate(f"sqlite:///{path}")
    return path


def migrate(address: str) -> None:
    """Make the tables."""
    ledger = Ledger.connect(address)
    ledger.migrate()
    ledger.close()


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """The address of a new PostgreSQL database, dropped afterwards."""
    name = f"ledger_{uuid.uuid4().hex}"
    _run(server, f"CREATE DATABASE {name}", autocommit=True)
    try:
        yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        _run(server, f"DROP DATABASE {name} WITH (FORCE)", autocommit=True)


KEPT = (*APPEND_ONLY, console_log)
"""Tables whose rows nobody may change or remove."""


def empty(address: str) -> None:
    """Remove all rows of a PostgreSQL database; its owner may do that, unlike the ledger."""
    tables = ", ".join(metadata.tables)
    _run(
        address,
        *(f"ALTER TABLE {table.name} DISABLE TRIGGER USER" for table in KEPT),
        f"TRUNCATE {tables} RESTART IDENTITY",
        *(f"ALTER TABLE {table.name} ENABLE TRIGGER USER" for table in KEPT),
    )


def _run(address: str, *statements: str, autocommit: bool = False) -> None:
    url = sa.make_url(address).set(drivername="postgresql+psycopg")
    level = "AUTOCOMMIT" if autocommit else "READ COMMITTED"
    engine = sa.create_engine(url, isolation_level=level, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
