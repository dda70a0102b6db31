"""What a case hears: signals from outside, an operator's updates, and the query that shows it.

A signal is a fact: it is folded into the case, and the loop in :mod:`workflows.recovery` acts on it. An update is an
operator's word: it is refused with a reason, or answered with what will happen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.contracts import (
    CaseView,
    FailedAgain,
    Happened,
    InvoicePaid,
    MessageReturned,
    MethodUpdated,
    OperatorRequest,
    PauseUntil,
    WhatWillHappen,
)
from activities.note_contracts import Note, Noted, NoteKind
from activities.people_contracts import CustomerExcluded, GiveTo, LongerGrace, StopCase, TellCustomer, Word
from activities.wish_contracts import CANCELLED, NotePromise, PromiseToPay, WishActivity
from recoup.rules import asking, fold, stopping
from recoup.rules.case import Case, Outcome
from recoup.rules.steps import StepKind, asked_attempt, next_step, stage_of
from workflows import _orders as orders

NOTES = "write-down-people"
"""The patch since which a case writes down operators' words and that a person is needed."""

Comeback = MethodUpdated | InvoicePaid
"""What brings a suspended customer back."""

Words = OperatorRequest | PauseUntil | StopCase | Word
"""What an operator says."""


class Hearing:
    """The state of a case and everything that can be said to it."""

    def __init__(self, case: Case | None, at: datetime) -> None:
        self._case = case
        self._early: list[Callable[[Case], Case]] = []
        self._comeback: Comeback | None = None
        self._ahead = timedelta(0)
        self._doing: StepKind | None = None
        self._waiting = False
        self._changed = False
        self._notes: list[Note] = []
        self._noted = 0
        self._returned: list[str] = []
        self._see(at)

    # Signals: facts from outside. They are folded into the case; the loop acts on them.

    @workflow.signal
    def payment_method_updated(self, update: MethodUpdated) -> None:
        """The customer's payment method is new or renewed."""
        self._hear(update, lambda case: fold.method_updated(case, update.version, update.cause))
        self._remember(update)

    @workflow.signal
    def invoice_paid(self, paid: InvoicePaid) -> None:
        """The invoice was paid, and not by an attempt of ours."""
        self._hear(paid, lambda case: fold.invoice_paid(case, paid.outside, paid.by_stripe))
        self._remember(paid)

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
    def cancelled_by_customer(self, news: Happened) -> None:
        """The customer cancelled on their page: no further charge, no further message."""
        self._hear(news, lambda case: fold.ended(case, Outcome.LOST_CANCELLED_BY_CUSTOMER, CANCELLED))

    @workflow.signal
    def dispute_opened(self, news: Happened) -> None:
        """The customer disputed a payment: no further charge, no further message."""
        self._hear(
            news, lambda case: fold.ended(case, Outcome.CLOSED_DISPUTED, "the customer disputed a payment")
        )

    @workflow.signal
    def payment_failed(self, news: FailedAgain) -> None:
        """An attempt that was not ours has failed."""
        self._hear(news, lambda case: fold.failed_again(case, news.coming))

    @workflow.signal
    def attempt_answered(self, news: Happened) -> None:
        """The bank has answered about an attempt of ours that was waiting for it."""
        self._hear(news, fold.attempt_answered)

    @workflow.signal
    def message_returned(self, news: MessageReturned) -> None:
        """A message of the customer's came back for good; the report that it was sent may come only after this."""
        self._returned.append(news.message)
        self._hear(news, lambda case: fold.message_returned(case, news.message))

    # Updates: an operator's words. Each answers with what will happen.

    @workflow.update
    async def retry_now(self, request: OperatorRequest) -> WhatWillHappen:
        """Try to collect at once, or as soon as the bank's and the networks' rules allow."""
        self._heed(request, "retry_now", fold.retry_requested)
        return self._what_will_happen()

    @workflow.update
    async def pause_until(self, request: PauseUntil) -> WhatWillHappen:
        """Do nothing on our own until a moment; the customer may still pay."""
        self._heed(request, "pause_until", lambda case: fold.paused(case, request.until))
        return self._what_will_happen()

    @workflow.update
    async def resume(self, request: OperatorRequest) -> WhatWillHappen:
        """Go on after a pause, or after a person has looked."""
        self._heed(request, "resume", lambda case: fold.resumed(case, self._now()))
        return self._what_will_happen()

    @workflow.update
    async def stop(self, request: StopCase) -> WhatWillHappen:
        """End the recovery; Stripe gets its invoice back, or what the operator said becomes of the debt."""
        self._heed(request, "stop", lambda case: stopping.stopped(case, request.ending, request.reason))
        return self._what_will_happen()

    @workflow.update
    async def mark_paid_outside(self, request: OperatorRequest) -> WhatWillHappen:
        """The customer has paid in another way; Stripe is told so."""
        self._heed(request, "mark_paid_outside", fold.marked_paid)
        return self._what_will_happen()

    @workflow.update
    async def promise_to_pay(self, promise: PromiseToPay) -> WhatWillHappen:
        """The customer pays by a moment: until then the case collects, reminds and suspends nothing by itself."""
        self._hear(promise, lambda case: fold.promised(case, promise.at, promise.until))
        await self._note(promise)
        return self._what_will_happen()

    @retry_now.validator
    def _may_retry(self, request: OperatorRequest) -> None:
        orders.refuse_if_over(self._case)
        orders.refuse_retry(self._open_case(), under_way=self._doing is StepKind.ATTEMPT)

    @pause_until.validator
    def _may_pause(self, request: PauseUntil) -> None:
        orders.refuse_if_over(self._case)
        orders.refuse(asking.pause(request.until, self._now()))

    @resume.validator
    def _may_resume(self, request: OperatorRequest) -> None:
        orders.refuse_resume(self._case)

    @stop.validator
    def _may_stop(self, request: StopCase) -> None:
        orders.refuse_if_over(self._case)
        orders.refuse(stopping.refusal(self._open_case(), request.ending))

    @promise_to_pay.validator
    def _may_promise(self, promise: PromiseToPay) -> None:
        orders.refuse_if_over(self._case)
        orders.refuse_promise(self._open_case(), promise, self._now())

    @mark_paid_outside.validator
    def _may_mark_paid(self, request: OperatorRequest) -> None:
        orders.refuse_if_over(self._case)

    @workflow.query
    def case(self) -> CaseView:
        """The case as it stands, its next step and why."""
        now = self._now()
        case = self._open_case()
        return CaseView(case=case, next=next_step(case, case.campaign, now), now=now, waiting=self._waiting)

    # How it is heard.

    def _heed(self, word: Words, name: str, change: Callable[[Case], Case]) -> None:
        """An operator's word is heard, and written down by the loop."""
        self._hear(word, change)
        self._to_note(
            NoteKind.OPERATOR_WORD,
            word.reason,
            word=name,
            operator=word.operator,
            until=word.until if isinstance(word, PauseUntil) else None,
            days=word.days if isinstance(word, LongerGrace) else None,
            to=word.to if isinstance(word, GiveTo) else None,
            template=word.template.value if isinstance(word, TellCustomer) else None,
            ending=word.ending.value if isinstance(word, StopCase) else None,
        )

    def _to_note(self, kind: NoteKind, because: str, **more: Any) -> None:
        """Have something written down that no act tells of; cases that began before this was done go on without."""
        if not workflow.patched(NOTES):
            return
        case = self._open_case()
        self._noted += 1
        request = f"{workflow.info().first_execution_run_id}/{workflow.info().run_id}/{self._noted}"
        self._notes.append(
            Note(
                case_id=case.id,
                invoice=case.invoice,
                customer=case.customer,
                request=request,
                at=self._now(),
                kind=kind,
                because=because,
                **more,
            )
        )

    async def _note(self, promise: PromiseToPay) -> None:
        case = self._open_case()
        order = NotePromise(case_id=case.id, invoice=case.invoice, customer=case.customer, promise=promise)
        await orders.execute(WishActivity.NOTE_PROMISE, order, Noted, "write the promise down")

    def _hear(
        self, news: Happened | CustomerExcluded | Words | PromiseToPay, change: Callable[[Case], Case]
    ) -> None:
        self._see(news.at)
        if self._case is None:
            self._early.append(change)
        else:
            self._fold(change)

    def _remember(self, news: Comeback) -> None:
        """What comes when the suspension is already decided begins the return; a payment says more than a method."""
        suspended = self._case is not None and self._case.outcome is Outcome.LOST_SUSPENDED
        if suspended and not isinstance(self._comeback, InvoicePaid):
            self._comeback = news
            self._changed = True

    def _fold(self, change: Callable[[Case], Case]) -> None:
        case = self._open_case()
        self._case = change(case)
        self._changed = self._changed or self._case != case

    def _what_will_happen(self) -> WhatWillHappen:
        case, now = self._open_case(), self._now()
        step = next_step(case, case.campaign, now)
        return WhatWillHappen(stage=stage_of(case, step, now), next=step, asked=asked_attempt(case, now))

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
