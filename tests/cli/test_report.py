"""``recoup report``: for people and for programs."""

from __future__ import annotations

import csv
import json
import re
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


def test_spreadsheets_get_a_file_for_each_table(tmp_path: Path) -> None:
    """Numbers, and amounts in minor units; what cannot be said has an empty number and its reason."""
    _run("--csv", str(tmp_path / "out"))
    with (tmp_path / "out" / "recovery_rate_money.csv").open(newline="") as file:
        rows = {row["currency"]: row for row in csv.DictReader(file)}
    assert (rows["pln"]["failed"], rows["pln"]["recovered"]) == ("53900", "24500")
    assert float(rows["pln"]["of_all_value"]) == pytest.approx(5 / 11)
    assert "it takes 10" in rows["eur"]["of_all_not_enough"]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names >= {"cohorts.csv", "cash.csv", "causes.csv", "funnel.csv", "within.csv"}


@pytest.mark.parametrize(
    ("language", "title", "rate"),
    [("en", "Recovery of failed payments", "50.0%"), ("pl", "Odzyskiwanie nieudanych płatności", "50,0%")],
)
def test_a_page_can_be_read_and_printed(tmp_path: Path, language: str, title: str, rate: str) -> None:
    """In either language, with a drawing beside the tables, and nothing from elsewhere."""
    page = tmp_path / "report.html"
    _run("--html", str(page), "--language", language)
    html = page.read_text(encoding="utf-8")
    assert title in html
    assert rate in re.sub(r"\s(?=%)", "", html)
    assert html.count("<svg") == 2
    assert "http://" not in html
    assert "https://" not in html
    assert "<script" not in html


def test_a_language_that_there_is_not_is_refused(tmp_path: Path) -> None:
    """One sentence that names those that there are."""
    arguments = ["report", "--html", str(tmp_path / "a.html"), "--language", "xx"]
    assert "there are en, pl" in str(CliRunner().invoke(cli, arguments).exception)


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
