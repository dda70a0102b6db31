"""The backtest: what each way would have chosen in the operator's own past, and nothing that cannot be known."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from recoup.cli import cli
from recoup.ledger import Ledger, PastCase
from recoup.rules.policy import Campaign, Retries
from recoup.simulation.backtest import NOT_KNOWN, OWN, backtest, lines, points_of
from recoup.timing._stories import shipped_stories
from recoup.timing.planner import plan
from tests.learning.pasts import BEGINS, write_drawn, write_past
from tests.ledger.databases import migrated_file

CASES = 25


@pytest.fixture
def ledger(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    shutil.copy(migrated_file(tmp_path_factory.getbasetemp()), tmp_path / "ledger.db")
    return Ledger.connect(f"sqlite:///{tmp_path / 'ledger.db'}")


def past(ledger: Ledger) -> list[PastCase]:
    return list(ledger.past.newest_first())


def test_each_point_knows_only_what_was_known(ledger: Ledger) -> None:
    """Of each attempt the planner sees the refusal before it, at that moment, and neither its answer nor when it was made."""
    write_past(ledger, CASES)
    for case in past(ledger):
        (point,) = points_of(case, 12)
        assert [tried.at for tried in point.situation.tried] == [case.case.failed_at]
        assert point.situation.now == case.case.failed_at < point.at
        assert point.limits.until == case.case.failed_at + timedelta(days=14)


def test_agreement_is_counted_for_every_way(ledger: Ledger) -> None:
    """The prior agrees where its plan falls into the attempt's three hours; every attempt is earlier, later or agreed, or none."""
    write_past(ledger, CASES)
    result = backtest(past(ledger), shipped_stories())
    assert (result.cases, result.attempts) == (CASES, CASES)
    ways = {tally.way: tally for tally in result.tallies}
    assert {"prior", OWN, "even", "daily"} <= set(ways)
    for tally in ways.values():
        assert tally.agreed + tally.earlier + tally.later + tally.none == CASES
    points = [point for case in past(ledger) for point in points_of(case, 12)]
    chosen = [(plan(shipped_stories(), point.situation, point.limits).at, point.at) for point in points]
    agreed = sum(at is not None and abs(at - made) < timedelta(hours=3) for at, made in chosen)
    assert ways["prior"].agreed == agreed


def test_what_the_campaign_did_itself_is_agreed_with(ledger: Ledger) -> None:
    """A schedule that tries every case exactly when it was tried agrees with all of them, and its approvals are those that were."""
    write_past(ledger, CASES, campaign=Campaign(retries=Retries(after_days=(2,))))
    moved = [
        case.model_copy(
            update={"attempts": tuple(row.model_copy(update={"sent_at": case.case.failed_at + timedelta(days=2)}) for row in case.attempts)}
        )
        for case in past(ledger)
    ]  # fmt: skip
    result = backtest(moved, shipped_stories())
    own = next(tally for tally in result.tallies if tally.way == OWN)
    assert (own.agreed, own.same_day, own.approved_where_agreed) == (CASES, CASES, result.approved)


def test_nothing_is_told_of_attempts_that_were_never_made(ledger: Ledger) -> None:
    """Without chance in the log every way gets "can't tell yet", and the report says what is not known."""
    write_past(ledger, CASES)
    result = backtest(past(ledger), shipped_stories())
    for tally in result.tallies:
        assert all(one.value is None and "can't tell yet" in one.because for one in tally.judgement.estimates)
    assert NOT_KNOWN in "\n".join(lines(result))


def test_open_cases_are_left_out(ledger: Ledger) -> None:
    """A case that has not ended yet is not held against anything."""
    write_past(ledger, 4)
    one, *others = past(ledger)
    still_open = one.model_copy(
        update={"case": one.case.model_copy(update={"closed_at": None, "outcome": None})}
    )
    assert backtest([still_open, *others], shipped_stories()).cases == 3


def test_a_way_that_breaks_a_limit_is_told(ledger: Ledger) -> None:
    """Under an operator's limit of one attempt a month every fixed schedule would have met the guard; the planner chooses none."""
    write_past(ledger, CASES)
    result = backtest(past(ledger), shipped_stories(), cap=1)
    ways = {tally.way: tally for tally in result.tallies}
    assert ways["daily"].refused_by_guard == CASES
    assert (ways["prior"].refused_by_guard, ways["prior"].none) == (0, CASES)


def test_the_command_reports_and_estimates_where_it_can(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`recoup backtest` prints the table, `--json` the same figures; open cases are not part of it."""
    write_drawn(ledger, CASES)
    monkeypatch.setenv("RECOUP_DATABASE_URL", str(ledger._store.url))
    monkeypatch.setenv("RECOUP_TIMING__MODELS", str(tmp_path / "models"))
    told = CliRunner().invoke(cli, ["backtest", "--cases", "10"])
    assert told.exit_code == 0, told.output
    assert "10 scheduled attempts in 10 closed cases" in told.stdout
    found = json.loads(CliRunner().invoke(cli, ["backtest", "--cases", "10", "--json"]).stdout)
    assert found["attempts"] == 10
    assert found["begins"] >= BEGINS.isoformat()[:10]
    prior = next(way for way in found["ways"] if way["way"] == "prior")
    assert prior["plans"] == 10
    assert prior["estimates"][1]["value"] is None
    assert found["not_known"] == NOT_KNOWN
