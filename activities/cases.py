"""Cases: telling one case, or beginning its return, from within another workflow."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.contracts import Activity, StartCase, TellCase
from recoup.temporal.gateway import CaseGateway
from recoup.temporal.returns import begin_case


@dataclass
class Cases:
    """The activities that reach other workflows; an activity does it because the dev server cannot signal-with-start from
    within a workflow, and because a case that is over is an answer, not an error.
    """

    gateway: CaseGateway

    @activity.defn(name=Activity.TELL_CASE.value)
    async def tell(self, order: TellCase) -> bool:
        """Tell an open case of a new method or a payment; begin the return of a suspended one, or the case nobody has begun."""
        news = order.paid or order.update
        if news is None:
            raise ApplicationError(f"There is nothing to tell {order.case.case_id}", non_retryable=True)
        if not order.case.begins:
            signal = "invoice_paid" if order.paid else "payment_method_updated"
            return await self.gateway.tell(order.case.case_id, signal, news)
        start = StartCase(
            invoice=order.case.invoice,
            at=news.at,
            event=news.event,
            return_number=order.case.return_number,
            method=order.update,
            paid=order.paid,
        )
        return await begin_case(self.gateway, start)
