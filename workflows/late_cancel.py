"""The last stage of the access: a subscription that was paused is cancelled when nobody has come back.

The case has ended with the suspension; this is a small process of its own, so that no case waits for people who may never
come. Whether there is still something to cancel is asked at the moment itself, and not before.
"""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from activities.contracts import Activity
    from activities.people_contracts import LATE_CANCEL_WORKFLOW, LateCancel, LateCancelled
    from recoup.rules.case import Case, Outcome
    from recoup.rules.policy import Ending
    from recoup.rules.stopping import ending_of
    from recoup.rules.suspension import cancel_at
    from recoup.temporal.attributes import CUSTOMER, INVOICE, SUBSCRIPTION
    from workflows import _orders as orders


@workflow.defn(name=LATE_CANCEL_WORKFLOW)
class LateCancelling:
    """Waits for the day, looks, and cancels if the customer has not come back."""

    @workflow.run
    async def run(self, start: LateCancel) -> LateCancelled:
        now, due = start.at, start.due_at
        while True:
            summary = f"cancel {start.subscription} at last: {start.because}"
            workflow.set_current_details(f"{summary}, on {due:%a %d %b %Y %H:%M} UTC")
            if due > now:
                await workflow.sleep(due - now, summary=orders.cut(summary))
            order = start.model_copy(update={"at": due})
            report: LateCancelled = await orders.execute(
                Activity.CANCEL_AT_LAST, order, LateCancelled, summary
            )
            if report.look_again_at is None:
                workflow.set_current_details(report.because)
                return report
            now, due = report.at, report.look_again_at


async def begin_late_cancel(case: Case) -> None:
    """Begin it for a case that ended in a suspension, where its campaign says so."""
    due = cancel_at(case.closed_at, case.campaign) if case.closed_at is not None else None
    suspended = case.outcome is Outcome.LOST_SUSPENDED and ending_of(case) is Ending.PAUSE
    if due is None or not suspended or case.subscription is None or case.closed_at is None:
        return
    start = LateCancel(
        case_id=case.id,
        invoice=case.invoice,
        customer=case.customer,
        subscription=case.subscription,
        at=case.closed_at,
        due_at=due,
        because=f"nobody has come back in {case.campaign.cancel_after_days:g} days after the suspension",
    )
    known = [(CUSTOMER, case.customer), (INVOICE, case.invoice), (SUBSCRIPTION, case.subscription)]
    pairs = [SearchAttributePair(key, value) for key, value in known]
    try:
        await workflow.start_child_workflow(
            LateCancelling.run,
            start,
            id=f"late-cancel/{case.id}",
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            search_attributes=TypedSearchAttributes(pairs),
            static_summary=orders.cut(f"cancels {case.subscription} at last"),
        )
    except WorkflowAlreadyStartedError:
        workflow.logger.info("the late cancellation of %s waits already", case.id)
