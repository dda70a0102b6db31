"""Batches in processes beside each other."""

from __future__ import annotations

import os
import time

import pytest

from recoup.chaos import shards
from recoup.chaos.shards import side_by_side


def _who(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def test_every_piece_is_done_although_processes_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of unequal length leave now one process idle, now the other; all come to an end, none in a process that is spent."""
    monkeypatch.setattr(shards, "BATCHES_OF_A_PROCESS", 2)
    done = list(side_by_side(_who, [0.0, 0.3, 0.0, 0.0, 0.3, 0.0, 0.0, 0.0, 0.3, 0.0], 2))
    assert len(done) == 10
    assert len(set(done)) >= 3
    assert os.getpid() not in done
