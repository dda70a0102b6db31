"""The sweep's workflow over scripted activities: pages, mends, failures, and a history that stays small."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.sweep_contracts import (
    Finding,
    Look,
    LookOrder,
    Mended,
    MendOrder,
    Page,
    StartSweep,
    SweepActivity,
    SweepResult,
)
from recoup.temporal.sweep_report import lines_of
from workflows.reconcile import LINES_KEPT, MENDS_AT_ONCE, PAGES_IN_A_RUN, Reconcile

pytestmark = pytest.mark.asyncio(loop_scope="session")
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@dataclass
class Script:
    """What each page of each look shows; what cannot be mended or looked at; and what was asked for."""

    pages: dict[Look, list[list[str]]] = field(default_factory=dict)
    healed: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    asked: list[tuple[Look, str | None]] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    sweeps: set[str] = field(default_factory=set)
    at_once: int = 0
    most_at_once: int = 0

    def activities(self) -> list[Callable[..., Any]]:
        return [self.look, self.mend]

    @activity.defn(name=SweepActivity.LOOK.value)
    async def look(self, order: LookOrder) -> Page:
        if order.look in self.broken:
            raise ApplicationError("no permission", non_retryable=True)
        self.asked.append((order.look, order.after))
        pages = self.pages.get(order.look, [[]])
        number = int(order.after or 0)
        findings = tuple(Finding(look=order.look, subject=name, because="planted") for name in pages[number])
        more = str(number + 1) if number + 1 < len(pages) else None
        return Page(at=AT, looked=max(len(findings), 1), findings=findings, after=more)

    @activity.defn(name=SweepActivity.MEND.value)
    async def mend(self, order: MendOrder) -> Mended:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if order.finding.subject in self.broken:
                raise ApplicationError("it resists", non_retryable=True)
            await asyncio.sleep(0.02)
            self.mended.append(order.finding.subject)
            self.sweeps.add(order.sweep)
            healed = order.finding.subject in self.healed
            return Mended(at=AT, did=None if healed else "case_begun", because="planted")
        finally:
            self.at_once -= 1


@asynccontextmanager
async def sweeping(
    env: WorkflowEnvironment, script: Script
) -> AsyncIterator[WorkflowHandle[Reconcile, SweepResult]]:
    """A sweep over the script; every task is replayed from history."""
    queue = f"sweep-{uuid.uuid4()}"
    async with Worker(
        env.client,
        task_queue=queue,
        workflows=[Reconcile],
        activities=script.activities(),
        max_cached_workflows=0,
    ):
        yield await env.client.start_workflow(
            Reconcile.run, StartSweep(by="test"), id=queue, task_queue=queue
        )


async def test_every_look_is_finished_and_every_finding_mended_once(
    time_skipping_env: WorkflowEnvironment,
) -> None:
    """All five looks in their order, each to its last page; what had healed is told apart from what was mended."""
    script = Script(
        pages={
            Look.ENDED_INVOICES: [["a", "b"], [], ["c"]],
            Look.FORGOTTEN_INVOICES: [[f"in_{n}" for n in range(20)]],
        },
        healed={"b"},
    )
    async with sweeping(time_skipping_env, script) as handle:
        result = await handle.result()
    assert list(dict.fromkeys(look for look, _ in script.asked)) == list(Look)
    assert [after for look, after in script.asked if look is Look.ENDED_INVOICES] == [None, "1", "2"]
    assert sorted(script.mended) == sorted(["a", "b", "c", *(f"in_{n}" for n in range(20))])
    ended = next(tally for tally in result.tallies if tally.look is Look.ENDED_INVOICES)
    assert (ended.looked, ended.found, ended.mended, ended.left, ended.failed) == (4, 3, 2, 1, 0)
    assert result.is_whole
    assert result.began_at == AT
    assert 1 < script.most_at_once <= MENDS_AT_ONCE
    assert lines_of(result)[-1] == "Found 23, mended 22 in 0 seconds."


async def test_what_fails_holds_up_nothing_else(time_skipping_env: WorkflowEnvironment) -> None:
    """A finding that resists and a look that Stripe forbids are told; all the rest is done."""
    script = Script(
        pages={Look.STOPPED_CASES: [["good", "bad"]], Look.FORGOTTEN_INVOICES: [["last"]]},
        broken={"bad", Look.WITHHELD_ACCESS},
    )
    async with sweeping(time_skipping_env, script) as handle:
        result = await handle.result()
    tallies = {tally.look: tally for tally in result.tallies}
    assert sorted(script.mended) == ["good", "last"]
    assert (tallies[Look.STOPPED_CASES].mended, tallies[Look.STOPPED_CASES].failed) == (1, 1)
    assert tallies[Look.WITHHELD_ACCESS].problem == "no permission"
    assert not result.is_whole
    report = "\n".join(lines_of(result))
    assert "  bad: it could not be mended: it resists" in report
    assert "suspended subscriptions: 0 looked at, 0 found, 0 mended, NOT FINISHED: no permission" in report
    assert report.endswith("some could not be done, the next sweep tries again.")


async def test_a_long_sweep_continues_as_new_and_loses_no_page(
    time_skipping_env: WorkflowEnvironment,
) -> None:
    """Thirty pages go into several runs of one sweep: each page is asked for once, each finding mended once, the sums stand."""
    pages = [[f"in_{page}_{n}" for n in range(5)] for page in range(30)]
    script = Script(pages={Look.FORGOTTEN_INVOICES: pages})
    async with sweeping(time_skipping_env, script) as handle:
        result = await handle.result()
    assert [int(after or 0) for look, after in script.asked if look is Look.FORGOTTEN_INVOICES] == list(
        range(30)
    )
    assert sorted(script.mended) == sorted(name for page in pages for name in page)
    assert len(script.sweeps) == 1, "the sweep keeps its name over all its runs"
    tally = result.tallies[-1]
    assert (tally.found, tally.mended) == (150, 150)
    assert len(result.mends) == LINES_KEPT
    assert f"  … and {150 - LINES_KEPT} more" in "\n".join(lines_of(result))
    first = await time_skipping_env.client.get_workflow_handle(
        handle.id, run_id=handle.first_execution_run_id
    ).describe()
    assert first.status is WorkflowExecutionStatus.CONTINUED_AS_NEW
    assert first.history_length < 40 * PAGES_IN_A_RUN


async def test_nothing_amiss_is_one_line(time_skipping_env: WorkflowEnvironment) -> None:
    """A sweep that finds nothing says so."""
    async with sweeping(time_skipping_env, Script()) as handle:
        result = await handle.result()
    assert lines_of(result)[-1] == "Nothing was amiss in 0 seconds."
    assert result.mends == ()
