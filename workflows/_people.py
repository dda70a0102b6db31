"""What people say to a case beyond its own course: approvals, grace, notes, whose it is, and another policy."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from temporalio import workflow

from activities.contracts import Activity, OperatorRequest, WhatWillHappen
from activities.note_contracts import Noted, NoteKind
from activities.people_contracts import (
    AssignCase,
    CaseChange,
    ChangePolicy,
    CustomerExcluded,
    ExcludeCustomer,
    GiveTo,
    LongerGrace,
    MoveCase,
    TellCustomer,
    TellStage,
    Word,
)
from recoup.rules import approving, asking, fold, moving, telling_now
from recoup.rules.base import days
from recoup.rules.case import Outcome, Stage
from recoup.rules.step import Step, StepKind
from recoup.rules.steps import stage_of
from recoup.rules.stopping import excluded as _excluded
from recoup.rules.suspension import suspend_at
from workflows import _orders as orders
from workflows._hearing import Hearing


class PeopleHearing(Hearing):
    """A case that people have a say in. Each word leaves its record in the ledger."""

    @workflow.update
    async def approve(self, request: OperatorRequest) -> WhatWillHappen:
        """The suspension that was asked about may be made."""
        self._heed(request, "approve", lambda case: approving.approved(case, request.operator))
        return self._what_will_happen()

    @workflow.update
    async def refuse_suspension(self, request: LongerGrace) -> WhatWillHappen:
        """The suspension that was asked about is not made: the customer gets so many days more."""
        self._see(request.at)
        until = self._now() + days(request.days)
        self._heed(request, "refuse_suspension", lambda case: approving.grace_extended(case, until))
        return self._what_will_happen()

    @workflow.update
    async def extend_grace(self, request: LongerGrace) -> WhatWillHappen:
        """The customer gets so many days more than they would have had."""
        self._see(request.at)
        until = self._suspension() + days(request.days)
        self._heed(request, "extend_grace", lambda case: approving.grace_extended(case, until))
        return self._what_will_happen()

    @workflow.update
    async def assign(self, request: GiveTo) -> WhatWillHappen:
        """The case is this operator's now; without a name it is nobody's."""
        self._hear(request, lambda case: approving.assigned(case, request.to))
        return await self._assigned(request)

    @workflow.update
    async def note(self, request: OperatorRequest) -> WhatWillHappen:
        """Something that whoever looks at the case should know."""
        self._heed(request, "note", lambda case: case)
        return self._what_will_happen()

    @workflow.update
    async def hand_over(self, request: GiveTo) -> WhatWillHappen:
        """A person takes the case over: nothing more is done by itself until it is resumed. The customer may still pay."""
        to = f" to {request.to}" if request.to else ""
        because = f"{request.operator} handed the case over{to}: {request.reason}"
        self._heed(request, "hand_over", lambda case: approving.handed_over(case, request.to, because))
        return await self._assigned(request) if request.to is not None else self._what_will_happen()

    @workflow.update
    async def send_message(self, request: TellCustomer) -> WhatWillHappen:
        """Tell the customer something now, or as soon as their night and their budget allow."""
        self._heed(request, "send_message", lambda case: telling_now.asked_for(case, request.template))
        return self._what_will_happen()

    @workflow.update
    async def exclude(self, request: OperatorRequest) -> WhatWillHappen:
        """Nothing more of this customer's is recovered until that is taken back: this case ends, and their others with it."""
        because = _excluded(request.operator, request.reason)
        self._heed(request, "exclude", lambda case: fold.ended(case, Outcome.CLOSED_STOPPED, because))
        order = ExcludeCustomer(**self._about(request, "exclude"), customer=self._open_case().customer)
        return await self._kept(Activity.EXCLUDE_CUSTOMER, order, because)

    @workflow.signal
    def customer_excluded(self, news: CustomerExcluded) -> None:
        """The customer is to be left alone, as an operator said to another case of theirs."""
        because = _excluded(news.operator, news.because)
        self._hear(news, lambda case: fold.ended(case, Outcome.CLOSED_STOPPED, because))

    @workflow.update
    async def change_policy(self, request: ChangePolicy) -> WhatWillHappen:
        """Go on by a campaign of another policy."""
        campaign = request.campaign
        self._hear(
            request,
            lambda case: moving.moved(case, campaign, request.priority, request.priority_because),
        )
        order = MoveCase(
            **self._about(request, "move"),
            campaign=campaign,
            version=request.version,
            priority=request.priority,
        )
        said = f"by policy {request.version}: {request.reason}"
        return await self._kept(Activity.MOVE_CASE, order, said)

    @approve.validator
    def _may_approve(self, request: OperatorRequest) -> None:
        self._refuse_unless_asked(request.operator)

    @refuse_suspension.validator
    def _may_refuse_suspension(self, request: LongerGrace) -> None:
        self._refuse_unless_asked(request.operator)

    @extend_grace.validator
    def _may_extend(self, request: LongerGrace) -> None:
        orders.refuse_if_over(self._case)
        orders.refuse(asking.grace(self._open_case()))

    @assign.validator
    def _may_assign(self, request: GiveTo) -> None:
        orders.refuse_if_over(self._case)

    @note.validator
    def _may_note(self, request: OperatorRequest) -> None:
        orders.refuse_if_over(self._case)

    @hand_over.validator
    def _may_hand_over(self, request: GiveTo) -> None:
        orders.refuse_if_over(self._case)

    @send_message.validator
    def _may_send(self, request: TellCustomer) -> None:
        orders.refuse_if_over(self._case)
        orders.refuse(telling_now.refusal(self._open_case(), request.template))

    @exclude.validator
    def _may_exclude(self, request: OperatorRequest) -> None:
        orders.refuse_if_over(self._case)

    @change_policy.validator
    def _may_change_policy(self, request: ChangePolicy) -> None:
        orders.refuse_if_over(self._case)

    def _refuse_unless_asked(self, operator: str) -> None:
        orders.refuse_if_over(self._case)
        orders.refuse(asking.decision(self._open_case(), operator))

    def _suspension(self) -> datetime:
        """When the access would end as things stand, or now where it is overdue."""
        case = self._open_case()
        return max(suspend_at(case, case.campaign), self._now())

    # What the ledger keeps of it.

    async def _assigned(self, request: GiveTo) -> WhatWillHappen:
        order = AssignCase(**self._about(request, "owner"), to=request.to)
        said = f"assigned to {request.to or 'nobody'}: {request.reason}"
        return await self._kept(Activity.ASSIGN_CASE, order, said)

    async def _kept(self, activity: Activity, order: CaseChange, said: str) -> WhatWillHappen:
        """Have the ledger keep it; the answer is what follows from the word, not from what came while it was written down."""
        answer = self._what_will_happen()
        noted: Noted = await orders.execute(activity, order, Noted, said)
        self._see(noted.at)
        return answer

    def _about(self, request: Word | OperatorRequest, what: str) -> dict[str, Any]:
        """Whose word it is about which case; the request is unique for what this word brings about."""
        update = workflow.current_update_info()
        run = workflow.info().first_execution_run_id
        return {
            "case_id": self._open_case().id,
            "request": f"{run}/{what}/{update.id if update else workflow.uuid4()}",
            "at": self._now(),
            "actor": request.operator,
            "because": request.reason,
        }

    async def _ask_for_approval(self, step: Step) -> None:
        """Put the question to people, remind them, escalate, or take the policy's default."""
        case, approval = self._open_case(), self._open_case().campaign.approval
        asked = approval.asked(escalated=step.key == approving.ESCALATE) if approval is not None else ()
        people, priority = ", ".join(asked) or None, case.priority
        self._to_note(NoteKind(f"approval_{step.key}"), step.because, people=people, priority=priority)
        self._fold(lambda now: approving.question_moved(now, now.campaign, step, self._now()))

    async def _tell_the_queue(self, step: Step) -> bool:
        """Have the ledger know whether the case waits for a person; whether something was told."""
        case = self._open_case()
        waits = stage_of(case, step, self._now()) is Stage.PERSON
        over = case.outcome is not None and not waits
        if waits == case.queued or over or not workflow.patched("queue-of-people"):
            return False
        order = TellStage(
            case_id=case.id,
            at=self._now(),
            stage=case.stage,
            next_kind=step.kind.value,
            next_at=step.due_at,
            because=step.because,
        )
        noted: Noted = await orders.execute(Activity.TELL_STAGE, order, Noted, step.because)
        self._see(noted.at)
        self._fold(lambda now: approving.queued(now, waits))
        return True

    def _stage_was_told(self, step: Step) -> None:
        """Messages and attempts tell the ledger another stage; a case that still waits has to say so again."""
        if step.kind in (StepKind.MESSAGE, StepKind.ATTEMPT):
            self._fold(lambda now: approving.queued(now, False))
