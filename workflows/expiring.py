"""Before it fails: the mirror of cards is brought up to date, and whoever's card will not last is reminded.

A page of the mirror is one activity and each reminder another one; only sums are kept, and a long run continues as new.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import NoReturn

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.card_contracts import (
        EXPIRING_WORKFLOW,
        MIRROR_WORKFLOW,
        CardActivity,
        DueOrder,
        DuePage,
        ExpiringResult,
        KeepMirror,
        MirrorResult,
        Remind,
        Reminded,
        ReminderTally,
        StartExpiring,
        Told,
    )
    from workflows import _orders as orders

PAGES_IN_A_RUN = 10
"""So many pages, of a hundred reminders at most, go into one history: some six thousand events."""

REMINDERS_AT_ONCE = 5

LONGEST_REST = timedelta(hours=23)
"""So long after its beginning a run of the schedule looks again; who waits for longer is found by the next one."""

REMIND_RETRY = RetryPolicy(maximum_attempts=5)
"""A reminder that cannot be sent holds up no other one; the next run finds it again."""


@workflow.defn(name=EXPIRING_WORKFLOW)
class ExpiringCards:
    """One run of the reminders before cards expire."""

    @workflow.init
    def __init__(self, start: StartExpiring) -> None:
        self._by = start.by
        self._began_at = start.began_at
        self._now: datetime | None = start.began_at
        self._mirror = start.mirrored
        self._tally = start.tally or ReminderTally()
        self._pages = 0
        self._rests = start.rests
        self._next_look = start.next_look

    @workflow.run
    async def run(self, start: StartExpiring) -> ExpiringResult:
        mirror = self._mirror = self._mirror or await self._keep_mirror()
        after: str | None = start.after
        while after is not None:
            if self._pages >= PAGES_IN_A_RUN or workflow.info().is_continue_as_new_suggested():
                self._continue_as_new(after)
            after = await self._page(after)
            if after is None and await self._has_rested():
                after = ""
        now = workflow.now()
        return ExpiringResult(
            began_at=self._began_at or now, ended_at=self._now or now, mirror=mirror, tally=self._tally
        )

    async def _has_rested(self) -> bool:
        """Wait until the first of those may be written to who must not be now; false where this run waits for nobody."""
        until, self._next_look = self._next_look, None
        if until is None or not self._rests or self._began_at is None or self._now is None:
            return False
        if until > self._began_at + LONGEST_REST:
            return False
        wait = max(until - self._now, timedelta(seconds=1))
        await workflow.sleep(wait, summary="until somebody may be written to")
        self._tally = ReminderTally(told=self._tally.told, failed=self._tally.failed)
        return True

    async def _keep_mirror(self) -> MirrorResult:
        kept: MirrorResult = await workflow.execute_child_workflow(
            MIRROR_WORKFLOW,
            KeepMirror(),
            id=f"{workflow.info().workflow_id}/mirror",
            result_type=MirrorResult,
            static_summary="bring the mirror of cards up to date",
        )
        return kept

    async def _page(self, after: str) -> str | None:
        self._pages += 1
        page = await orders.page(
            CardActivity.DUE_REMINDERS.value,
            DueOrder(after=after),
            DuePage,
            f"whose card expires, after {after or 'the beginning'}",
        )
        self._seen(page.at)
        self._count(looked=page.looked)
        turns = asyncio.Semaphore(REMINDERS_AT_ONCE)

        async def remind(one: Remind) -> None:
            async with turns:
                await self._remind(one)

        await asyncio.gather(*(remind(one) for one in page.found))
        return page.after

    async def _remind(self, one: Remind) -> None:
        try:
            done: Reminded = await workflow.execute_activity(
                CardActivity.REMIND.value,
                one,
                result_type=Reminded,
                start_to_close_timeout=orders.START_TO_CLOSE,
                heartbeat_timeout=orders.HEARTBEAT,
                retry_policy=REMIND_RETRY,
                summary=orders.cut(f"remind {one.customer} of {one.method}"),
            )
        except ActivityError as error:
            why = orders.describe_failure(error)
            workflow.logger.error("%s could not be reminded: %s", one.customer, why)
            self._count(failed=1)
            return
        self._seen(done.at)
        if done.told is Told.WAITS and done.not_before is not None:
            self._next_look = min(self._next_look or done.not_before, done.not_before)
        kinds = {Told.TOLD: "told", Told.FAILED: "failed", Told.WAITS: "waits"}
        self._count(**{kinds.get(done.told, "left"): 1})

    def _count(self, **more: int) -> None:
        counted = {name: getattr(self._tally, name) + n for name, n in more.items()}
        self._tally = self._tally.model_copy(update=counted)
        told = self._tally
        workflow.set_current_details(
            f"{told.looked} expiring cards looked at, {told.told} customers reminded, {told.left} need nothing,"
            f" {told.failed} could not be reminded, {told.waits} wait for their hour"
        )

    def _seen(self, at: datetime) -> None:
        """The clock of those who act is the one that the report tells."""
        self._began_at = self._began_at or at
        self._now = max(self._now or at, at)

    def _continue_as_new(self, after: str) -> NoReturn:
        workflow.continue_as_new(
            StartExpiring(
                by=self._by,
                rests=self._rests,
                next_look=self._next_look,
                began_at=self._began_at,
                mirrored=self._mirror,
                after=after,
                tally=self._tally,
            )
        )
