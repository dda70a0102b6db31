"""Customers of the simulator on the whole stack: worker, starter, Temporal and webhooks meet whom the simulator plays."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recoup.simulation.cases import Cases, Season, draw_cases
from recoup.simulation.cast import world_file
from recoup.simulation.population import load_population
from tests.demo.conftest import start_demo

pytestmark = [pytest.mark.stack, pytest.mark.slow]

COUNT, SEED = 10, 7
NEARBY = (0, 60)
"""Seconds by which the record of an attempt may be later than the bank's answer."""


def heard(drawn: Cases, case: int, at: datetime) -> set[str | None]:
    """The codes that the case's bank says about then."""
    return {
        drawn.decline(case, max((at - drawn.failed_at[case]).total_seconds() - late, 1)).code
        for late in NEARBY
    }


def had_a_chance(drawn: Cases, case: int, at: datetime) -> bool:
    """Whether an attempt about then could be approved."""
    seconds = (at - drawn.failed_at[case]).total_seconds()
    return any(drawn.chance[case, drawn.hour(case, max(seconds - late, 1))] > 0 for late in NEARBY)


def test_the_real_workflows_meet_the_simulators_customers(tmp_path: Path, temporal_binary: Path) -> None:
    """Every case begins when its case fails; each attempt is answered as the case's hour and day say; each end is the customer's own."""
    begins = datetime.now(UTC) + timedelta(days=2)
    population, season = load_population("reference"), Season.weeks_from(begins)
    drawn = draw_cases(population, COUNT, seed=SEED, season=season)
    world, told = tmp_path / "world.yaml", tmp_path / "out.json"
    world.write_text(world_file(population, COUNT, seed=SEED, window_days=14, season=season))
    process, _ = start_demo(tmp_path, "--world", str(world), "--headless", "--json", str(told))
    output, _ = process.communicate(timeout=400)
    assert process.returncode == 0, output
    report = json.loads(told.read_text())
    cases = {each["customer"]: each for each in report["cases"] if not each["is_return"]}
    assert len(cases) == COUNT
    for number, key in enumerate(sorted(cases)):
        hold_to_its_case(drawn, number, cases[key])


def hold_to_its_case(drawn: Cases, number: int, case: dict[str, Any]) -> None:
    """Every line of a timeline that the bank or the customer made is one that was drawn."""
    first = case["timeline"][0]
    assert first["because"].endswith(drawn.decline(number, 0).code)
    failed_at = drawn.failed_at[number]
    assert timedelta(0) <= datetime.fromisoformat(first["at"]) - failed_at < timedelta(minutes=1)
    ends = failed_at + timedelta(seconds=int(drawn.ends[number]))
    for line in case["timeline"]:
        at = datetime.fromisoformat(line["at"])
        if line["kind"] == "attempt" and line["what"].endswith("declined"):
            assert line["because"].split(":")[0] in heard(drawn, number, at), line
        if line["kind"] == "attempt" and line["what"].endswith("paid"):
            assert had_a_chance(drawn, number, at) or (drawn.updated[number] and at >= ends), line
    if case["outcome"] in ("recovered_by_card_update", "lost_cancelled"):
        assert drawn.updated[number] == (case["outcome"] == "recovered_by_card_update")
        closed = next(each for each in case["timeline"] if each["kind"] == "closed")
        assert abs(datetime.fromisoformat(closed["at"]) - ends) < timedelta(minutes=5)
