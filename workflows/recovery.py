"""The recovery of one failed invoice: notify, wait, retry, and end reactivated or suspended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.contracts import (
        AccessOrder,
        AccessReport,
        Activity,
        AttemptOrder,
        AttemptReport,
        CaseResult,
        CaseView,
        Closed,
        CloseOrder,
        FailedAgain,
        Happened,
        InvoicePaid,
        Looked,
        MessageOrder,
        MessageReport,
        MethodUpdated,
        OperatorRequest,
        PauseUntil,
        PlainOrder,
        SettleOrder,
        StartCase,
        TakenUp,
        TakeUp,
        WhatWillHappen,
    )
    from recoup.rules import fold
    from recoup.rules.case import Case, Outcome, Template, Trigger
    from recoup.rules.steps import Candidate, Step, StepKind, next_step, stage_of
    from recoup.rules.suspension import suspend_at
    from workflows import _orders as orders
    from workflows import _shown as shown


@workflow.defn(name="RecoveryCase")
class RecoveryCase:
    """One failed invoice, from its first failure to its outcome."""

    @workflow.init
    def __init__(self, start: StartCase) -> None:
        self._start = start
        self._case: Case | None = start.case
        self._early: list[Callable[[Case], Case]] = []
        self._ahead = timedelta(0)
        self._acts = 0
        self._doing: StepKind | None = None
        self._waiting = False
        self._changed = False
        self._see(start.at)

    @workflow.run
    async def run(self, start: StartCase) -> CaseResult:
        if self._case is None and (refused := await self._take_up(start)):
            return refused
        while (step := self._next()).kind is not StepKind.END:
            if await self._is_due(step):
                await self._do(step)
            if workflow.info().is_continue_as_new_suggested():
                await self._continue_as_new()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._result()

    # What the case does, one small verb for each step.

    async def _take_up(self, start: StartCase) -> CaseResult | None:
        info = workflow.info()
        order = TakeUp(
            invoice=start.invoice,
            at=self._now(),
            return_number=start.return_number,
            workflow_id=info.workflow_id,
            run_id=info.run_id,
        )
        taken: TakenUp = await orders.execute(Activity.TAKE_UP, order, TakenUp, f"take up {start.invoice}")
        self._see(taken.at)
        if taken.case is None:
            outcome = taken.outcome or Outcome.CLOSED_EXCLUDED
            shown.refused(outcome, taken.because)
            return CaseResult(case_id=start.invoice, outcome=outcome, because=taken.because, attempts=0)
        self._case = taken.case
        if start.method is not None:
            self._fold(lambda case: fold.method_updated(case, start.method.version, start.method.cause))  # type: ignore[union-attr]
        if start.paid is not None:
            self._fold(lambda case: fold.invoice_paid(case, start.paid.outside, start.paid.by_stripe))  # type: ignore[union-attr]
        if taken.outcome is not None:
            self._fold(lambda case: fold.ended(case, taken.outcome or Outcome.CLOSED_EXCLUDED, taken.because))
        for news in self._early:
            self._fold(news)
        return None

    async def _do(self, step: Step) -> None:
        verbs: dict[StepKind, Callable[[Step], Awaitable[None]]] = {
            StepKind.MESSAGE: self._send_message,
            StepKind.ATTEMPT: self._attempt,
            StepKind.SETTLE: self._settle,
            StepKind.LOOK: self._look,
            StepKind.MARK_PAID: self._mark_paid,
            StepKind.SUSPEND: self._suspend,
            StepKind.PERSON: self._ask_a_person,
            StepKind.RESUME: self._resume,
            StepKind.CLOSE: self._close,
            StepKind.RESTORE: self._restore,
            StepKind.RELEASE: self._release,
        }
        self._doing = step.kind
        self._acts += 1
        try:
            await verbs[step.kind](step)
        except ActivityError as error:
            why = orders.describe_failure(error)
            workflow.logger.error("step %s failed for good: %s", step.kind, why)
            self._fold(lambda case: fold.person_needed(case, f"the step {step.kind} failed for good: {why}"))
            if step.kind in (StepKind.CLOSE, StepKind.RESTORE, StepKind.RELEASE, StepKind.MARK_PAID):
                raise ApplicationError(f"{step.kind}: {why}") from error
        finally:
            self._doing = None

    async def _send_message(self, step: Step) -> None:
        case = self._open_case()
        template, key = step.template or Template.REMINDER, step.key or "message"
        campaign = case.campaign
        order = MessageOrder(
            **self._order(step),
            template=template,
            key=key,
            decline=case.decline,
            next_attempt_at=_attempt_among(step.candidates),
            suspend_at=suspend_at(case, campaign) if case.outcome is None else None,
            link_valid_days=campaign.link_valid_days,
            must_arrive=template is Template.LAST_NOTICE,
        )
        report: MessageReport = await orders.execute(
            Activity.SEND_MESSAGE, order, MessageReport, f"{key}: {step.because}"
        )
        self._see(report.at)
        self._fold(lambda now: fold.message_done(now, report.key, report.state, report.at))

    async def _attempt(self, step: Step) -> None:
        case = self._open_case()
        order = AttemptOrder(
            **self._order(step), trigger=step.trigger or Trigger.SCHEDULE, due=case.due, decline=case.decline
        )
        summary = f"attempt {case.attempts_made + 1}, {order.trigger}: {step.because}"
        self._fold_attempt(await orders.execute(Activity.ATTEMPT, order, AttemptReport, summary))

    async def _settle(self, step: Step) -> None:
        order = SettleOrder(**self._order(step), number=self._open_case().unsettled or 0)
        self._fold_attempt(await orders.execute(Activity.SETTLE, order, AttemptReport, step.because))

    async def _look(self, step: Step) -> None:
        looked: Looked = await orders.execute(
            Activity.LOOK, PlainOrder(**self._order(step)), Looked, step.because
        )
        self._fold_look(looked)

    async def _mark_paid(self, step: Step) -> None:
        looked: Looked = await orders.execute(
            Activity.MARK_PAID, PlainOrder(**self._order(step)), Looked, step.because
        )
        self._fold_look(looked)

    async def _suspend(self, step: Step) -> None:
        order = AccessOrder(**self._order(step), ending=self._open_case().campaign.ending)
        report: AccessReport = await orders.execute(Activity.SUSPEND, order, AccessReport, step.because)
        self._see(report.at)
        if report.ended is not None:
            self._fold(lambda case: fold.ended(case, report.ended or Outcome.CLOSED_EXCLUDED, report.because))
        else:
            self._fold(lambda case: fold.suspended(case, step.because))

    async def _ask_a_person(self, step: Step) -> None:
        self._fold(lambda case: fold.person_needed(case, step.because))

    async def _resume(self, step: Step) -> None:
        self._fold(lambda case: fold.resumed(case, self._now()))

    async def _close(self, step: Step) -> None:
        case = self._open_case()
        order = CloseOrder(
            **self._order(step),
            outcome=case.outcome or Outcome.CLOSED_EXCLUDED,
            because=case.because or step.because,
            attempts=case.attempts_made,
        )
        closed: Closed = await orders.execute(
            Activity.CLOSE_CASE, order, Closed, f"{order.outcome}: {order.because}"
        )
        self._see(closed.at)
        self._fold(lambda now: fold.closed(now, closed.outcome, closed.because, closed.at))

    async def _restore(self, step: Step) -> None:
        order = AccessOrder(**self._order(step), ending=self._open_case().campaign.ending)
        report: AccessReport = await orders.execute(Activity.RESTORE, order, AccessReport, step.because)
        self._see(report.at)
        self._fold(fold.restored)

    async def _release(self, step: Step) -> None:
        looked: Looked = await orders.execute(
            Activity.RELEASE, PlainOrder(**self._order(step)), Looked, step.because
        )
        self._see(looked.at)
        self._fold(fold.released)

    # Signals: facts from outside. They are folded into the case; the loop acts on them.

    @workflow.signal
    def payment_method_updated(self, update: MethodUpdated) -> None:
        """The customer's payment method is new or renewed."""
        self._hear(update, lambda case: fold.method_updated(case, update.version, update.cause))

    @workflow.signal
    def invoice_paid(self, paid: InvoicePaid) -> None:
        """The invoice was paid, and not by an attempt of ours."""
        self._hear(paid, lambda case: fold.invoice_paid(case, paid.outside, paid.by_stripe))

    @workflow.signal
    def invoice_voided(self, news: Happened) -> None:
        """The invoice was voided or deleted: nothing is owed."""
        self._hear(news, lambda case: fold.ended(case, Outcome.CLOSED_VOIDED, "the invoice was voided"))

    @workflow.signal
    def invoice_uncollectible(self, news: Happened) -> None:
        """Somebody wrote the invoice off."""
        because = "the invoice was marked as uncollectible"
        self._hear(news, lambda case: fold.ended(case, Outcome.CLOSED_UNCOLLECTIBLE, because))

    @workflow.signal
    def subscription_cancelled(self, news: Happened) -> None:
        """The subscription has ended; an end that this case is bringing about itself is no news."""
        if self._doing is not StepKind.SUSPEND:
            self._hear(
                news, lambda case: fold.ended(case, Outcome.LOST_CANCELLED, "the subscription was cancelled")
            )

    @workflow.signal
    def dispute_opened(self, news: Happened) -> None:
        """The customer disputed a payment: no further charge, no further message."""
        self._hear(
            news, lambda case: fold.ended(case, Outcome.CLOSED_DISPUTED, "the customer disputed a payment")
        )

    @workflow.signal
    def payment_failed(self, news: FailedAgain) -> None:
        """An attempt that was not ours has failed."""
        self._hear(news, fold.failed_again)

    # Updates: an operator's words. Each answers with what will happen.

    @workflow.update
    def retry_now(self, request: OperatorRequest) -> WhatWillHappen:
        """Try to collect at once, or as soon as the bank's and the networks' rules allow."""
        self._hear(request, fold.retry_requested)
        return self._what_will_happen()

    @workflow.update
    def pause_until(self, request: PauseUntil) -> WhatWillHappen:
        """Do nothing on our own until a moment; the customer may still pay."""
        self._hear(request, lambda case: fold.paused(case, request.until))
        return self._what_will_happen()

    @workflow.update
    def resume(self, request: OperatorRequest) -> WhatWillHappen:
        """Go on after a pause, or after a person has looked."""
        self._hear(request, lambda case: fold.resumed(case, self._now()))
        return self._what_will_happen()

    @workflow.update
    def stop(self, request: OperatorRequest) -> WhatWillHappen:
        """End the recovery without an ending for the subscription; Stripe gets its invoice back."""
        because = f"an operator stopped the recovery: {request.reason}"
        self._hear(request, lambda case: fold.ended(case, Outcome.CLOSED_STOPPED, because))
        return self._what_will_happen()

    @workflow.update
    def mark_paid_outside(self, request: OperatorRequest) -> WhatWillHappen:
        """The customer has paid in another way; Stripe is told so."""
        self._hear(request, fold.marked_paid)
        return self._what_will_happen()

    @retry_now.validator
    def _may_retry(self, request: OperatorRequest) -> None:
        orders.refuse_if_over(self._case)
        orders.refuse_retry(self._open_case())

    @pause_until.validator
    def _may_pause(self, request: PauseUntil) -> None:
        orders.refuse_if_over(self._case)
        if request.until <= self._now():
            raise ApplicationError(f"A pause must end in the future; {request.until.isoformat()} is past")

    @resume.validator
    def _may_resume(self, request: OperatorRequest) -> None:
        orders.refuse_if_over(self._case)
        orders.refuse_resume(self._open_case())

    @stop.validator
    def _may_stop(self, request: OperatorRequest) -> None:
        orders.refuse_if_over(self._case)

    @mark_paid_outside.validator
    def _may_mark_paid(self, request: OperatorRequest) -> None:
        orders.refuse_if_over(self._case)

    @workflow.query
    def case(self) -> CaseView:
        """The case as it stands, its next step and why."""
        now = self._now()
        case = self._open_case()
        return CaseView(case=case, next=next_step(case, case.campaign, now), now=now, waiting=self._waiting)

    # The loop's small parts.

    def _next(self) -> Step:
        """Ask the one decision function, and show its answer."""
        case, now = self._open_case(), self._now()
        step = next_step(case, case.campaign, now)
        self._changed = False
        before, self._case = case, case.model_copy(update={"stage": stage_of(case, step, now)})
        shown.show(before, self._case, step, now)
        return step

    async def _is_due(self, step: Step) -> bool:
        """Wait until the step is due; ``False`` if something happened first and the question must be asked again."""
        if step.is_due(self._now()):
            return True
        wait = step.due_at - self._now() if step.due_at else None
        self._waiting = True
        try:
            await workflow.wait_condition(
                lambda: self._changed, timeout=wait, timeout_summary=shown.waiting_for(step)
            )
        except TimeoutError:
            self._see(step.due_at)
            return not self._changed
        finally:
            self._waiting = False
        return False

    def _hear(self, news: Happened | OperatorRequest | PauseUntil, change: Callable[[Case], Case]) -> None:
        self._see(news.at)
        if self._case is None:
            self._early.append(change)
        else:
            self._fold(change)

    def _fold(self, change: Callable[[Case], Case]) -> None:
        case = self._open_case()
        self._case = change(case)
        self._changed = self._changed or self._case != case

    def _fold_attempt(self, report: AttemptReport) -> None:
        self._see(report.at)
        self._fold(lambda case: orders.fold_report(case, report))

    def _fold_look(self, looked: Looked) -> None:
        self._see(looked.at)
        if looked.ended is not None:
            self._fold(lambda case: fold.ended(case, looked.ended or Outcome.CLOSED_EXCLUDED, looked.because))
        self._fold(lambda case: fold.looked(case, looked.decline))

    def _order(self, step: Step) -> dict[str, Any]:
        return orders.common(self._open_case(), step, self._now(), self._acts)

    def _what_will_happen(self) -> WhatWillHappen:
        case, now = self._open_case(), self._now()
        step = next_step(case, case.campaign, now)
        return WhatWillHappen(stage=stage_of(case, step, now), next=step)

    def _open_case(self) -> Case:
        if self._case is None:
            raise ApplicationError("The case is being opened; ask again in a moment")
        return self._case

    def _now(self) -> datetime:
        return workflow.now() + self._ahead

    def _see(self, told: datetime | None) -> None:
        """Never run behind the clock of those who act for the case: their moments and ours must be comparable."""
        if told is not None:
            self._ahead = max(self._ahead, told - workflow.now())

    async def _continue_as_new(self) -> None:
        await workflow.wait_condition(workflow.all_handlers_finished)
        fresh = StartCase(
            invoice=self._start.invoice,
            at=self._now(),
            return_number=self._start.return_number,
            case=self._case,
        )
        workflow.continue_as_new(fresh)

    def _result(self) -> CaseResult:
        case = self._open_case()
        return CaseResult(
            case_id=case.id,
            outcome=case.outcome or Outcome.CLOSED_EXCLUDED,
            because=case.because or "",
            attempts=case.attempts_made,
        )


def _attempt_among(candidates: tuple[Candidate, ...]) -> datetime | None:
    return next((candidate.due_at for candidate in candidates if candidate.kind is StepKind.ATTEMPT), None)
