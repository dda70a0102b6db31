"""``recoup excluded``: who is left alone, and taking it back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import stripe

from recoup.billing.customers import Contact
from recoup.commands import _excluding
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


@pytest.fixture
def customers(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Whom Stripe has."""
    known = {"cus_1"}

    def read(_: object, customer: str) -> Contact:
        if customer not in known:
            raise stripe.InvalidRequestError("No such customer", "id", code="resource_missing")  # type: ignore[no-untyped-call]  # the SDK says nothing of it
        return Contact()

    monkeypatch.setenv("RECOUP_STRIPE__API_KEY", "sk_test_1")
    monkeypatch.setattr(_excluding, "read_contact", read)
    return known


def test_somebody_without_a_case(recoup: Recoup, tmp_path: Path, customers: set[str]) -> None:
    """By their id alone, with a reason, and without Temporal; a mistyped id leaves nobody alone."""
    ledger = Ledger.connect(f"sqlite:///{tmp_path / 'recoup.db'}")
    ledger.migrate()
    words = ("--reason", "a friend", "--operator", "ada")
    assert recoup("excluded", "--add", "cus_1").code == 2
    said = [recoup("excluded", "--add", "cus_1", *words).out for _ in range(2)]
    assert said == ["cus_1 is left alone from now on.\n", "cus_1 was excluded already.\n"]
    row = ledger.exclusions.of("cus_1")
    assert row is not None
    assert (row.actor, row.because) == ("ada", "a friend")
    wrong = recoup("excluded", "--add", "cus_2", *words)
    assert wrong.code == 2
    assert "Stripe has no customer cus_2" in wrong.sentence
    assert ledger.exclusions.of("cus_2") is None
    ledger.close()
