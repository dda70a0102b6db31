"""The version of the tables: looking at it, and bringing it up to date with Alembic, called from code."""

from __future__ import annotations

import sqlite3
from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.exc import InterfaceError, OperationalError

from recoup.errors import ConfigurationError
from recoup.ledger import _engine

VERSION_TABLE = "ledger_version"
HEAD = "0018_owners"
"""The newest migration; a test holds it against the folder. Versions begin with numbers, so newer ones are greater."""
_MIGRATION_LOCK = 0x7265636F7571


def check_version(conn: sa.Connection, name: str) -> None:
    """Raise :class:`ConfigurationError` unless the tables have the version that this code was written for."""
    version = current_version(conn)
    if version is None:
        raise ConfigurationError(f"The ledger at {name} has no tables yet: run `recoup migrate` first.")
    if version < HEAD:
        raise ConfigurationError(
            f"The ledger at {name} has tables of version {version}, this Recoup needs {HEAD}: run `recoup migrate` first."
        )
    if version > HEAD:
        raise ConfigurationError(
            f"The ledger at {name} was written by a newer Recoup (tables {version}, known here {HEAD}): update this one."
        )


def current_version(conn: sa.Connection) -> str | None:
    """The version of the tables, None where there are none."""
    if not sa.inspect(conn).has_table(VERSION_TABLE):
        return None
    numbers = sa.select(sa.column("version_num", sa.String())).select_from(sa.table(VERSION_TABLE))
    version: str | None = conn.execute(numbers).scalar()
    return version


def migrate(engine: sa.Engine, url: sa.URL) -> None:
    """Run the migrations that are missing, all in one transaction; two processes at once wait for each other."""
    name = _engine.shown(url)
    try:
        with engine.connect().execution_options(recoup_write=True) as conn:
            if engine.dialect.name == "sqlite":
                _migrate_sqlite(conn, name)
            else:
                with conn.begin():
                    conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
                    _upgrade(conn, name)
    except (OperationalError, InterfaceError) as error:
        raise _engine.failed(url, error) from error


def _migrate_sqlite(conn: sa.Connection, name: str) -> None:
    """Tables that are rebuilt would take the rows that refer to them along, so the check comes at the end instead."""
    driver = conn.connection.dbapi_connection
    assert driver is not None
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        with conn.begin():
            _upgrade(conn, name)
            broken = conn.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise RuntimeError(f"the migration broke {len(broken)} references; nothing was changed")
    finally:
        # Where the word to stop came in the middle, the connection is closed already, and must not hide it.
        with suppress(sqlite3.ProgrammingError):
            driver.execute("PRAGMA foreign_keys = ON")


def _upgrade(conn: sa.Connection, name: str) -> None:
    version = current_version(conn)
    if version is not None and version > HEAD:
        check_version(conn, name)
    if version == HEAD:
        return
    # Only migrating needs Alembic, and it is slow to import.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "recoup.ledger:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
