"""Results that are remembered by what they were worked out from.

The same facts always come to the same figures, so a result found by all that went into it is never out of date: what has changed is
not found, and is worked out.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from recoup.figures.columns import Frame

T = TypeVar("T")


def digest_of(frame: Frame) -> bytes:
    """Stands for all that a frame says: its columns, what kind they are of, and its words."""
    found = hashlib.sha256(repr([(name, each.dtype.str) for name, each in frame.columns.items()]).encode())
    found.update(repr(sorted(frame.words.items())).encode())
    for column in frame.columns.values():
        found.update(column.tobytes())
    return found.digest()


class Remembered(Generic[T]):
    """The last results that were asked for, so many at most."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[bytes, T] = OrderedDict()
        self._turn = Lock()

    def of(self, digest: bytes, work: Callable[[], T]) -> T:
        """The result for what the digest stands for; worked out where it is not known."""
        with self._turn:
            if digest in self._kept:
                self._kept.move_to_end(digest)
                return self._kept[digest]
        found = work()
        with self._turn:
            self._kept[digest] = found
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return found
