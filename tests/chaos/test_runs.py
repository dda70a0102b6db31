"""Recoup under chaos: enough runs to meet every kind of fault, and some with real processes and kill -9."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from recoup.chaos.faults import KINDS, TURNS, Fault
from recoup.chaos.plan import BATCH, plan_of
from recoup.chaos.play import grouped
from recoup.cli import cli

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def _chaos(place: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    report = place / "chaos.json"
    arguments = ["chaos", "--json", str(report), "--traces", str(place / "traces"), *options]
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    code = done.return_value if done.exception is None else 2
    return code, json.loads(report.read_text()) if report.exists() else {}, done.output


def test_every_kind_of_fault_is_met_and_does_no_harm(tmp_path: Path) -> None:
    """Enough runs to meet every kind, with Stripe's lock of invoices and without: nothing happened that must not."""
    code, told, output = _chaos(tmp_path, "--runs", "100", "--seed", "0")
    assert (code, told["failures"]) == (0, []), output
    assert {setting: tally["runs"] for setting, tally in told["by_setting"].items()} == {
        "invoice_lock_on": 50,
        "invoice_lock_off": 50,
    }
    assert [kind for kind in KINDS if not told["faults"][kind]] == []


def test_killed_processes_do_no_harm(tmp_path: Path, temporal_binary: Path) -> None:
    """Real processes, killed with SIGKILL at every kind of effect, end with all books agreeing."""
    code, told, output = _chaos(tmp_path, "--runs", "0", "--processes", "8", "--seed", "3")
    assert temporal_binary.exists()
    assert (code, told["failures"]) == (0, []), output
    assert sum(count for kind, count in told["faults"].items() if kind.startswith("worker_killed")) >= 6


def test_a_seed_alone_makes_the_plan() -> None:
    """The same seed gives the same plan, and the kinds take turns in coming first."""
    assert [plan_of(seed) for seed in range(20)] == [plan_of(seed) for seed in range(20)]
    firsts = {plan_of(seed).faults[0].fault for seed in range(len(TURNS))}
    assert firsts == set(Fault)


def test_a_seed_always_meets_the_same_setting() -> None:
    """However many runs are asked for, a seed is grouped with the same neighbours, so that its lock is the same."""
    assert list(grouped(range(48, 53))) == [[48, 49], [50, 51, 52]]
    assert [group[0] // BATCH for group in grouped(range(200))] == [0, 1, 2, 3]
