"""What is due when: one list of things to do, in the order of their moments."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime

Deed = Callable[[], None]


class Agenda:
    """Things to do, earliest first; of those due at one moment, the one that was put down first."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, str, Deed]] = []
        self._order = itertools.count()

    def put(self, at: datetime, what: str, deed: Deed) -> None:
        """Do this then; ``what`` names it in a trace."""
        heapq.heappush(self._heap, (at, next(self._order), what, deed))

    @property
    def next_at(self) -> datetime | None:
        """When the next thing is due; None when there is nothing."""
        return self._heap[0][0] if self._heap else None

    def take(self) -> tuple[str, Deed]:
        """The next thing, whether it is due or not."""
        _, _, what, deed = heapq.heappop(self._heap)
        return what, deed
