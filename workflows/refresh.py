"""A mass update: many customers are asked for a new card, page by page, at the rate that was given.

The targets and what became of them are in the ledger; here are only the sums, and whether to go on. A long update continues as new, so
that its history stays small whatever the number of customers.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import NoReturn

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.card_contracts import (
        MIRROR_WORKFLOW,
        REFRESH_WORKFLOW,
        CardActivity,
        KeepMirror,
        MirrorResult,
        RefreshProgress,
        RefreshResult,
        RefreshTally,
        Selected,
        SelectOrder,
        StartRefresh,
        Worked,
        WorkOrder,
    )
    from activities.contracts import OperatorRequest
    from workflows import _orders as orders

PAGES_IN_A_RUN = 200
"""So many pages go into one history: some two thousand events, of which none grows with the number of customers."""

SHORTEST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=10)
"""However slow the rate: so often the progress is read again."""


@workflow.defn(name=REFRESH_WORKFLOW)
class RefreshCards:
    """One mass update, from its beginning to the last target, a stop, or the next run of its chain."""

    @workflow.init
    def __init__(self, start: StartRefresh) -> None:
        self._start = start
        self._tally = RefreshTally()
        self._selecting = start.mirrored and not start.selected
        self._paused = start.paused
        self._stopped = False
        self._finished = False
        self._because = start.because
        self._pages = 0
        self._more = False

    @workflow.signal
    def more(self) -> None:
        """It was begun again: there may be new targets in the ledger, even where the last page saw none."""
        self._more = True

    @workflow.run
    async def run(self, start: StartRefresh) -> RefreshResult:
        if self._selecting:
            await self._select()
        while not self._stopped:
            await workflow.wait_condition(lambda: not self._paused or self._stopped)
            self._more = False
            worked = await self._work()
            if worked is None:
                continue
            self._tally = worked.tally
            self._show()
            if worked.tally.waiting == 0 and not self._more:
                break
            await self._rest(worked.wait_seconds)
            self._pages += 1
            if self._pages >= PAGES_IN_A_RUN or workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                self._continue_as_new()
        self._finished = not self._stopped
        self._show()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return RefreshResult(tally=self._tally, stopped=self._stopped, because=self._because)

    # An operator's words. Each answers with how far it is.

    @workflow.update
    def pause(self, request: OperatorRequest) -> RefreshProgress:
        """Write to nobody until it is resumed; the page under way ends within seconds."""
        self._paused, self._because = True, _said(request)
        self._show()
        return self.progress()

    @workflow.update
    def resume(self, request: OperatorRequest) -> RefreshProgress:
        """Go on after a pause."""
        self._paused, self._because = False, _said(request)
        self._show()
        return self.progress()

    @workflow.update
    def stop(self, request: OperatorRequest) -> RefreshProgress:
        """End it; whoever still waits is not written to, unless it is begun again."""
        self._stopped, self._because = True, _said(request)
        self._show()
        return self.progress()

    @resume.validator
    def _may_resume(self, request: OperatorRequest) -> None:
        if not self._paused:
            raise ApplicationError("The mass update is not paused")

    @workflow.query
    def progress(self) -> RefreshProgress:
        """How far it is."""
        return RefreshProgress(tally=self._tally, state=self._state(), because=self._because)

    # How it is done.

    async def _select(self) -> None:
        """From a mirror that is up to date; begun again it takes in whoever is new."""
        self._show()
        await workflow.execute_child_workflow(
            MIRROR_WORKFLOW,
            KeepMirror(),
            id=f"{workflow.info().workflow_id}/mirror",
            result_type=MirrorResult,
            static_summary="bring the mirror of cards up to date",
        )
        after: str | None = ""
        while after is not None and not self._stopped:
            order = SelectOrder(name=self._start.name, after=after)
            page = await orders.page(
                CardActivity.SELECT_TARGETS.value, order, Selected, "whose cards are meant"
            )
            after = page.after
        self._selecting = False

    async def _work(self) -> Worked | None:
        """One page; None where it was given up, because of a pause or a stop, or because it cannot succeed."""
        if self._is_held():
            return None
        order = WorkOrder(name=self._start.name)
        try:
            return await orders.execute(
                CardActivity.WORK_TARGETS, order, Worked, "ask the next customers", until=self._is_held
            )
        except ActivityError as error:
            if not self._is_held():
                why = orders.describe_failure(error)
                self._paused, self._because = True, f"it could not go on, and waits to be resumed: {why}"
                self._show()
        return None

    async def _rest(self, seconds: float) -> None:
        if seconds <= 0:
            return
        wait = min(max(timedelta(seconds=seconds), SHORTEST_WAIT), LONGEST_WAIT)
        with suppress(TimeoutError):
            await workflow.wait_condition(self._is_held, timeout=wait, timeout_summary="as the rate allows")

    def _is_held(self) -> bool:
        return self._paused or self._stopped

    def _state(self) -> str:
        if self._stopped:
            return "stopped"
        if self._finished:
            return "finished"
        if self._paused:
            return "paused"
        return "selecting" if self._selecting else "working"

    def _show(self) -> None:
        told = self._tally
        figures = (
            f"{told.done} of {told.total} done: {told.told} written to, {told.renewed} renewed by themselves,"
            f" {told.left} left alone, {told.failed} refused"
        )
        because = f"\n\n{self._because}" if self._because else ""
        workflow.set_current_details(f"{self._state()}; {figures}{because}")

    def _continue_as_new(self) -> NoReturn:
        workflow.continue_as_new(
            self._start.model_copy(
                update={"selected": True, "paused": self._paused, "because": self._because}
            )
        )


def _said(request: OperatorRequest) -> str:
    return f"{request.operator}: {request.reason}"
