"""The sweep: looking page by page for what no webhook told, and mending what is found.

Nothing here charges anybody: attempts are settled by reading alone, and what has to be collected is left to a case.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from stripe import StripeClient
from temporalio import activity

from activities._collecting import Collector
from activities._failures import stripe_errors
from activities._sweep_looks import Looks
from activities._sweep_mends import Mender
from activities.access import Access
from activities.pacing import Pace
from activities.sweep_contracts import Finding, Look, LookOrder, Mended, MendOrder, Page, SweepActivity
from recoup.clock import Clock
from recoup.ledger import Ledger
from recoup.rules.policy import RacedPayments
from recoup.temporal.gateway import CaseGateway

_TENDED_BY_A_WORKFLOW = (Look.UNSETTLED_ATTEMPTS, Look.STOPPED_CASES, Look.FORGOTTEN_INVOICES)
"""What is no finding while the case's workflow runs."""


@dataclass
class Sweep:
    """The activities of :mod:`workflows.reconcile`."""

    client: StripeClient
    ledger: Ledger
    clock: Clock
    gateway: CaseGateway
    access: Access
    pace: Pace
    max_age: timedelta = timedelta(days=90)
    """Failed invoices older than this are left alone."""
    raced: RacedPayments = RacedPayments.REFUND
    """What becomes of our payment where the customer paid at the same moment."""

    def __post_init__(self) -> None:
        self._looks = Looks(self.client, self.ledger, self.clock, self.pace, self.max_age)
        collector = Collector(self.client, self.ledger, self.clock, raced=self.raced, reading_only=True)
        self._mender = Mender(self.ledger, self.clock, self.gateway, collector, self.access, self.pace)

    @activity.defn(name=SweepActivity.LOOK.value, no_thread_cancel_exception=True)
    async def look(self, order: LookOrder) -> Page:
        """Look at one page."""
        with stripe_errors(f"show the {order.look}"):
            seen = await asyncio.to_thread(self._looks.page, order)
            findings = [finding for finding in seen.candidates if await self._is_one(finding)]
        return Page(at=self.clock.now(), looked=seen.looked, findings=tuple(findings), after=seen.after)

    @activity.defn(name=SweepActivity.MEND.value, no_thread_cancel_exception=True)
    async def mend(self, order: MendOrder) -> Mended:
        """Mend one finding, if it still is one."""
        return await self._mender.mend(order)

    async def _is_one(self, candidate: Finding) -> bool:
        """Whether nobody tends to it: a workflow that runs will; one that refused an invoice has said why."""
        if candidate.look not in _TENDED_BY_A_WORKFLOW:
            return True
        run = await self.gateway.run_of(candidate.case_id or candidate.subject)
        if run is not None and run.is_running:
            return False
        if candidate.look is Look.STOPPED_CASES:
            # Between the page and this question the case may have ended; it closes its row before its workflow is over.
            row = await asyncio.to_thread(self.ledger.cases.get, candidate.case_id or "")
            return row is None or row.is_open
        if candidate.look is not Look.FORGOTTEN_INVOICES:
            return True
        if run is not None and run.is_complete:
            return False
        return await asyncio.to_thread(self._looks.has_failed, candidate.subject)
