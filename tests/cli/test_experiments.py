"""``recoup experiments``: too early to say, or what was found; in words and as JSON."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from recoup.cli import cli
from recoup.errors import ConfigurationError
from recoup.ledger import Ledger
from recoup.rules.case import Outcome
from recoup.rules.experiments import Arm, assign
from tests.ledger.builders import NOW, a_case

POLICY = """
version: 1
experiments:
  - name: holdout
    campaign: everybody
    instead: {name: stripe-alone, retries: {mode: observe}}
    least_difference: 0.4
    within_days: 7
"""


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """Settings that name a policy with a holdout, and an empty ledger."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text(POLICY)
    monkeypatch.setenv("RECOUP_DATABASE_URL", f"sqlite:///{tmp_path}/ledger.db")
    ledger = Ledger.connect(f"sqlite:///{tmp_path}/ledger.db")
    ledger.migrate()
    return ledger


def _draw(ledger: Ledger, count: int) -> None:
    """Customers of long ago: everybody of the control pays, nobody of the treatment."""
    for number in range(count):
        customer, id_ = f"cus_{number}", f"in_{number}"
        at: datetime = NOW - timedelta(days=300 - number)
        ledger.cases.open(a_case(id_, customer=customer, subscription=None, failed_at=at), at)
        said = assign("holdout", 0.5, customer)
        ledger.assignments.note(said, customer, id_, at)
        if said.arm is Arm.CONTROL:
            ledger.cases.close(id_, Outcome.RECOVERED_BY_RETRY, "it was collected", at + timedelta(days=2))
    ledger.close()


def test_too_early_is_said_with_the_number_that_is_missing(ledger: Ledger) -> None:
    """No rate is shown before the one look."""
    _draw(ledger, 6)
    told = CliRunner().invoke(cli, ["experiments"])
    assert told.exit_code == 0, told.output
    assert "Too early to say" in told.output
    assert "recovered," not in told.output
    said = json.loads(CliRunner().invoke(cli, ["experiments", "holdout", "--json"]).output)
    assert (said["verdict"], said["difference"], said["control"]["rate"]) == ("waiting", None, None)
    assert said["missing"] == said["control"]["needed"] + said["treatment"]["needed"] - 6


def test_what_was_found_is_said_with_its_interval(ledger: Ledger) -> None:
    """All against none: worse, with the difference in points and the money of the currency."""
    _draw(ledger, 120)
    told = CliRunner().invoke(cli, ["experiments", "holdout"])
    assert "stripe-alone recovers less than everybody" in told.output
    assert "difference of the recovery rates: -100.0 points" in told.output
    said = json.loads(CliRunner().invoke(cli, ["experiments", "--json"]).output)
    assert said["verdict"] == "worse"
    assert said["difference"]["estimate"] == -1
    assert said["treatment"]["recovered"] == 0


def test_an_unknown_name_is_refused(ledger: Ledger) -> None:
    """With the names that there are."""
    ledger.close()
    told = CliRunner().invoke(cli, ["experiments", "holdouts"])
    assert isinstance(told.exception, ConfigurationError)
    assert "no experiment holdouts; it has: holdout" in str(told.exception)
