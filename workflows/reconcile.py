"""The sweep: finds what no webhook told, mends each finding, and says so.

A page of a look is one activity, a finding's mending another one; only ids, counts and the first few lines of the report
are kept, and a long sweep continues as new, so that neither memory nor history grows with the number of invoices.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import NoReturn

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.sweep_contracts import (
        RECONCILE_WORKFLOW,
        Finding,
        Look,
        LookOrder,
        Mend,
        Mended,
        MendOrder,
        Page,
        StartSweep,
        SweepActivity,
        SweepResult,
        Tally,
    )
    from workflows import _orders as orders

PAGES_IN_A_RUN = 10
"""So many pages, of a hundred findings at most, go into one history: some four thousand events."""

MENDS_AT_ONCE = 5

LINES_KEPT = 100
"""So many mends stand in the result by name."""

MEND_RETRY = RetryPolicy(maximum_attempts=5)
"""A finding that cannot be mended holds up no other one; the next sweep finds it again."""


@workflow.defn(name=RECONCILE_WORKFLOW)
class Reconcile:
    """One sweep over everything that may have been missed."""

    @workflow.init
    def __init__(self, start: StartSweep) -> None:
        self._by = start.by
        self._began_at = start.began_at
        self._now: datetime | None = start.began_at
        self._tallies = {tally.look: tally for tally in start.tallies}
        self._mends = list(start.mends)
        self._pages = 0

    @workflow.run
    async def run(self, start: StartSweep) -> SweepResult:
        looks = list(Look)
        for look in looks[looks.index(start.look or looks[0]) :]:
            await self._look(look, start.after if look is start.look else None)
        now = workflow.now()
        result = SweepResult(
            began_at=self._began_at or now,
            ended_at=self._now or now,
            tallies=tuple(self._tallies.values()),
            mends=tuple(self._mends),
        )
        workflow.logger.info("the sweep is over: %s", "; ".join(map(_line, result.tallies)))
        return result

    async def _look(self, look: Look, after: str | None) -> None:
        """All pages of one look. A look that cannot be finished is told in the report and stops no other one."""
        while True:
            if self._pages >= PAGES_IN_A_RUN or workflow.info().is_continue_as_new_suggested():
                self._continue_as_new(look, after)
            self._pages += 1
            order = LookOrder(look=look, after=after)
            try:
                page = await self._page(order)
            except ActivityError as error:
                self._count(look, problem=orders.describe_failure(error))
                return
            self._seen(page.at)
            self._count(look, looked=page.looked, found=len(page.findings))
            await self._mend_all(page.findings)
            after = page.after
            if after is None:
                return

    async def _page(self, order: LookOrder) -> Page:
        page: Page = await workflow.execute_activity(
            SweepActivity.LOOK.value,
            order,
            result_type=Page,
            start_to_close_timeout=orders.START_TO_CLOSE,
            heartbeat_timeout=orders.HEARTBEAT,
            retry_policy=orders.RETRY,
            summary=orders.cut(f"look at {order.look.words}, after {order.after or 'the beginning'}"),
        )
        return page

    async def _mend_all(self, findings: tuple[Finding, ...]) -> None:
        turns = asyncio.Semaphore(MENDS_AT_ONCE)

        async def mend(finding: Finding) -> None:
            async with turns:
                await self._mend(finding)

        await asyncio.gather(*(mend(finding) for finding in findings))

    async def _mend(self, finding: Finding) -> None:
        try:
            mended: Mended = await workflow.execute_activity(
                SweepActivity.MEND.value,
                MendOrder(sweep=workflow.info().first_execution_run_id, finding=finding),
                result_type=Mended,
                start_to_close_timeout=orders.START_TO_CLOSE,
                heartbeat_timeout=orders.HEARTBEAT,
                retry_policy=MEND_RETRY,
                summary=orders.cut(f"{finding.subject}: {finding.because}"),
            )
        except ActivityError as error:
            why = orders.describe_failure(error)
            workflow.logger.error("%s of %s could not be mended: %s", finding.look, finding.subject, why)
            self._count(finding.look, failed=1)
            self._write(finding, None, f"it could not be mended: {why}")
            return
        self._seen(mended.at)
        self._count(finding.look, mended=int(mended.did is not None), left=int(mended.did is None))
        self._write(finding, mended.did, mended.because)

    def _write(self, finding: Finding, did: str | None, because: str) -> None:
        if len(self._mends) < LINES_KEPT:
            self._mends.append(Mend(look=finding.look, subject=finding.subject, did=did, because=because))

    def _count(self, look: Look, *, problem: str | None = None, **more: int) -> None:
        before = self._tallies.get(look) or Tally(look=look)
        counted: dict[str, object] = {name: getattr(before, name) + n for name, n in more.items()}
        self._tallies[look] = before.model_copy(update=counted | ({"problem": problem} if problem else {}))
        workflow.set_current_details("\n\n".join(_line(tally) for tally in self._tallies.values()))

    def _seen(self, at: datetime) -> None:
        """The clock of those who act is the one that the report tells."""
        self._began_at = self._began_at or at
        self._now = max(self._now or at, at)

    def _continue_as_new(self, look: Look, after: str | None) -> NoReturn:
        workflow.continue_as_new(
            StartSweep(
                by=self._by,
                began_at=self._began_at,
                look=look,
                after=after,
                tallies=tuple(self._tallies.values()),
                mends=tuple(self._mends),
            )
        )


def _line(tally: Tally) -> str:
    said = f"{tally.look.words}: {tally.looked} looked at, {tally.found} found, {tally.mended} mended"
    more = [
        f"{n} {what}"
        for n, what in ((tally.left, "need nothing"), (tally.failed, "could not be mended"))
        if n
    ]
    return ", ".join([said, *more, *([tally.problem] if tally.problem else [])])
