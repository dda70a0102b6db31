"""The recovery of one failed invoice: notify, wait, retry, and end reactivated or suspended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.contracts import (
        AccessOrder,
        AccessReport,
        Activity,
        AttemptOrder,
        AttemptReport,
        CaseResult,
        Closed,
        CloseOrder,
        CustomerCase,
        InvoicePaid,
        Looked,
        MessageOrder,
        MessageReport,
        MethodUpdated,
        PlainOrder,
        SettleOrder,
        StartCase,
        TakenUp,
        TakeUp,
        TellCase,
    )
    from activities.note_contracts import Noted, NoteKind
    from recoup.rules import fold
    from recoup.rules.case import Access, AttemptState, Case, Outcome, Template, Trigger
    from recoup.rules.steps import Step, StepKind, next_step, next_try, stage_of
    from recoup.rules.stopping import ending_of
    from recoup.rules.suspension import suspend_at
    from workflows import _orders as orders
    from workflows import _shown as shown
    from workflows._people import PeopleHearing
    from workflows.late_cancel import begin_late_cancel


@workflow.defn(name="RecoveryCase")
class RecoveryCase(PeopleHearing):
    """One failed invoice, from its first failure to its outcome."""

    @workflow.init
    def __init__(self, start: StartCase) -> None:
        super().__init__(start.case, start.at)
        self._start = start
        self._acts = start.acts
        if start.case is not None:
            self._comeback = start.paid or start.method

    @workflow.run
    async def run(self, start: StartCase) -> CaseResult:
        if self._case is None and (refused := await self._take_up(start)):
            return refused
        while (step := self._next()).kind is not StepKind.END:
            if await self._tell_the_queue(step):
                continue
            if await self._is_due(step):
                await self._do(step)
            await self._write_notes()
            await self._let_return()
            if workflow.info().is_continue_as_new_suggested():
                await self._continue_as_new()
        await workflow.wait_condition(workflow.all_handlers_finished)
        await self._write_notes()
        while self._comeback is not None:
            await self._let_return()
        await begin_late_cancel(self._open_case())
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
            method=start.method,
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
            StepKind.WRITE_OFF: self._write_off,
            StepKind.RESTRICT: self._restrict,
            StepKind.APPROVAL: self._ask_for_approval,
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
            wanted, called_off = step.trigger or Trigger.SCHEDULE, is_cancelled_exception(error)
            if (
                called_off
                and step.kind is StepKind.ATTEMPT
                and workflow.patched("look-after-what-was-called-off")
            ):
                self._fold(lambda case: fold.attempt_called_off(case, wanted, self._now()))
            elif step.trigger is not None:
                self._fold(lambda case: fold.still_wanted(case, wanted))
            if not called_off:
                self._failed(step, orders.describe_failure(error))
        finally:
            self._doing = None
            self._stage_was_told(step)

    def _failed(self, step: Step, why: str) -> None:
        """A step that can never succeed as things are waits for a person; nothing is done over and over."""
        workflow.logger.error("step %s failed for good: %s", step.kind, why)
        because = f"the step {step.kind} failed for good: {why}"
        self._fold(lambda case: fold.step_failed(case, step.kind, because))
        self._to_note(NoteKind.PERSON_NEEDED, because)

    async def _send_message(self, step: Step) -> None:
        case = self._open_case()
        template, key = step.template or Template.REMINDER, step.key or "message"
        campaign = case.campaign
        ahead = case.outcome is None and case.access is not Access.SUSPENDED
        order = MessageOrder(
            **self._order(step),
            template=template,
            key=key,
            decline=case.decline,
            next_attempt_at=next_try(case, step, self._now()),
            suspend_at=suspend_at(case, campaign) if ahead else None,
            link_valid_days=campaign.link_valid_days,
            must_arrive=template is Template.LAST_NOTICE,
        )
        report: MessageReport = await orders.execute(
            Activity.SEND_MESSAGE, order, MessageReport, f"{key}: {step.because}", until=self._overtaken()
        )
        self._see(report.at)
        held = next((each.until for each in self._open_case().put_off if each.key == report.key), None)
        report = orders.unhurried(report, self._now(), not_before=held)
        self._fold(lambda now: orders.fold_message(now, report))
        self._fold(lambda now: fold.message_returned(now, *self._returned))
        if report.ended is not None:
            self._fold(lambda now: fold.ended(now, report.ended or Outcome.CLOSED_EXCLUDED, report.because))

    async def _attempt(self, step: Step) -> None:
        case = self._open_case()
        order = AttemptOrder(
            **self._order(step), trigger=step.trigger or Trigger.SCHEDULE, due=case.due, decline=case.decline
        )
        summary = f"attempt {case.attempts_made + 1}, {order.trigger}: {step.because}"
        self._fold(fold.attempt_begun)
        report = await orders.execute(
            Activity.ATTEMPT, order, AttemptReport, summary, until=self._overtaken(by_a_method=False)
        )
        self._fold_attempt(report)
        if report.trigger is not order.trigger:
            # It was led to another attempt of the invoice that had no answer yet.
            self._fold(lambda case: fold.still_wanted(case, order.trigger))

    async def _settle(self, step: Step) -> None:
        case = self._open_case()
        order = SettleOrder(
            **self._order(step),
            number=case.unsettled or 0,
            only_read=not case.collects_by_itself,
            trigger=case.unsettled_trigger,
        )
        until = None if order.only_read else self._overtaken(by_a_method=False)
        report = await orders.execute(Activity.SETTLE, order, AttemptReport, step.because, until=until)
        self._fold_attempt(report)
        if order.number == 0 and order.trigger not in (None, report.trigger):
            self._fold(lambda case: fold.still_wanted(case, order.trigger or Trigger.SCHEDULE))

    async def _look(self, step: Step) -> None:
        looked: Looked = await orders.execute(
            Activity.LOOK, PlainOrder(**self._order(step)), Looked, step.because
        )
        self._fold_look(looked)

    async def _mark_paid(self, step: Step) -> None:
        looked: Looked = await orders.execute(
            Activity.MARK_PAID, PlainOrder(**self._order(step)), Looked, step.because
        )
        if self._open_case().paid_twice:
            self._see(looked.at)
            self._fold(lambda case: fold.given_back(case, looked.ended, looked.because))
        else:
            self._fold_look(looked)

    async def _write_off(self, step: Step) -> None:
        order = PlainOrder(**self._order(step))
        self._fold_look(await orders.execute(Activity.WRITE_OFF, order, Looked, step.because))

    async def _restrict(self, step: Step) -> None:
        await self._withhold(Activity.RESTRICT, step, fold.restricted)

    async def _suspend(self, step: Step) -> None:
        await self._withhold(Activity.SUSPEND, step, lambda case: fold.suspended(case, step.because))

    async def _withhold(self, activity: Activity, step: Step, withheld: Callable[[Case], Case]) -> None:
        order = AccessOrder(**self._order(step), ending=ending_of(self._open_case()))
        report: AccessReport = await orders.execute(
            activity, order, AccessReport, step.because, until=self._overtaken()
        )
        self._see(report.at)
        report = orders.unhurried(report, self._now(), look_again_at=self._open_case().suspend_not_before)
        if report.ended is not None:
            self._fold(lambda case: fold.ended(case, report.ended or Outcome.CLOSED_EXCLUDED, report.because))
        elif report.look_again_at is not None:
            self._fold(lambda case: fold.suspension_put_off(case, report.look_again_at or report.at))
        else:
            self._fold(withheld)

    async def _ask_a_person(self, step: Step) -> None:
        self._fold(lambda case: fold.person_needed(case, step.because))
        self._to_note(NoteKind.PERSON_NEEDED, step.because)

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
        self._fold(
            lambda now: fold.closed(
                now,
                closed.outcome,
                closed.because,
                closed.at,
                suspended=closed.suspended,
                alone=closed.alone,
            )
        )

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

    async def _write_notes(self) -> None:
        """Write down what no act tells of: operators' words, and that a person is needed."""
        while self._notes:
            note = self._notes.pop(0)
            noted: Noted = await orders.execute(
                Activity.NOTE, note, Noted, f"write down {note.word or note.kind}"
            )
            self._see(noted.at)

    async def _let_return(self) -> None:
        """Begin the return of a customer who came back while the suspension was being completed."""
        case, news = self._open_case(), self._comeback
        if news is None or case.closed_at is None:
            return
        self._comeback = None
        number = self._start.return_number + 1
        back = CustomerCase(case_id=case.id, invoice=case.invoice, begins=True, return_number=number)
        paid = news if isinstance(news, InvoicePaid) else None
        method = news if isinstance(news, MethodUpdated) else None
        await orders.tell(TellCase(case=back, update=method, paid=paid))

    # The loop's small parts.

    def _overtaken(self, *, by_a_method: bool = True) -> Callable[[], bool]:
        """Whether something has happened since now that makes the next step another one."""

        def standing() -> tuple[object, ...]:
            case = self._open_case()
            asked = (case.untried, self._comeback) if by_a_method else ()
            people = (case.grace_until, case.handed_over, case.campaign)
            return (case.outcome, case.paused_until, case.mark_paid, case.stopping, *people, *asked)

        before = standing()
        return lambda: standing() != before

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
                lambda: self._changed or bool(self._notes),
                timeout=wait,
                timeout_summary=shown.waiting_for(step),
            )
        except TimeoutError:
            self._see(step.due_at)
            return not self._changed
        finally:
            self._waiting = False
        return False

    def _fold_attempt(self, report: AttemptReport) -> None:
        self._see(report.at)
        case = self._open_case()
        report = orders.unhurried(report, self._now(), not_before=case.not_before, check_at=case.check_at)
        self._fold(lambda case: orders.fold_report(case, report))
        kept = report.state is AttemptState.PAID and report.ended is None
        if kept and self._open_case().mark_paid and workflow.patched("paid-outside-and-by-us"):
            self._fold(fold.paid_twice)

    def _fold_look(self, looked: Looked) -> None:
        self._see(looked.at)
        if looked.ended is not None:
            self._fold(lambda case: fold.ended(case, looked.ended or Outcome.CLOSED_EXCLUDED, looked.because))
        self._fold(lambda case: fold.looked(fold.stripe_seen(case, looked.stripe), looked.decline, looked.at))
        self._fold(lambda case: fold.attempt_planned(case, looked.planned))

    def _order(self, step: Step) -> dict[str, Any]:
        return orders.common(self._open_case(), step, self._now(), self._acts)

    async def _continue_as_new(self) -> None:
        await workflow.wait_condition(workflow.all_handlers_finished)
        await self._write_notes()
        fresh = StartCase(
            invoice=self._start.invoice,
            at=self._now(),
            return_number=self._start.return_number,
            case=self._case,
            acts=self._acts,
            method=self._comeback if isinstance(self._comeback, MethodUpdated) else None,
            paid=self._comeback if isinstance(self._comeback, InvoicePaid) else None,
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
