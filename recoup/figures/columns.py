"""Facts as columns: a million of them are counted in the time in which Python would look at a few thousand.

Moments are microseconds since 1970, :data:`NEVER` where there is none; texts are numbers of words, and each frame knows its own words.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1) // TICK
NEVER = np.iinfo(np.int64).min
WORDS = "words"
"""The kind of a column of texts, few of which differ."""

Array = np.ndarray[Any, np.dtype[Any]]
_PLACES = struct.Struct("<q")


def micros(moment: datetime | None) -> int:
    """A moment as a number."""
    return int(NEVER) if moment is None else (moment - EPOCH) // TICK


def moment(number: int) -> datetime:
    """A number as the moment that it stands for."""
    return EPOCH + number * TICK


def months(moments: Array) -> Array:
    """The months of moments, in UTC, as numbers that grow with them."""
    if not len(moments):
        return np.zeros(0, np.int64)
    days = moments // DAY
    first, last = int(days.min()), int(days.max())
    if last - first >= len(moments):
        return _months(days)
    # Of many moments in a few days, each day is looked at once.
    found: Array = _months(np.arange(first, last + 1))[days - first]
    return found


def _months(days: Array) -> Array:
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def crossed(*columns: tuple[Array, int]) -> Array:
    """How many rows have each combination of numbers, a dimension for each column; given with each how many numbers it can have."""
    cells: Array = np.zeros(1, np.int64)
    for column, many in columns:
        cells = cells * many + column
    shape = [many for _, many in columns]
    return np.bincount(cells, minlength=int(np.prod(shape))).reshape(shape)


def month_name(month: int) -> str:
    """Such a month as people write it: ``2026-11``."""
    return str(np.datetime64(int(month), "M"))


class Frame:
    """Columns of the same length."""

    __slots__ = ("columns", "words")

    def __init__(self, columns: Mapping[str, Array], words: Mapping[str, tuple[str | None, ...]]) -> None:
        self.columns = dict(columns)
        self.words = dict(words)

    @classmethod
    def of(cls, kinds: Mapping[str, str], rows: Sequence[tuple[Any, ...]]) -> Frame:
        """Columns of these kinds (types of numpy, or :data:`WORDS`) from rows."""
        columns, words = {}, {}
        given = list(zip(*rows, strict=True)) if rows else [()] * len(kinds)
        for (name, kind), values in zip(kinds.items(), given, strict=True):
            if kind == WORDS:
                words[name] = tuple(dict.fromkeys(values))
                numbers = {word: number for number, word in enumerate(words[name])}
                columns[name] = np.array([numbers[value] for value in values], _fitting(len(numbers)))
            else:
                columns[name] = np.array(values, kind)
        return cls(columns, words)

    @classmethod
    def join(cls, frames: Sequence[Frame]) -> Frame:
        """One below the other; there has to be one."""
        columns, words = {}, {}
        for name in frames[0].columns:
            if name not in frames[0].words:
                columns[name] = np.concatenate([frame[name] for frame in frames])
                continue
            words[name] = tuple(dict.fromkeys(word for frame in frames for word in frame.words[name]))
            numbers = {word: number for number, word in enumerate(words[name])}
            kind = _fitting(len(numbers))
            columns[name] = np.concatenate([_renumbered(frame, name, numbers, kind) for frame in frames])
        return cls(columns, words)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]

    def take(self, which: Array) -> Frame:
        """Some of the rows, by a mask or by their places."""
        if which.dtype == bool and which.all():
            return self
        return Frame({name: column[which] for name, column in self.columns.items()}, self.words)

    def between(self, where: slice) -> Frame:
        """The rows between two places, none of which is copied."""
        return Frame({name: column[where] for name, column in self.columns.items()}, self.words)

    def only(self, *names: str) -> Frame:
        """With no columns but these."""
        return Frame(
            {name: self[name] for name in names}, {n: w for n, w in self.words.items() if n in names}
        )

    def having(self, **more: Array) -> Frame:
        """With columns put in the place of others, or beside them."""
        return Frame(self.columns | more, self.words)

    def says(self, name: str, *wanted: str | None) -> Array:
        """A mask of the rows whose text is one of these."""
        return self.looked_up(name, [word in wanted for word in self.words[name]])

    def looked_up(self, name: str, values: Iterable[Any], kind: str | None = None) -> Array:
        """For each row the one of the values that belongs to its word."""
        table = np.array([*values], kind) if self.words[name] else np.array([], kind or bool)
        return table[self[name]] if len(table) else np.zeros(len(self), table.dtype)

    def counts(self, name: str, where: Array | None = None) -> dict[str | None, int]:
        """How many rows have each text."""
        found = np.bincount(
            self[name] if where is None else self[name][where], minlength=len(self.words[name])
        )
        return {word: count for word, count in zip(self.words[name], found.tolist(), strict=False) if count}

    def to_bytes(self) -> bytes:
        """All of it, as :meth:`from_bytes` reads it: what there is as JSON, and the columns as they lie in memory."""
        kinds = {name: column.dtype.str for name, column in self.columns.items()}
        head = json.dumps({"rows": len(self), "kinds": kinds, "words": self.words}).encode()
        parts = [_PLACES.pack(len(head)), head, *(column.tobytes() for column in self.columns.values())]
        return b"".join(part + bytes(-len(part) % _PLACES.size) for part in parts)

    @classmethod
    def from_bytes(cls, data: bytes | memoryview) -> Frame:
        """What was written so, read where it lies: nothing of it is copied, and nothing may be changed."""
        (length,) = _PLACES.unpack_from(data)
        head = json.loads(bytes(data[_PLACES.size : _PLACES.size + length]))
        columns: dict[str, Array] = {}
        place = _PLACES.size + _padded(length)
        for name, kind in head["kinds"].items():
            columns[name] = np.ndarray((head["rows"],), kind, data, place)
            place += _padded(columns[name].nbytes)
        return cls(columns, {name: tuple(each) for name, each in head["words"].items()})


def _padded(length: int) -> int:
    """So long with what is left empty behind it, so that every column begins where the processor likes it to."""
    return length + -length % _PLACES.size


def _fitting(count: int) -> np.dtype[Any]:
    """The smallest type that numbers so many words."""
    return np.min_scalar_type(max(0, count - 1))


def _renumbered(frame: Frame, name: str, numbers: Mapping[str | None, int], kind: np.dtype[Any]) -> Array:
    table = np.array([numbers[word] for word in frame.words[name]], kind)
    return table[frame[name]] if len(table) else np.zeros(0, kind)
