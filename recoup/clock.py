"""The one clock that everything asks for the time.

Real systems use :class:`SystemClock`. In the demo and in fault runs all processes share a virtual clock: the wall clock
plus an offset in seconds kept in a small file, which a single driver moves forward (:class:`FileClock`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """The present moment, always aware and in UTC."""
        ...


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FileClock:
    """The wall clock plus the offset, in seconds, that the file holds; no file counts as no offset."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._offset())

    def _offset(self) -> float:
        try:
            return float(self._path.read_text().strip() or 0.0)
        except FileNotFoundError:
            return 0.0


def clock_for(path: Path | None) -> Clock:
    """The clock a process should use: virtual when a clock file is configured, the wall clock otherwise."""
    return FileClock(path) if path else SystemClock()
