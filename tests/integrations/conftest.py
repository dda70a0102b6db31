"""A stage for each test, on SQLite; where the database matters, on PostgreSQL too."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from recoup.ledger import Ledger
from tests.integrations.stage import Stage
from tests.ledger.conftest import KINDS, ledger_url, migrated_postgres
from tests.ledger.databases import migrated_file

__all__ = ["KINDS", "ledger_url", "migrated_postgres"]


@pytest.fixture(scope="session")
def httpserver_listen_address() -> tuple[str, int]:
    """A free port of this machine alone."""
    return "127.0.0.1", 0


@pytest.fixture
def stage(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """An empty ledger on SQLite."""
    shutil.copy(migrated_file(tmp_path_factory.getbasetemp()), tmp_path / "ledger.db")
    ledger = Ledger.connect(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield Stage(ledger)
    ledger.close()


@pytest.fixture
def both(ledger_url: str) -> Iterator[Stage]:
    """An empty ledger on each database."""
    ledger = Ledger.connect(ledger_url)
    yield Stage(ledger)
    ledger.close()
