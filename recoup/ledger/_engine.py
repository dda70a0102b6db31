"""Opening the database: which addresses are understood, and how each kind is made safe for several writers."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic_core import to_json
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from recoup.errors import ConfigurationError, ConnectionFailed

WAIT_SECONDS = 30
"""How long a writer waits for another one before it gives up."""
_EXAMPLES = "write sqlite:///recoup.db or postgresql://user:password@host:5432/recoup"
_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


def parse(address: str) -> sa.URL:
    """Read a database address; :class:`ConfigurationError` where it is none of SQLite's or PostgreSQL's."""
    try:
        url = sa.make_url(address)
    except (ArgumentError, ValueError):
        # Without the cause: it would show the address, and the password in it.
        raise ConfigurationError(f"The ledger's database address cannot be read: {_EXAMPLES}.") from None
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise ConfigurationError(f"The ledger cannot live in a {url.drivername} database: {_EXAMPLES}.")
    if driver.startswith("sqlite") and (not url.database or url.database == ":memory:"):
        raise ConfigurationError(
            "The ledger needs a file, not a database in memory: write sqlite:///recoup.db."
        )
    return url.set(drivername=driver)


def shown(url: sa.URL) -> str:
    """The address as people may see it: no password, no parameters (they can hold one)."""
    kind = url.get_backend_name()
    if kind == "sqlite":
        return f"sqlite:///{url.database}"
    host = f"{url.host or 'local socket'}{f':{url.port}' if url.port else ''}"
    return f"{kind}://{host}/{url.database or ''}"


def connect(url: sa.URL) -> sa.Engine:
    """An engine whose database has answered once; :class:`ConnectionFailed` where it does not."""
    try:
        engine = _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"PostgreSQL needs the driver {error.name}: install Recoup with its extra, pip install 'recoup[postgres]'."
        ) from error
    try:
        _greet(engine)
    except (OperationalError, InterfaceError) as error:
        engine.dispose()
        raise failed(url, error) from error
    except DBAPIError as error:
        # SQLite says it like this when the file is something else.
        engine.dispose()
        raise ConfigurationError(f"The ledger at {shown(url)} cannot be used: {reason(error)}.") from error
    return engine


def failed(url: sa.URL, error: DBAPIError) -> ConnectionFailed:
    """The sentence for a database that does not answer."""
    return ConnectionFailed(
        f"The ledger's database at {shown(url)} does not answer ({reason(error)}): check that it runs and can be reached."
    )


def reason(error: DBAPIError) -> str:
    """The driver's own words, on one line."""
    lines = [line.strip() for line in str(error.orig).splitlines() if line.strip()]
    return lines[0] if lines else type(error.orig).__name__


def _engine(url: sa.URL, **more: Any) -> sa.Engine:
    return sa.create_engine(
        url,
        hide_parameters=True,
        json_serializer=lambda value: to_json(value).decode(),
        pool_size=10,
        max_overflow=20,
        pool_timeout=WAIT_SECONDS,
        **more,
    )


def _sqlite(url: sa.URL) -> sa.Engine:
    folder = Path(str(url.database)).absolute().parent
    if not folder.is_dir():
        raise ConnectionFailed(
            f"The ledger cannot be kept in {folder}: there is no such folder; make it first."
        )
    engine = _engine(url, connect_args={"timeout": WAIT_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # The driver must not open transactions by itself: it does not before a SELECT, and updates get lost.
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        # A reservation that the machine forgets after a power cut would be a second charge.
        connection.execute("PRAGMA synchronous = FULL")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("recoup_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(url: sa.URL) -> sa.Engine:
    wait = WAIT_SECONDS * 1000
    engine = _engine(
        url,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        connect_args={
            "connect_timeout": 10,
            "options": f"-c lock_timeout={wait} -c idle_in_transaction_session_timeout={2 * wait}",
        },
    )

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _choose_format(
        _conn: Any, cursor: Any, _statement: Any, _params: Any, context: Any, _many: Any
    ) -> None:
        # Bytes as text are twice as long, and are written and read digit by digit.
        if context.execution_options.get("recoup_bytes", False):
            cursor.format = 1

    return engine


def _greet(engine: sa.Engine) -> None:
    if engine.dialect.name == "sqlite":
        _switch_to_wal(engine)
        return
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))


def _switch_to_wal(engine: sa.Engine) -> None:
    """The switch is kept in the file, but does not wait by itself for another process that is switching too."""
    for pause in (0.05, 0.1, 0.2, 0.5, None):
        try:
            connection = engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA journal_mode = WAL")
            finally:
                connection.close()
            return
        except sqlite3.DatabaseError as error:
            if pause is None or "locked" not in str(error):
                raise DBAPIError("PRAGMA journal_mode", None, error) from error
            time.sleep(pause)
