"""Recoup under chaos: every kind of fault does no harm, the command tells what happened, and processes may be killed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from recoup.chaos import play
from recoup.chaos.audit import Finding
from recoup.chaos.faults import ADDED, IN_TURN, KINDS, TURNS, Fault, Method, Story
from recoup.chaos.plan import BATCH, Planned, RunPlan, plan_of, setting_of
from recoup.chaos.play import grouped
from recoup.cli import cli
from recoup.rules.policy import RetryMode
from tests.chaos.conftest import Play, a_run

WORKER_AND_STRIPE = (
    (
        Story.NEVER,
        Planned(Fault.CRASH_BEFORE_PAY, 1),
        Planned(Fault.CRASH_AFTER_PAY, 2),
        Planned(Fault.CRASH_BEFORE_CHANGE, 1),
        Planned(Fault.CRASH_AFTER_CHANGE, 2),
        Planned(Fault.CRASH_BEFORE_READ, 3),
    ),
    (
        Story.NEVER,
        Planned(Fault.CRASH_BEFORE_RECORD, 5),
        Planned(Fault.CRASH_AFTER_RECORD, 9),
        Planned(Fault.CRASH_BEFORE_MESSAGE, 2),
        Planned(Fault.CRASH_AFTER_MESSAGE, 3),
    ),
    (
        Story.COMES_BACK,
        Planned(Fault.CRASH_BEFORE_ACCESS, 1),
        Planned(Fault.CRASH_AFTER_ACCESS, 1),
        Planned(Fault.BACKEND_DOWN, 2),
    ),
    (
        Story.NEVER,
        Planned(Fault.PAY_ANSWER_LOST, 1, 3),
        Planned(Fault.PAY_NOT_REACHED, 2),
        Planned(Fault.PAY_ERROR_BEFORE, 3),
    ),
    (
        Story.NEVER,
        Planned(Fault.PAY_ERROR_AFTER, 1),
        Planned(Fault.PAY_RATE_LIMITED, 2),
        Planned(Fault.PAY_TIMED_OUT, 3),
    ),
    (
        Story.SOON,
        Planned(Fault.KEY_EXPIRED, 1),
        Planned(Fault.READ_ERROR, 2),
        Planned(Fault.READ_RATE_LIMITED, 4),
        Planned(Fault.READ_NOT_REACHED, 6),
    ),
    (
        Story.NEVER,
        Planned(Fault.LEDGER_REFUSED, 4),
        Planned(Fault.LEDGER_ANSWER_LOST, 10),
        Planned(Fault.MAIL_REFUSED, 2),
        Planned(Fault.MAIL_ANSWER_LOST, 3),
    ),
    (
        Story.NEVER,
        Planned(Fault.RESULT_LOST, 2),
        Planned(Fault.WORKER_AWAY, 4),
        Planned(Fault.CUT_OFF, 1),
        Planned(Fault.CONTINUED, 3),
    ),
    (
        Story.NEVER,
        Planned(Fault.TEMPORAL_AWAY, 1),
        Planned(Fault.STARTER_DOWN, 2),
        Planned(Fault.STARTER_DIED, 1),
    ),
    (
        Story.NEVER,
        Planned(Fault.CHANGE_ANSWER_LOST, 1, 3),
        Planned(Fault.CHANGE_NOT_REACHED, 2, 3),
        Planned(Fault.CHANGE_ERROR, 1, 3),
        Planned(Fault.CHANGE_RATE_LIMITED, 1, 3),
    ),
    (Story.NEVER, Planned(Fault.WEBHOOK_LATE, 2), Planned(Fault.WEBHOOK_DOUBLED, 1)),
    (Story.NEW_CARD, Planned(Fault.WEBHOOKS_SHUFFLED, 1), Planned(Fault.WEBHOOK_LOST, 12)),
)
"""Stories with what goes wrong in them, at which opportunity."""
PEOPLE = (
    *((Story.SOON, fault) for fault in (Fault.PAID_AT_ONCE, Fault.PAID_BETWEEN, Fault.CREDITED_BETWEEN)),
    *(
        (Story.NEVER, fault)
        for fault in (
            Fault.CANCELLED_BETWEEN,
            Fault.CARD_BETWEEN,
            Fault.DISPUTED_BETWEEN,
            Fault.VOIDED_BETWEEN,
            Fault.WRITTEN_OFF_BETWEEN,
            Fault.PAID_BEFORE_READ,
            Fault.CANCELLED_BEFORE_READ,
            Fault.VOIDED_BEFORE_READ,
            Fault.CREDITED_BEFORE_READ,
            Fault.RETRY_NOW,
            Fault.PAUSED,
            Fault.STOPPED,
            Fault.MARKED_PAID,
        )
    ),
)
"""The same with people at the worst moment."""


def _plans(seed: int, table: tuple[tuple[Any, ...], ...]) -> list[RunPlan]:
    return [a_run(seed + number, story, *faults) for number, (story, *faults) in enumerate(table)]


@pytest.mark.parametrize("invoice_lock", [True, False], ids=["locked", "unlocked"])
def test_no_kind_of_fault_does_harm(play_plans: Play, invoice_lock: bool) -> None:
    """Every kind strikes, with Stripe's lock of invoices and without: nothing happens that must not."""
    plans = _plans(500, WORKER_AND_STRIPE if invoice_lock else PEOPLE)
    figures = play_plans(*plans, invoice_lock=invoice_lock)
    assert set(figures) <= {"raced_charges"}, figures


def test_the_two_tables_have_every_kind() -> None:
    """A kind that is new has to be put into one of the tables above."""
    planned = [planned.fault for plan in _plans(0, WORKER_AND_STRIPE + PEOPLE) for planned in plan.faults]
    assert sorted(planned) == sorted(KINDS)


@pytest.mark.parametrize("mode", [RetryMode.WEAVE, RetryMode.OBSERVE])
def test_faults_do_no_harm_beside_stripes_own_retries(play_plans: Play, mode: RetryMode) -> None:
    """The same holds where Stripe goes on retrying by itself."""
    figures = play_plans(*(plan_of(seed) for seed in range(3)), mode=mode, all_strike=False)
    assert set(figures) <= {"raced_charges"}, figures


def _chaos(place: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    report = place / "chaos.json"
    arguments = ["chaos", "--json", str(report), "--traces", str(place / "traces"), *options]
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.return_value, json.loads(report.read_text()) if report.exists() else {}, done.output


def test_the_command_tells_its_figures_by_setting(tmp_path: Path) -> None:
    """Neighbours are played with the settings that belong to them; all is counted, and the code is 0."""
    code, told, output = _chaos(tmp_path, "--runs", "2", "--seed", "1", "--shards", "1")
    assert (code, told["failures"]) == (0, []), output
    runs = {setting: tally["runs"] for setting, tally in told["by_setting"].items()}
    assert runs == {"own_lock_on": 1, "own_lock_off": 1}
    assert told["command"] == "recoup chaos --runs 2 --seed 1"
    assert all(f"{setting}: 1 run" in output for setting in runs)
    assert sum(told["faults"].values()) >= 1
    assert not (tmp_path / "traces").exists()


def test_a_failure_is_told_with_its_seed_and_its_trace_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What must not happen makes the code 1, and can be repeated and read."""
    monkeypatch.setattr(play, "audit", lambda _: [Finding("double_charges", 7, "in_1 was charged 2 times")])
    code, told, output = _chaos(tmp_path, "--runs", "1", "--seed", "7")
    assert (code, told["double_charges"]) == (1, 1)
    assert "recoup chaos --runs 1 --seed 7" in output
    trace = Path(told["failures"][0]["trace"]).read_text()
    assert trace.startswith("in_1 was charged 2 times\n\nseed 7: ")
    assert "TRY" in trace


@pytest.mark.slow
@pytest.mark.stack
def test_killed_processes_do_no_harm(tmp_path: Path, temporal_binary: Path) -> None:
    """Real processes, killed with SIGKILL at every kind of effect, end with all books agreeing."""
    code, told, output = _chaos(tmp_path, "--runs", "0", "--processes", "8", "--seed", "3")
    assert temporal_binary.exists()
    assert (code, told["failures"]) == (0, []), output
    assert sum(count for kind, count in told["faults"].items() if kind.startswith("worker_killed")) >= 6


def test_a_seed_alone_makes_the_plan() -> None:
    """The same seed gives the same plan, and every kind comes first in its turn."""
    assert [plan_of(seed) for seed in range(20)] == [plan_of(seed) for seed in range(20)]
    plans = [plan_of(seed) for seed in range(len(TURNS))]
    assert {plan.faults[0].fault for plan in plans} == set(IN_TURN)
    assert {plan.faults[-1].fault for plan in plans} >= set(ADDED)
    assert {plan.method for plan in plans} == set(Method)


def test_a_seed_always_meets_the_same_setting() -> None:
    """However many runs are asked for, a seed is grouped with the same neighbours; every mode has both kinds of lock."""
    assert list(grouped(range(46, 53))) == [[46, 47], [48, 49], [50, 51], [52]]
    assert [group[0] // BATCH for group in grouped(range(200))] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert {setting_of(seed).invoice_lock for seed in range(1, 5)} == {True, False}, "a few runs meet both"
    names = {setting_of(seed).name for seed in range(20 * BATCH)}
    assert names == {f"{mode}_lock_{lock}" for mode in RetryMode for lock in ("on", "off")}
