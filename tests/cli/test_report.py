"""``recoup report``: for people and for programs."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from recoup.cli import cli
from recoup.errors import ConfigurationError
from recoup.figures.definitions import DEFINITIONS
from recoup.ledger import Ledger
from recoup.rules.case import Outcome
from tests.ledger.builders import NOW, a_case


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve cases, half of them paid, one of them in euros."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOUP_DATABASE_URL", f"sqlite:///{tmp_path}/ledger.db")
    ledger = Ledger.connect(f"sqlite:///{tmp_path}/ledger.db")
    ledger.migrate()
    for number in range(12):
        at, currency = NOW - timedelta(days=100 - number), "eur" if number == 0 else "pln"
        ledger.cases.open(a_case(f"in_{number}", failed_at=at, currency=currency), at)
        if number % 2 == 0:
            ledger.cases.close(
                f"in_{number}", Outcome.RECOVERED_BY_RETRY, "it was collected", at + timedelta(days=2)
            )
    ledger.close()


def _run(*arguments: str) -> str:
    told = CliRunner().invoke(cli, ["report", *arguments])
    assert told.exit_code == 0, told.output
    return told.output


def test_programs_get_all_figures_and_their_meanings() -> None:
    """One JSON object; rates are fractions, and what cannot be said says why."""
    said = json.loads(_run("--json"))
    assert set(said) >= {
        "period", "recovery_rate", "causes", "time_to_recover", "involuntary_churn",
        "lifetime_value", "attempts", "declines", "funnel", "definitions",
    }  # fmt: skip
    assert said["recovery_rate"]["all"]["of_all"]["value"] == 0.5
    assert [each["currency"] for each in said["recovery_rate"]["all"]["money"]] == ["eur", "pln"]
    assert "10" in said["recovery_rate"]["all"]["of_closed"]["not_enough"]


def test_people_get_tables_with_definitions() -> None:
    """Each table is followed by what its figures mean, and money is written with its currency."""
    told = _run()
    assert "50.0%" in told
    assert "not enough data" in told
    assert "49.00 EUR" in told
    for name, meaning in DEFINITIONS.items():
        if name == "before_after":
            continue  # There is nothing to compare without an import.
        assert " ".join(meaning.split())[:40] in " ".join(told.split())


def test_a_part_can_be_asked_for() -> None:
    """A currency, a month, a time."""
    assert json.loads(_run("--json", "--currency", "EUR"))["recovery_rate"]["all"]["cases"] == 1
    month = f"{NOW - timedelta(days=100):%Y-%m}"
    of_month = json.loads(_run("--json", "--month", month))
    assert of_month["period"]["since"].startswith(f"{month}-01")
    first = (NOW - timedelta(days=96)).strftime("%Y-%m-%d")
    assert json.loads(_run("--json", "--to", first))["recovery_rate"]["all"]["cases"] == 4


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--month", "2026-13"], "write it like 2026-11"),
        (["--month", "2026-10", "--from", "2026-10-02"], "leave out --from and --to"),
        (["--from", "2026-10-02", "--to", "2026-10-02"], "--to must be later than --from"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused(arguments: list[str], says: str) -> None:
    """One sentence that says what to do."""
    error = CliRunner().invoke(cli, ["report", *arguments]).exception
    assert isinstance(error, ConfigurationError)
    assert says in str(error)
