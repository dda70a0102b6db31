"""Tables whose rows are at hand: sorted and cut into pages as the address asks, so that they need no script, and the same as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import urlencode

from fastapi.responses import Response, StreamingResponse

T = TypeVar("T")

PAGE = 50
_LONGEST = 100
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column."""

    name: str
    """In addresses and files."""
    of: Callable[[T], Any]
    """Its value: a text, a number, a moment or nothing; rows are sorted by it."""


@dataclass(frozen=True, slots=True)
class Sheet(Generic[T]):
    """One page of a table."""

    rows: Sequence[T]
    count: int
    """Of all pages."""
    path: str
    given: Mapping[str, str]
    """The filters of the page, as they were typed."""
    sort: str
    is_down: bool
    page: int
    pages: int
    prefix: str = ""
    """Before the names of order and page in the address, where a page has several tables."""

    def address(self, **changes: str | int | None) -> str:
        """The address of this table with something changed."""
        own = {f"{self.prefix}{name}": value for name, value in changes.items()}
        parts = {**self.given, f"{self.prefix}sort": self._sorted()} | own
        query = urlencode({name: value for name, value in parts.items() if value})
        return f"{self.path}?{query}" if query else self.path

    def by(self, name: str) -> str:
        """The address of the table sorted by this column; by the one that it is sorted by, the other way round."""
        return self.address(sort=f"-{name}" if name == self.sort and not self.is_down else name)

    def order(self, name: str) -> Literal["ascending", "descending"] | None:
        """How it is sorted by this column, in ARIA's words."""
        if name != self.sort:
            return None
        return "descending" if self.is_down else "ascending"

    def turned(self, pages: int) -> str | None:
        """The address so many pages further, where there is one."""
        wanted = self.page + pages
        if not 1 <= wanted <= self.pages:
            return None
        return self.address(page=wanted if wanted > 1 else None)

    def _sorted(self) -> str:
        return f"{'-' if self.is_down else ''}{self.sort}"


def sheet(
    rows: Iterable[T],
    columns: Sequence[Column[T]],
    query: Mapping[str, str],
    path: str,
    *,
    first: str,
    filters: Sequence[str] = (),
    prefix: str = "",
) -> Sheet[T]:
    """The page of the table that an address asks for.

    ``first`` is the order where the address names none that there is: a column, with a minus before it downwards. ``filters`` are
    the names in the address that the page itself understands, and that its links keep.
    """
    by = {column.name: column for column in columns}
    asked = query.get(f"{prefix}sort", "")
    wanted = asked if asked.removeprefix("-") in by else first
    name, is_down = wanted.removeprefix("-"), wanted.startswith("-")
    ordered = sorted(rows, key=lambda row: _key(by[name].of(row)), reverse=is_down)
    pages = max(1, -(-len(ordered) // PAGE))
    number = query.get(f"{prefix}page", "")
    page = min(max(int(number), 1), pages) if number.isdecimal() and len(number) < 7 else 1
    kept = {each: query[each][:_LONGEST] for each in filters if query.get(each)}
    shown = ordered[(page - 1) * PAGE : page * PAGE]
    return Sheet(shown, len(ordered), path, kept, name, is_down, page, pages, prefix)


def _key(value: Any) -> tuple[bool, Any]:
    """What is unknown comes last; words are sorted without regard to large and small letters."""
    return (value is None, value.casefold() if isinstance(value, str) else value if value is not None else 0)


def as_file(name: str, columns: Sequence[Column[T]], rows: Iterable[T]) -> Response:
    """All rows as CSV: moments in UTC, amounts in whole units with a point."""

    def lines() -> Iterator[str]:
        yield line([column.name for column in columns])
        for row in rows:
            yield line([cell(column.of(row)) for column in columns])

    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


def cell(value: Any) -> str:
    """A value as a file has it; numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, int | float) else harmless(str(value))


def harmless(text: str) -> str:
    """The text as no spreadsheet takes for a formula: OWASP, "CSV Injection" (owasp.org)."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def line(values: Sequence[str]) -> str:
    """One line of a file."""
    out = io.StringIO()
    csv.writer(out).writerow(values)
    return out.getvalue()
