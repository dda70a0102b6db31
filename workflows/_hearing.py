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
    Activity,
    CaseView,
    FailedAgain,
    Happened,
    InvoicePaid,
    MethodUpdated,
    OperatorRequest,
    PauseUntil,
    WhatWillHappen,
)
from activities.people_contracts import CaseNote, Noted, Word
from recoup.rules import fold
from recoup.rules.case import Case, Outcome
from recoup.rules.steps import StepKind, asked_attempt, next_step, stage_of
from workflows import _orders as orders

Comeback = MethodUpdated | InvoicePaid
"""What brings a suspended customer back."""

Words = OperatorRequest | PauseUntil | Word
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
        self._acts = 0
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

    # Updates: an operator's words. Each answers with what will happen.

    @workflow.update
    async def retry_now(self, request: OperatorRequest) -> WhatWillHappen:
        """Try to collect at once, or as soon as the bank's and the networks' rules allow."""
        self._hear(request, fold.retry_requested)
        return await self._heard("retry_now", request)

    @workflow.update
    async def pause_until(self, request: PauseUntil) -> WhatWillHappen:
        """Do nothing on our own until a moment; the customer may still pay."""
        self._hear(request, lambda case: fold.paused(case, request.until))
        return await self._heard("pause_until", request, until=request.until.isoformat())

    @workflow.update
    async def resume(self, request: OperatorRequest) -> WhatWillHappen:
        """Go on after a pause, or after a person has looked."""
        self._hear(request, lambda case: fold.resumed(case, self._now()))
        return await self._heard("resume", request)

    @workflow.update
    async def stop(self, request: OperatorRequest) -> WhatWillHappen:
        """End the recovery without an ending for the subscription; Stripe gets its invoice back."""
        because = f"an operator stopped the recovery: {request.reason}"
        self._hear(request, lambda case: fold.ended(case, Outcome.CLOSED_STOPPED, because))
        return await self._heard("stop", request)

    @workflow.update
    async def mark_paid_outside(self, request: OperatorRequest) -> WhatWillHappen:
        """The customer has paid in another way; Stripe is told so."""
        self._hear(request, fold.marked_paid)
        return await self._heard("mark_paid_outside", request)

    @retry_now.validator
    def _may_retry(self, request: OperatorRequest) -> None:
        orders.refuse_if_over(self._case)
        orders.refuse_retry(self._open_case(), under_way=self._doing is StepKind.ATTEMPT)

    @pause_until.validator
    def _may_pause(self, request: PauseUntil) -> None:
        orders.refuse_if_over(self._case)
        if request.until <= self._now():
            raise ApplicationError(f"A pause must end in the future; {request.until.isoformat()} is past")

    @resume.validator
    def _may_resume(self, request: OperatorRequest) -> None:
        orders.refuse_resume(self._case)

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

    # How it is heard.

    def _hear(self, news: Happened | Words, change: Callable[[Case], Case]) -> None:
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

    # What the ledger keeps of an operator's words.

    async def _heard(self, word: str, request: Words, **data: str | float | None) -> WhatWillHappen:
        """As :meth:`_recorded`, for words that were answered without a record before there was one."""
        if not workflow.patched("record-of-words"):
            return self._what_will_happen()
        return await self._recorded(word, request, **data)

    async def _recorded(self, word: str, request: Words, **data: str | float | None) -> WhatWillHappen:
        """Keep who said what and why; the answer is what follows from the word, not from what came while it was written down."""
        answer = self._what_will_happen()
        said = {"word": word, "reason": request.reason, **data}
        order = CaseNote(**self._about(request, word), kind="operator_said", data=said)
        noted: Noted = await orders.execute(Activity.NOTE_CASE, order, Noted, f"{word}: {request.reason}")
        self._see(noted.at)
        return answer

    def _about(self, request: Words, what: str) -> dict[str, Any]:
        """Whose word it is about which case; the request is unique for what this word brings about."""
        case, update = self._open_case(), workflow.current_update_info()
        run = workflow.info().first_execution_run_id
        return {
            "case_id": case.id,
            "invoice": case.invoice,
            "customer": case.customer,
            "request": f"{run}/{what}/{update.id if update else workflow.uuid4()}",
            "at": self._now(),
            "actor": request.operator,
            "because": request.reason,
        }

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
