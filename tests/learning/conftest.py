"""A ledger with a past, and the directory of its models."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from recoup.ledger import Ledger
from tests.ledger.databases import migrated_file

NewLedger = Callable[[str], Ledger]


@pytest.fixture(scope="module")
def new_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewLedger]:
    """Makes a ledger with all tables and no rows."""
    folder, template = tmp_path_factory.mktemp("ledgers"), migrated_file(tmp_path_factory.getbasetemp())
    with ExitStack() as opened:

        def make(name: str) -> Ledger:
            shutil.copy(template, folder / f"{name}.db")
            ledger = Ledger.connect(f"sqlite:///{folder / name}.db")
            opened.callback(ledger.close)
            return ledger

        yield make
