"""The virtual clock: the wall clock plus an offset that only ever grows.

The sandbox is the only writer of the clock file; everybody else reads it (``recoup.clock.FileClock``).
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from recoup.sandbox.store import Store


class VirtualClock:
    """Virtual time in Unix seconds; flows with real time and can be moved forward."""

    def __init__(self, store: Store, file: Path | None = None) -> None:
        self._store = store
        self._file = file
        self._lock = threading.Lock()
        self._offset = self._remembered()
        self._write()

    @property
    def offset(self) -> float:
        """Seconds by which virtual time is ahead of the wall clock."""
        return self._offset

    def now(self) -> float:
        """The virtual moment, in Unix seconds."""
        return time.time() + self._offset

    def move_to(self, moment: float) -> None:
        """Move forward to this moment; a moment that has passed leaves the clock as it is."""
        with self._lock:
            ahead = moment - self.now()
            if ahead <= 0:
                return
            self._offset += ahead
            self._write()
        self._store.remember("clock_offset", repr(self._offset))

    def _remembered(self) -> float:
        offsets = [0.0, float(self._store.recall("clock_offset") or 0.0)]
        if self._file is not None and self._file.exists():
            offsets.append(float(self._file.read_text().strip() or 0.0))
        return max(offsets)

    def _write(self) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        part = self._file.with_name(f".{self._file.name}.part")
        part.write_text(repr(self._offset))
        part.replace(self._file)
