"""``recoup excluded``: who is left alone, and taking it back."""

from __future__ import annotations

import json
from pathlib import Path

from recoup.ledger import Ledger
from tests.cli.conftest import Recoup
from tests.ledger.builders import NOW


def test_who_is_left_alone_and_not_any_more(recoup: Recoup, tmp_path: Path) -> None:
    """The list says who, by whom and why, also for programs; taking it back wants a reason, and says what it changed."""
    ledger = Ledger.connect(f"sqlite:///{tmp_path / 'recoup.db'}")
    ledger.migrate()
    ledger.exclusions.exclude("cus_1", NOW, actor="kim", because="a friend", unique="x")
    assert recoup("excluded").out == "2026-11-22 09:00 cus_1: kim excluded the customer: a friend\n"
    assert json.loads(recoup("excluded", "--json").out)["customer"] == "cus_1"
    assert recoup("excluded", "--take-back", "cus_1").code == 2
    words = ("--reason", "a mistake", "--operator", "ada")
    said = [recoup("excluded", "--take-back", "cus_1", *words).out for _ in range(2)]
    assert said == ["cus_1 is recovered again.\n", "cus_1 was not excluded.\n"]
    assert recoup("excluded").out == "Nobody is excluded.\n"
    assert recoup("excluded", "--json").out == ""
    ledger.close()
