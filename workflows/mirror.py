"""The mirror of cards is kept: customers whom a webhook marked are read again, and from time to time everybody is.

Where an import stands is in the ledger, so that one that was ended goes on where it was.
"""

from __future__ import annotations

from datetime import datetime
from typing import NoReturn

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.card_contracts import (
        MIRROR_WORKFLOW,
        CardActivity,
        CatchUpOrder,
        CaughtUp,
        Imported,
        KeepMirror,
        MirrorResult,
    )
    from workflows import _orders as orders

PAGES_IN_A_RUN = 300
"""So many pages go into one history: some two thousand events."""


@workflow.defn(name=MIRROR_WORKFLOW)
class MirrorCards:
    """One time that the mirror is brought up to date."""

    @workflow.init
    def __init__(self, start: KeepMirror) -> None:
        self._imported = start.imported
        self._caught_up = start.caught_up
        self._pages = 0

    @workflow.run
    async def run(self, start: KeepMirror) -> MirrorResult:
        if not start.importing:
            await self._catch_up()
        while await self._import_page():
            if self._pages >= PAGES_IN_A_RUN or workflow.info().is_continue_as_new_suggested():
                self._continue_as_new()
        return MirrorResult(imported=self._imported, caught_up=self._caught_up)

    async def _catch_up(self) -> None:
        marked_before: datetime | None = None
        while True:
            page = await orders.page(
                CardActivity.CATCH_UP.value,
                CatchUpOrder(marked_before=marked_before),
                CaughtUp,
                "read the customers again of whom a webhook told",
            )
            self._caught_up += page.read
            self._show()
            if not page.more:
                return
            marked_before = page.marked_before

    async def _import_page(self) -> bool:
        """Whether there is more."""
        self._pages += 1
        page = await orders.page(
            CardActivity.IMPORT_PAGE.value, None, Imported, "read a page of all subscriptions, if that is due"
        )
        self._imported += page.looked
        self._show()
        return page.more

    def _show(self) -> None:
        workflow.set_current_details(
            f"{self._caught_up} customers read again, {self._imported} subscriptions imported"
        )

    def _continue_as_new(self) -> NoReturn:
        workflow.continue_as_new(
            KeepMirror(imported=self._imported, caught_up=self._caught_up, importing=True)
        )
