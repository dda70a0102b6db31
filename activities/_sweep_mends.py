"""How each kind of finding is mended. Every mend looks once more, may be made twice, and leaves one event."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from activities._collecting import Collector
from activities._failures import stripe_errors
from activities.access import Access
from activities.contracts import AccessOrder, Decision, Happened, InvoicePaid, SettleOrder, StartCase
from activities.pacing import Pace
from activities.people_contracts import CustomerExcluded
from activities.sweep_contracts import Finding, Look, Mended, MendOrder
from recoup.clock import Clock
from recoup.ledger import CaseRow, Ledger
from recoup.rules.case import Outcome, Stage
from recoup.rules.policy import Campaign
from recoup.rules.step import Step, StepKind
from recoup.temporal.gateway import CaseGateway
from recoup.temporal.ids import case_id, return_number_of

CALLS_OF_A_BEGINNING = 8
"""The requests that a new case makes at once: it takes the invoice over and writes to the customer."""

CALLS_OF_A_SETTLING = 2

CALLS_OF_A_RESTORING = 4

MOST_RETURNS = 50
"""So many returns of one invoice are tried at most for a free number."""

_OVER = "its case has run before and is over"

SIGNALS = {
    Outcome.CLOSED_VOIDED: "invoice_voided",
    Outcome.CLOSED_EXCLUDED: "invoice_voided",
    Outcome.CLOSED_UNCOLLECTIBLE: "invoice_uncollectible",
    Outcome.LOST_CANCELLED: "subscription_cancelled",
    Outcome.LOST_CANCELLED_BY_CUSTOMER: "cancelled_by_customer",
}
"""What a case is told of an invoice that ended in another way than by being paid."""


@dataclass(frozen=True)
class Mender:
    """Mends findings. ``collector`` must be one that only reads."""

    ledger: Ledger
    clock: Clock
    gateway: CaseGateway
    collector: Collector
    access: Access
    pace: Pace

    async def mend(self, order: MendOrder) -> Mended:
        """Mend one finding, if it still is one."""
        mends: dict[Look, Callable[[MendOrder], Awaitable[Mended]]] = {
            Look.UNSETTLED_ATTEMPTS: self._settle,
            Look.ENDED_INVOICES: self._tell_the_end,
            Look.STOPPED_CASES: self._carry_again,
            Look.WITHHELD_ACCESS: self._give_back,
            Look.FORGOTTEN_INVOICES: self._begin,
        }
        return await mends[order.finding.look](order)

    async def _settle(self, order: MendOrder) -> Mended:
        finding = order.finding
        if not await asyncio.to_thread(self._is_unsettled, finding):
            return self._nothing("the attempt has its result meanwhile")
        settle = SettleOrder(**self._order(finding, StepKind.SETTLE), number=finding.attempt or 0)
        await self._turn(CALLS_OF_A_SETTLING)
        with stripe_errors(f"settle {finding.subject}"):
            report = await asyncio.to_thread(self.collector.settle, settle)
        if not report.state.is_settled:
            return self._nothing(f"the attempt is {report.state}: {report.because}")
        said = {"attempt": finding.attempt, "state": report.state, "result": report.because}
        return await self._did(order, "attempt_settled", finding.subject, said)

    async def _tell_the_end(self, order: MendOrder) -> Mended:
        finding = order.finding
        case, outcome = await self._case(finding), finding.outcome or Outcome.CLOSED_EXCLUDED
        if case is None or not case.is_open:
            return self._nothing("the case has ended meanwhile")
        if outcome is Outcome.CLOSED_STOPPED:
            return await self._tell_the_exclusion(order, case)
        signal, news = self._news(finding, outcome)
        if await self.gateway.tell(case.id, signal, news):
            told = f"{case.id}/{case.run_id}/{outcome}"
            return await self._did(order, "case_told", told, {"signal": signal})
        return await self._close(order, outcome, finding.because)

    async def _tell_the_exclusion(self, order: MendOrder, case: CaseRow) -> Mended:
        row = await asyncio.to_thread(self.ledger.exclusions.of, case.customer)
        if row is None:
            return self._nothing("the exclusion was taken back meanwhile")
        news = CustomerExcluded(at=self.clock.now(), because=row.because, operator=row.actor)
        if await self.gateway.tell(case.id, "customer_excluded", news):
            told = f"{case.id}/{case.run_id}/{Outcome.CLOSED_STOPPED}"
            return await self._did(order, "case_told", told, {"signal": "customer_excluded"})
        return await self._close(order, Outcome.CLOSED_STOPPED, row.said)

    async def _carry_again(self, order: MendOrder) -> Mended:
        case = await self._case(order.finding)
        if case is None or not case.is_open:
            return self._nothing("the case has ended meanwhile")
        run = await self.gateway.run_of(case.id)
        if run is not None and run.is_running:
            return self._nothing("its workflow runs again")
        if run is not None and run.is_complete:
            # The workflow came to its end, so the ledger is older than it: restored from a copy.
            result = await self.gateway.result_of(case.id)
            return await self._close(order, result.outcome, result.because)
        await self._turn(CALLS_OF_A_BEGINNING)
        start = StartCase(invoice=case.invoice, at=self.clock.now(), return_number=return_number_of(case.id))
        return await self._started(order, start, "case_begun_again") or self._nothing(_OVER)

    async def _give_back(self, order: MendOrder) -> Mended:
        case = await self._case(order.finding)
        if case is None or await asyncio.to_thread(self._is_tended, order.finding):
            return self._nothing("a case of the subscription is open")
        outcome = order.finding.outcome or Outcome.CLOSED_EXCLUDED
        if outcome.stage is Stage.RECOVERED and await asyncio.to_thread(self._may_return, case):
            return await self._begin_return(order, case, outcome)
        ending = Campaign.model_validate(case.policy).ending
        restore = AccessOrder(**self._order(order.finding, StepKind.RESTORE), ending=ending)
        await self._turn(CALLS_OF_A_RESTORING)
        report = await asyncio.to_thread(self.access.restore, restore)
        if not report.done:
            return self._nothing(report.because)
        return await self._did(order, "access_restored", f"{order.finding.subject}/{case.id}", {})

    async def _begin_return(self, order: MendOrder, case: CaseRow, outcome: Outcome) -> Mended:
        """A return whose number was used up by a run that found nothing to do takes the next one."""
        at = self.clock.now()
        paid = InvoicePaid(at=at, outside=outcome is Outcome.RECOVERED_OUTSIDE)
        first = len(await asyncio.to_thread(self.ledger.cases.by_invoice, case.invoice)) + 1
        await self._turn(CALLS_OF_A_BEGINNING)
        for number in range(first, first + MOST_RETURNS):
            start = StartCase(invoice=case.invoice, at=at, return_number=number, paid=paid)
            if (mended := await self._started(order, start, "return_begun")) is not None:
                return mended
        return self._nothing("no return could be begun")

    async def _begin(self, order: MendOrder) -> Mended:
        finding = order.finding
        await self._turn(CALLS_OF_A_BEGINNING)
        start = StartCase(invoice=finding.invoice or finding.subject, at=self.clock.now())
        return await self._started(order, start, "case_begun") or self._nothing(_OVER)

    # The small parts.

    async def _started(self, order: MendOrder, start: StartCase, kind: str) -> Mended | None:
        """Begin a case; None where it ran before and is over.

        The event is the run's, so that two sweeps that meet in one run write it once.
        """
        finding, case = order.finding, case_id(start.invoice, start.return_number)
        begun = await self.gateway.begin(
            start, customer=finding.customer, subscription=finding.subscription, due=finding.due
        )
        run = await self.gateway.run_of(case) if begun else None
        if run is None:
            return None
        return await self._did(order, kind, f"{case}/{run.id}", {"case": case})

    async def _close(self, order: MendOrder, outcome: Outcome, because: str) -> Mended:
        """Close the row of a case that can do so no more itself."""
        case = await self._case(order.finding)
        if case is None or not case.is_open:
            return self._nothing("the case has ended meanwhile")
        await asyncio.to_thread(self.ledger.cases.close, case.id, outcome, because, self.clock.now())
        return await self._did(order, "case_closed", f"{case.id}/{case.run_id}", {"outcome": outcome})

    def _news(self, finding: Finding, outcome: Outcome) -> tuple[str, Happened]:
        at = self.clock.now()
        if outcome.stage is not Stage.RECOVERED:
            return SIGNALS[outcome], Happened(at=at)
        outside = outcome is Outcome.RECOVERED_OUTSIDE
        return "invoice_paid", InvoicePaid(at=at, outside=outside, by_stripe=finding.by_stripe)

    def _is_unsettled(self, finding: Finding) -> bool:
        row = self.ledger.attempts.unsettled(finding.invoice or "")
        return row is not None and row.number == finding.attempt

    def _is_tended(self, finding: Finding) -> bool:
        return bool(finding.subscription and self.ledger.cases.open_of_subscription(finding.subscription))

    def _may_return(self, case: CaseRow) -> bool:
        gone = self.ledger.cases.suspended_of_customer(case.customer)
        return any(row.invoice == case.invoice for row in gone)

    async def _case(self, finding: Finding) -> CaseRow | None:
        return await asyncio.to_thread(self.ledger.cases.get, finding.case_id or "")

    async def _turn(self, requests: int = 1) -> None:
        await asyncio.to_thread(self.pace.wait_for, requests)

    def _order(self, finding: Finding, kind: StepKind) -> dict[str, Any]:
        at = self.clock.now()
        step = Step(kind=kind, due_at=at, because=finding.because)
        return {
            "case_id": finding.case_id,
            "invoice": finding.invoice,
            "customer": finding.customer,
            "subscription": finding.subscription,
            "request": f"sweep/{kind}/{finding.subject}",
            "decision": Decision(at=at, step=step, known={}, rules_version=1),
        }

    async def _did(self, order: MendOrder, kind: str, unique: str, data: dict[str, Any]) -> Mended:
        """Write the event of a mend; where it is there already, somebody else has mended the same."""
        finding, at = order.finding, self.clock.now()
        new = await asyncio.to_thread(
            self.ledger.events.append,
            f"sweep.{kind}",
            at,
            case_id=finding.case_id,
            invoice=finding.invoice,
            customer=finding.customer,
            data={"because": finding.because, "sweep": order.sweep, **data},
            unique=f"sweep.{kind}/{unique}",
        )
        if not new:
            return self._nothing("it had been mended already")
        return Mended(at=at, did=kind, because=finding.because)

    def _nothing(self, because: str) -> Mended:
        return Mended(at=self.clock.now(), did=None, because=because)
