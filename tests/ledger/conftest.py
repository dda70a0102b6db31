"""A ledger of each kind for every test: a fresh SQLite file, an empty PostgreSQL database."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from recoup.ledger import Ledger
from tests.ledger.databases import empty, fresh_database, migrate, migrated_file

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> Iterator[str]:
    """The address of the PostgreSQL database with all tables that the tests use one after the other."""
    with fresh_database(postgres_url) as url:
        migrate(url)
        yield url


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    with fresh_database(request.getfixturevalue("postgres_url")) as url:
        yield url


@pytest.fixture(params=KINDS)
def ledger_url(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a database with all tables and no rows."""
    if request.param == "sqlite":
        shutil.copy(migrated_file(tmp_path_factory.getbasetemp()), tmp_path / "ledger.db")
        yield f"sqlite:///{tmp_path}/ledger.db"
        return
    url = request.getfixturevalue("migrated_postgres")
    yield url
    empty(url)


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """A ledger with all tables and no rows."""
    opened = Ledger.connect(ledger_url)
    yield opened
    opened.close()
