"""The past under another policy: what really happened is found again, and what would have differs only where the policy does."""

from __future__ import annotations

import json
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from recoup.cli import cli
from recoup.learning.past import lines_of
from recoup.ledger import Ledger, PastCase
from recoup.rehearsal.playing import Rehearsal
from recoup.rehearsal.scenario import load_scenario, own_policy, shipped
from recoup.rules.case import Outcome, Trigger
from recoup.rules.networks import Permission
from recoup.rules.policy import Campaign, Policy, Retries
from recoup.simulation.other_policy import as_they_were, by_policy, replay, unkept
from recoup.simulation.replay import End, Played, play
from recoup.timing._stories import shipped_stories
from tests.learning.pasts import PLANNED, write_past
from tests.ledger.databases import migrated_file

HOURS_OF_QUIET = timedelta(hours=12)
FIXED = Campaign(retries=Retries(after_days=(1, 3, 7, 12)))


@pytest.fixture
def ledger(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    shutil.copy(migrated_file(tmp_path_factory.getbasetemp()), tmp_path / "ledger.db")
    return Ledger.connect(f"sqlite:///{tmp_path / 'ledger.db'}")


def again(past: PastCase, campaign: Campaign | None = None, cap: int = 15) -> Played:
    played = play(past, campaign or as_they_were(past), shipped_stories(), cap)
    assert played is not None
    return played


@pytest.mark.parametrize("name", ["never-reacts", "payday", "stolen-card"])
def test_what_the_real_workflow_did_is_played_again(name: str, tmp_path: Path) -> None:
    """A customer's weeks, played by the real workflow: the replay makes the same attempts and messages, and suspends on the same day, quiet hours aside."""
    path = shipped()[name]
    scenario = load_scenario(path)
    with Rehearsal(tmp_path, scenario, own_policy(scenario, path)).played() as played:
        (past,) = played.ledger.past.newest_first()
        sent = played.ledger.messages.of_case(past.case.id)
    made = [line.at for line in lines_of(past) if line.scheduled]
    found = again(past)
    assert [abs(at - other) < timedelta(hours=3) for at, other in zip(made, found.attempts, strict=True)] == [
        True
    ] * len(made)
    if past.case.outcome is Outcome.LOST_SUSPENDED:
        assert found.end is End.SUSPENDED
        assert past.case.closed_at is not None
        assert abs(found.at - past.case.closed_at) < HOURS_OF_QUIET
    else:
        by_retry = past.case.outcome is Outcome.RECOVERED_BY_RETRY
        assert found.end is (End.PAID_BY_RETRY if by_retry else End.AS_IT_WAS)
    told = [row.template for row in sent if row.template not in ("suspended", "recovered")]
    assert list(found.messages) == told


def test_what_differs_is_the_policy(ledger: Ledger) -> None:
    """With half of the attempts, ten days more of grace and no reminders the same cases get just that: fewer attempts, later suspensions, no reminders."""
    write_past(ledger, 40, campaign=FIXED)
    mild = FIXED.model_copy(
        update={"retries": Retries(after_days=(3, 12)), "grace_days": FIXED.grace_days + 10, "messages": FIXED.messages[:1]}
    )  # fmt: skip
    found = replay(ledger.past.newest_first(), Policy(version=1, campaigns=(mild,)), shipped_stories())
    assert found.before.cases == found.after.cases > 20
    lost = found.after.ends[End.SUSPENDED]
    assert lost == found.before.ends[End.SUSPENDED] > 0
    assert found.before.attempts - found.after.attempts >= 2 * lost
    assert found.before.messages["reminder"] > found.after.messages["reminder"] == 0
    for before, after in zip(found.before.suspended_after, found.after.suspended_after, strict=True):
        assert after == pytest.approx(before + 10)
    same = replay(ledger.past.newest_first(), Policy(version=1, campaigns=(FIXED,)), shipped_stories())
    assert same.after == same.before


def test_nothing_is_made_up_about_a_payment_at_another_moment(ledger: Ledger) -> None:
    """A case that a retry paid is known under a policy that makes that very attempt, and unknown under one that does not: then it is in neither sum."""
    write_past(ledger, 40, campaign=FIXED)
    past = next(one for one in ledger.past.newest_first() if one.case.outcome is Outcome.RECOVERED_BY_RETRY)
    (paid,) = (line.at for line in lines_of(past) if line.outcome == "approved")
    late = (paid - past.case.failed_at) / timedelta(days=1)
    agreeing = FIXED.model_copy(update={"retries": Retries(after_days=(late, late + 3))})
    other = FIXED.model_copy(update={"retries": Retries(after_days=(late + 2, late + 5))})
    assert again(past, agreeing).end is End.PAID_BY_RETRY
    assert again(past, other).end is End.UNKNOWN
    found = replay([past], Policy(version=1, campaigns=(other,)), shipped_stories())
    assert (found.after.cases, found.unknown_after) == (0, 1)


def test_an_end_that_was_somebody_elses_stays(ledger: Ledger) -> None:
    """A customer who paid on the second day is written to no more, and not suspended, whatever the policy."""
    write_past(ledger, 5, campaign=FIXED)
    past = next(iter(ledger.past.newest_first()))
    paid = past.case.model_copy(
        update={
            "outcome": Outcome.RECOVERED_BY_CUSTOMER,
            "closed_at": past.case.failed_at + timedelta(days=2),
        }
    )
    known = past.model_copy(update={"case": paid, "attempts": ()})
    found = again(known)
    assert found.end is End.AS_IT_WAS
    assert found.at == paid.closed_at
    assert found.messages == ("payment_failed",)
    assert len(found.attempts) == 1


def test_the_guard_is_played_too(ledger: Ledger) -> None:
    """Under a limit of one attempt a month every further one is held back, and none passes a limit."""
    write_past(ledger, 20, campaign=FIXED)
    policy = Policy(version=1, campaigns=(FIXED,), network_cap=2)
    found = replay(ledger.past.newest_first(), policy, shipped_stories())
    assert found.after.held_back > 0
    assert found.after.attempts <= found.after.cases
    assert found.after.breaches == 0


def test_a_breach_would_be_counted(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the guard a campaign of sixteen attempts in three weeks passes Visa's limit, and the count of breaches says so."""
    write_past(ledger, 20, campaign=FIXED)
    allowed = Permission(allowed=True, because="the guard is out")
    monkeypatch.setattr("recoup.simulation.replay.may_attempt", lambda *_: allowed)
    often = Retries(after_days=tuple(float(day) for day in range(1, 21)), min_gap_days=0.5)
    policy = Policy(version=1, campaigns=(FIXED.model_copy(update={"retries": often, "window_days": 25.0}),))
    assert replay(ledger.past.newest_first(), policy, shipped_stories()).after.breaches > 0


def test_a_retry_on_a_promised_day_is_no_suspension(ledger: Ledger) -> None:
    """A debt that an attempt outside the schedule paid ended as it did; it is not taken as one that would have been suspended."""
    write_past(ledger, 40, campaign=FIXED)
    past = next(one for one in ledger.past.newest_first() if one.case.outcome is Outcome.RECOVERED_BY_RETRY)
    promised = tuple(row.model_copy(update={"trigger": Trigger.PROMISE}) for row in past.attempts)
    found = again(past.model_copy(update={"attempts": promised}))
    assert (found.end, found.at) == (End.AS_IT_WAS, past.case.closed_at)


def test_a_campaign_that_plans_is_planned(ledger: Ledger) -> None:
    """Under `timing: planned` the planner chooses every attempt, inside the window and no more than there are."""
    write_past(ledger, 10, campaign=PLANNED)
    for past in ledger.past.newest_first():
        found = again(past)
        assert 0 < len(found.attempts) <= len(PLANNED.retries.after_days)
        assert all(at <= past.case.failed_at + timedelta(days=PLANNED.window_days) for at in found.attempts)
        assert found.attempts[0] != past.case.failed_at + timedelta(days=PLANNED.retries.after_days[0])


def test_segments_are_asked_where_the_ledger_knows(ledger: Ledger) -> None:
    """A segment by the card takes its cases; one by plan, or by the country of a customer of whom only the card's is kept, cannot be asked, so the campaign's name decides, and the report says so."""
    write_past(ledger, 3, campaign=FIXED)
    past = next(iter(ledger.past.newest_first()))
    everybody = {"name": "everybody", "retries": {"after_days": [5]}}
    debit = {
        "name": "debit",
        "when": {"payment_method": {"funding": ["debit"]}},
        "retries": {"after_days": [2]},
    }
    american = {"name": "us", "when": {"country": ["US"]}, "retries": {"after_days": [3]}}
    by_plan = {"name": FIXED.name, "when": {"plan": ["price_gold"]}, "retries": {"after_days": [4]}}
    known = Policy.model_validate({"version": 1, "campaigns": [debit, everybody]})
    assert unkept(Policy.model_validate({"version": 1, "campaigns": [american, everybody]})) == ["us"]
    assert by_policy(known)(past).retries.after_days == (2,)
    assert unkept(known) == []
    asks = Policy.model_validate({"version": 1, "campaigns": [by_plan, everybody | {"name": "others"}]})
    assert by_policy(asks)(past).retries.after_days == (4,)
    assert unkept(asks) == [FIXED.name]


def test_the_command_compares_and_writes_the_page(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`recoup backtest --policy FILE --since DAY --html FILE`: a table of both sides, the same figures as JSON, and a page with its pictures and no script."""
    write_past(ledger, 30, campaign=FIXED)
    monkeypatch.setenv("RECOUP_DATABASE_URL", str(ledger._store.url))
    monkeypatch.setenv("RECOUP_TIMING__MODELS", str(tmp_path / "models"))
    new, page = tmp_path / "new.yaml", tmp_path / "page.html"
    new.write_text(
        yaml.safe_dump({"version": 1, "campaigns": [{"name": "mild", "retries": {"after_days": [4, 9]}}]})
    )
    told = CliRunner().invoke(cli, ["backtest", "--policy", str(new), "--html", str(page)])
    assert told.exit_code == 0, told.output
    assert "breaches of a network's rule" in told.stdout
    assert "the other policy" in told.stdout
    found = json.loads(CliRunner().invoke(cli, ["backtest", "--policy", str(new), "--json"]).stdout)
    cases, attempts = found["policy"]["after"]["cases"], found["policy"]["after"]["attempts"]
    assert re.search(rf"attempts +\d+ +{attempts}\n", told.stdout)
    html = page.read_text()
    assert html.count("<svg") == 2
    assert "<script" not in html
    assert f"{cases} closed cases" in html
    everything = CliRunner().invoke(
        cli, ["backtest", "--policy", str(new), "--json", "--since", "2026-07-01"]
    )
    assert json.loads(everything.stdout)["policy"]["begins"] >= "2026-07-01"
    alone = CliRunner().invoke(cli, ["backtest", "--html", str(page)])
    assert alone.exit_code == 2
    assert "--policy" in alone.output
