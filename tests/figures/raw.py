"""The same figures, worked out by SQL straight over the tables: another way to the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa

IN_A_RATE = "NOT is_return AND (outcome IS NULL OR outcome NOT IN ('closed_voided', 'closed_excluded'))"
RECOVERED = "NOT is_return AND outcome LIKE 'recovered%'"


class Raw:
    """SQL by hand on one connection."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def rows(self, text: str, **given: Any) -> list[tuple[Any, ...]]:
        """All rows; moments that are given are bound as the database keeps them."""
        binds = [
            sa.bindparam(name, value.replace(tzinfo=None) if self._is_sqlite else value, sa.DateTime(timezone=not self._is_sqlite))
            if isinstance(value, datetime)
            else sa.bindparam(name, value)
            for name, value in given.items()
        ]  # fmt: skip
        return [tuple(row) for row in self._connection.execute(sa.text(text).bindparams(*binds))]

    def one(self, text: str, **given: Any) -> Any:
        """The only value; money sums come back from PostgreSQL as decimals."""
        value = self.rows(text, **given)[0][0]
        return int(value) if value is not None else 0

    def days(self, later: str, earlier: str) -> str:
        """SQL for the days between two columns."""
        if self._is_sqlite:
            return f"(julianday({later}) - julianday({earlier}))"
        return f"(extract(epoch from {later} - {earlier}) / 86400.0)"

    def month(self, column: str) -> str:
        """SQL for the month of a column, in UTC."""
        return (
            f"strftime('%Y-%m', {column})"
            if self._is_sqlite
            else f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM')"
        )

    @property
    def _is_sqlite(self) -> bool:
        return self._connection.dialect.name == "sqlite"


@contextmanager
def raw(url: str) -> Iterator[Raw]:
    """A connection of its own, past the ledger."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    with sa.create_engine(parsed, poolclass=sa.NullPool).connect() as connection:
        yield Raw(connection)
