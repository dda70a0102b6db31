"""One ledger with some of everything, on both databases; nobody writes to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from recoup.ledger import Ledger
from tests.figures.scene import play
from tests.ledger.conftest import *  # noqa: F403
from tests.ledger.conftest import KINDS
from tests.ledger.databases import fresh_database, migrate


@pytest.fixture(scope="package")
def played_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SQLite file."""
    path = tmp_path_factory.mktemp("figures") / "played.db"
    _played(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="package", params=KINDS)
def played(request: pytest.FixtureRequest) -> Iterator[tuple[Ledger, str]]:
    """The ledger and its address, on either database."""
    if request.param == "sqlite":
        yield from _opened(f"sqlite:///{request.getfixturevalue('played_file')}")
        return
    with fresh_database(request.getfixturevalue("postgres_url")) as url:
        _played(url)
        yield from _opened(url)


def _played(url: str) -> None:
    migrate(url)
    ledger = Ledger.connect(url)
    play(ledger)
    ledger.close()


def _opened(url: str) -> Iterator[tuple[Ledger, str]]:
    ledger = Ledger.connect(url)
    yield ledger, url
    ledger.close()
