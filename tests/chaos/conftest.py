"""Playing a few chosen runs in this process, so that a test can take a safeguard out first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from recoup.chaos.audit import audit
from recoup.chaos.batch import Batch
from recoup.chaos.faults import Fault, Method, Story
from recoup.chaos.plan import Planned, RunPlan, Setting, plan_of
from recoup.rules.policy import RetryMode

Figures = Counter[str]
Play = Callable[..., Figures]


def a_run(
    seed: int,
    story: Story,
    *faults: Fault | Planned,
    brand: str = "visa",
    refusals: int = 1,
    method: Method = Method.CARD,
) -> RunPlan:
    """A plan made by hand: one subscription, and these faults at their first opportunity."""
    planned = tuple(each if isinstance(each, Planned) else Planned(each, 1) for each in faults)
    subscriptions = 4 if story is Story.CROWD else 1
    return replace(
        plan_of(seed),
        story=story,
        brand=brand,
        refusals=refusals,
        subscriptions=subscriptions,
        acts_after_days=25.0 if story is Story.COMES_BACK else 4.0,
        faults=planned,
        method=method,
        currency="eur",
    )


@pytest.fixture
def play_plans(tmp_path: Path) -> Play:
    """Play these plans and answer the figures that are not 0; every planned fault must have taken effect."""

    def play(
        *plans: RunPlan,
        invoice_lock: bool = True,
        mode: RetryMode = RetryMode.OWN,
        all_strike: bool = True,
    ) -> Figures:
        with Batch(tmp_path / "batch", plans, Setting(mode, invoice_lock)).played() as played:
            if all_strike:
                missed = [
                    (run.plan.seed, planned.fault)
                    for run in played.runs
                    for planned in run.plan.faults
                    if not run.hits[planned.fault]
                ]
                assert missed == []
            return Counter(finding.figure for finding in audit(played))

    return play
