"""Virtual time: what is due is done before it moves, and what would keep it from ever moving is found."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from recoup.clock import Clock
from recoup.virtual.agenda import Agenda
from recoup.virtual.moving import MOST_DEEDS, Endless, Mover

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def _mover(agenda: Agenda) -> Mover:
    clock = cast(Clock, SimpleNamespace(now=lambda: NOW))
    return Mover(cast(Any, None), agenda, clock, lambda _: None, lambda: False)


def test_what_makes_itself_due_again_is_found() -> None:
    """A circle within one moment ends with its name, and does not keep everybody waiting for ever."""
    agenda, done = Agenda(), list[int]()

    def again() -> None:
        done.append(1)
        agenda.put(NOW, "the circle", again)

    again()
    with pytest.raises(Endless, match="the circle"):
        _mover(agenda).work_off()
    assert len(done) == MOST_DEEDS + 1


def test_much_that_is_due_at_once_is_all_done() -> None:
    """Many deeds of one moment are no circle."""
    agenda, done = Agenda(), list[int]()
    for number in range(MOST_DEEDS // 2):
        agenda.put(NOW, "one of many", lambda number=number: done.append(number))  # type: ignore[misc]
    _mover(agenda).work_off()
    assert done == list(range(MOST_DEEDS // 2))
