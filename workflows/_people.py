"""What people say to a case beyond its own course: approvals, grace, notes, whose it is, and another policy."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.contracts import Activity, OperatorRequest, WhatWillHappen
from activities.people_contracts import (
    AssignCase,
    CaseNote,
    ChangePolicy,
    GiveTo,
    LongerGrace,
    MoveCase,
    Noted,
)
from recoup.rules import approving, moving
from recoup.rules.base import days
from recoup.rules.case import Stage
from recoup.rules.step import Step, StepKind
from recoup.rules.steps import stage_of
from recoup.rules.suspension import suspend_at
from workflows import _orders as orders
from workflows._hearing import Hearing


class PeopleHearing(Hearing):
    """A case that people have a say in. Each word leaves its record in the ledger before it is answered."""

    @workflow.update
    async def approve(self, request: OperatorRequest) -> WhatWillHappen:
        """The suspension that was asked about may be made."""
        self._hear(request, lambda case: approving.approved(case, request.operator))
        return await self._recorded("approve", request)

    @workflow.update
    async def refuse_suspension(self, request: LongerGrace) -> WhatWillHappen:
        """The suspension that was asked about is not made: the customer gets so many days more."""
        self._see(request.at)
        until = self._now() + days(request.days)
        self._fold(lambda case: approving.grace_extended(case, until))
        return await self._recorded("refuse_suspension", request, days=request.days)

    @workflow.update
    async def extend_grace(self, request: LongerGrace) -> WhatWillHappen:
        """The customer gets so many days more than they would have had."""
        self._see(request.at)
        until = self._suspension() + days(request.days)
        self._fold(lambda case: approving.grace_extended(case, until))
        return await self._recorded("extend_grace", request, days=request.days)

    @workflow.update
    async def assign(self, request: GiveTo) -> WhatWillHappen:
        """The case is this operator's now; without a name it is nobody's."""
        self._hear(request, lambda case: approving.assigned(case, request.to))
        return await self._assigned(request)

    @workflow.update
    async def note(self, request: OperatorRequest) -> WhatWillHappen:
        """Something that whoever looks at the case should know."""
        self._see(request.at)
        return await self._recorded("note", request)

    @workflow.update
    async def hand_over(self, request: GiveTo) -> WhatWillHappen:
        """A person takes the case over: nothing more is done by itself until it is resumed. The customer may still pay."""
        to = f" to {request.to}" if request.to else ""
        because = f"{request.operator} handed the case over{to}: {request.reason}"
        self._hear(request, lambda case: approving.handed_over(case, request.to, because))
        if request.to is not None:
            await self._assigned(request)
        return await self._recorded("hand_over", request, to=request.to)

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
        answer = self._what_will_happen()
        noted: Noted = await orders.execute(
            Activity.MOVE_CASE, order, Noted, f"by policy {request.version}: {request.reason}"
        )
        self._see(noted.at)
        return answer

    @approve.validator
    def _may_approve(self, request: OperatorRequest) -> None:
        self._refuse_unless_asked(request.operator)

    @refuse_suspension.validator
    def _may_refuse_suspension(self, request: LongerGrace) -> None:
        self._refuse_unless_asked(request.operator)

    @extend_grace.validator
    def _may_extend(self, request: LongerGrace) -> None:
        orders.refuse_if_over(self._case)
        if self._open_case().is_return:
            raise ApplicationError("A return has no grace to extend: its subscription is suspended already")

    @assign.validator
    def _may_assign(self, request: GiveTo) -> None:
        orders.refuse_if_over(self._case)

    @note.validator
    def _may_note(self, request: OperatorRequest) -> None:
        orders.refuse_if_over(self._case)

    @hand_over.validator
    def _may_hand_over(self, request: GiveTo) -> None:
        orders.refuse_if_over(self._case)

    @change_policy.validator
    def _may_change_policy(self, request: ChangePolicy) -> None:
        orders.refuse_if_over(self._case)

    def _refuse_unless_asked(self, operator: str) -> None:
        orders.refuse_if_over(self._case)
        case = self._open_case()
        if case.question is None or case.question.answer is not None:
            raise ApplicationError("The case does not wait for an approval of its suspension")
        approval = case.campaign.approval
        if approval is not None and not approval.may_decide(operator):
            named = ", ".join((*approval.people.approvers, *approval.people.escalate_to))
            raise ApplicationError(f"The policy has {named} decide about this suspension, not {operator}")

    def _suspension(self) -> datetime:
        """When the access would end as things stand, or now where it is overdue."""
        case = self._open_case()
        return max(suspend_at(case, case.campaign), self._now())

    # What the ledger keeps of it.

    async def _assigned(self, request: GiveTo) -> WhatWillHappen:
        answer = self._what_will_happen()
        order = AssignCase(**self._about(request, "owner"), to=request.to)
        noted: Noted = await orders.execute(
            Activity.ASSIGN_CASE, order, Noted, f"assigned to {request.to or 'nobody'}: {request.reason}"
        )
        self._see(noted.at)
        return answer

    async def _ask_for_approval(self, step: Step) -> None:
        """Put the question to people, remind them, escalate, or take the policy's default."""
        case, approval = self._open_case(), self._open_case().campaign.approval
        people = approval.people if approval is not None else None
        asked = (
            people.escalate_to
            if people and step.key == approving.ESCALATE
            else people.approvers
            if people
            else ()
        )
        order = CaseNote(
            **self._who(step),
            kind=f"approval_{step.key}",
            data={"because": step.because, "priority": case.priority, "people": ", ".join(asked) or None},
        )
        noted: Noted = await orders.execute(Activity.NOTE_CASE, order, Noted, f"{step.key}: {step.because}")
        self._see(noted.at)
        self._fold(lambda now: approving.question_moved(now, now.campaign, step, noted.at))

    async def _tell_the_queue(self, step: Step) -> bool:
        """Have the ledger know whether the case waits for a person; whether something was told."""
        case = self._open_case()
        waits = stage_of(case, step, self._now()) is Stage.PERSON
        over = case.outcome is not None and not waits
        if waits == case.queued or over or not workflow.patched("queue-of-people"):
            return False
        order = CaseNote(
            **self._who(step),
            kind="person_needed" if waits else None,
            data={"because": step.because, "priority": case.priority},
            stage=case.stage,
            next_kind=step.kind.value,
            next_at=step.due_at,
            because=step.because,
        )
        self._acts += 1
        noted: Noted = await orders.execute(Activity.NOTE_CASE, order, Noted, step.because)
        self._see(noted.at)
        self._fold(lambda now: approving.queued(now, waits))
        return True

    def _stage_was_told(self, step: Step) -> None:
        """Messages and attempts tell the ledger another stage; a case that still waits has to say so again."""
        if step.kind in (StepKind.MESSAGE, StepKind.ATTEMPT):
            self._fold(lambda now: approving.queued(now, False))

    def _who(self, step: Step) -> dict[str, Any]:
        case, run = self._open_case(), workflow.info().first_execution_run_id
        return {
            "case_id": case.id,
            "invoice": case.invoice,
            "customer": case.customer,
            "request": f"{run}/{self._acts}/{step.kind}",
            "at": self._now(),
        }
