"""Sandboxes for tests, each with a fresh store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.stage import Receiver, Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A running sandbox."""
    running = Stage(tmp_path)
    yield running
    running.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An endpoint for webhooks."""
    endpoint = Receiver()
    yield endpoint
    endpoint.close()


@pytest.fixture
def heard(tmp_path: Path, receiver: Receiver) -> Iterator[Stage]:
    """A running sandbox whose webhooks go to ``receiver``."""
    running = Stage(tmp_path, receiver=receiver)
    yield running
    running.close()
