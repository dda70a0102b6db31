"""Columns: what is written of them is what is read, and what is counted at once is what is counted one by one."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from recoup.figures.columns import DAY, NEVER, WORDS, Frame, crossed, micros, month_name, months
from recoup.figures.selection import month_of

KINDS = {"paid": "?", "at": "i8", "number": "u1", "debt": "i4", "name": "S", "brand": WORDS}


@pytest.mark.parametrize("count", [0, 1, 7, 300])
def test_what_was_written_is_read(count: int) -> None:
    """Columns of every kind and any length, each beginning where its kind may lie; texts that are missing or hold anything too."""
    words = ("visa", None, "żółć", "", '"')
    rows = [
        (n % 3 == 0, n * DAY, n % 200, n, f"in_{n}".encode(), words[n % len(words)]) for n in range(count)
    ]
    frame = Frame.of(KINDS, rows)
    read = Frame.from_bytes(frame.to_bytes())
    assert len(read) == count
    assert read.words == frame.words
    for name, column in frame.columns.items():
        assert read[name].dtype == column.dtype
        assert read[name].tolist() == column.tolist()
        assert read[name].flags.aligned


def test_what_was_read_cannot_be_changed() -> None:
    """The columns are the bytes that were read, which somebody else may hold."""
    read = Frame.from_bytes(Frame.of({"at": "i8"}, [(1,), (2,)]).to_bytes())
    with pytest.raises(ValueError, match="read-only"):
        read["at"][0] = 3


@pytest.mark.parametrize("apart", [timedelta(hours=5), timedelta(days=40)])
def test_months_are_those_of_the_calendar(apart: timedelta) -> None:
    """Of moments close together and of ones far apart, before 1970 and at the edge of a month, too."""
    moments = [datetime(1969, 11, 30, 23, 59, 59, 999_999, tzinfo=UTC) + n * apart for n in range(1500)]
    found = months(np.array([micros(each) for each in moments]))
    assert [month_name(each) for each in found.tolist()] == [month_of(each) for each in moments]
    assert months(np.array([], "i8")).tolist() == []


def test_a_moment_that_never_came_has_no_month_that_any_other_has() -> None:
    """It is no reason to look at all days since the beginning of time."""
    found = months(np.array([NEVER, micros(datetime(2026, 11, 30, tzinfo=UTC))]))
    assert month_name(found[1]) == "2026-11"
    assert found[0] != found[1]


def test_combinations_are_counted_as_one_by_one() -> None:
    """Each with its number, also where nothing is counted and where the numbers are of a small type."""
    chance = np.random.default_rng(1)
    one, other, third = (chance.integers(0, many, 500).astype("u1") for many in (7, 200, 2))
    table = crossed((one, 7), (other, 201), (third, 2))
    assert table.shape == (7, 201, 2)
    expected = Counter(zip(one.tolist(), other.tolist(), third.tolist(), strict=True))
    assert {place: int(table[place]) for place in map(tuple, np.argwhere(table).tolist())} == expected
    nothing = np.array([], "u1")
    assert crossed((nothing, 3), (nothing, 0)).shape == (3, 0)


def test_all_of_the_rows_are_taken_without_a_copy() -> None:
    """Neither does a part of them take those that were not asked for."""
    frame = Frame.of({"at": "i8"}, [(1,), (2,), (3,)])
    assert frame.take(np.array([True, True, True])) is frame
    assert frame.take(np.array([True, False, True]))["at"].tolist() == [1, 3]
    assert frame.take(np.array([2, 0]))["at"].tolist() == [3, 1]
