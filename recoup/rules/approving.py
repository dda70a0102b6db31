"""What stands between a case and its suspension while a person has to approve it, and what people's words make of a case."""

from __future__ import annotations

from datetime import datetime

from recoup.rules.base import days
from recoup.rules.case import Case
from recoup.rules.people import Approval, Default, Question
from recoup.rules.policy import Campaign
from recoup.rules.step import Step, StepKind

ASK, REMIND, ESCALATE, DEFAULT = "ask", "remind", "escalate", "default"
"""The keys of an approval step: what is done about the question."""


def needs_approval(case: Case, campaign: Campaign) -> bool:
    """Whether a person has to approve the suspension before it is made."""
    approval = campaign.approval
    if approval is None or case.is_return or (case.priority or 0) < approval.from_priority:
        return False
    return case.question is None or case.question.answer is None


def approval_step(case: Case, campaign: Campaign, suspend_at: datetime) -> Step | None:
    """The next thing to do about the question; ``None`` where the suspension may be made."""
    approval = campaign.approval
    if approval is None or not needs_approval(case, campaign):
        return None
    if case.question is None:
        return _step(ASK, suspend_at, _why_asked(case, approval))
    question = case.question
    steps = [
        _step(DEFAULT, question.asked_at + days(approval.decide_after_days), _default(question, approval))
    ]
    if approval.remind_after_days is not None and not question.reminded:
        due = question.asked_at + days(approval.remind_after_days)
        because = f"nobody has decided about the suspension in {approval.remind_after_days:g} days"
        steps.append(_step(REMIND, due, because))
    if approval.escalate_after_days is not None and not question.escalated:
        due = question.asked_at + days(approval.escalate_after_days)
        because = f"the approvers have not decided in {approval.escalate_after_days:g} days"
        steps.append(_step(ESCALATE, due, because))
    return min(steps, key=lambda step: step.due_at or suspend_at)


def _step(key: str, due: datetime, because: str) -> Step:
    return Step(kind=StepKind.APPROVAL, due_at=due, because=because, key=key)


def _why_asked(case: Case, approval: Approval) -> str:
    if approval.from_priority == 0:
        return "the policy has every suspension of this campaign approved by a person"
    reasons = f" ({', '.join(case.priority_because)})" if case.priority_because else ""
    return f"the priority is {case.priority}{reasons}, and from {approval.from_priority} on a person approves the suspension"


def _asks_anew(question: Question, approval: Approval) -> bool:
    return approval.default is Default.WAIT and question.round < approval.rounds


def _default(question: Question, approval: Approval) -> str:
    waited = f"nobody has decided in {approval.decide_after_days:g} days"
    if _asks_anew(question, approval):
        return f"{waited}, and by the policy the question is put anew ({question.round + 1} of {approval.rounds})"
    if approval.default is Default.WAIT:
        return f"{waited}, {approval.rounds} times over, so the suspension follows"
    return f"{waited}, and by the policy the suspension follows"


def question_moved(case: Case, campaign: Campaign, step: Step, at: datetime) -> Case:
    """What an approval step was about is done."""
    question, approval = case.question, campaign.approval
    if approval is None or step.key == ASK or question is None:
        return case.model_copy(update={"question": Question(asked_at=at)})
    if step.key == REMIND:
        moved = question.model_copy(update={"reminded": True})
    elif step.key == ESCALATE:
        moved = question.model_copy(update={"escalated": True})
    elif _asks_anew(question, approval):
        moved = Question(asked_at=at, round=question.round + 1)
    else:
        moved = question.model_copy(update={"answer": step.because})
    return case.model_copy(update={"question": moved})


def approved(case: Case, operator: str) -> Case:
    """A person approved the suspension that was asked about."""
    if case.question is None or case.outcome is not None:
        return case
    answer = f"{operator} approved the suspension"
    return case.model_copy(update={"question": case.question.model_copy(update={"answer": answer})})


def grace_extended(case: Case, until: datetime) -> Case:
    """The customer keeps access until then at least; whether it may be suspended afterwards is asked anew."""
    if case.outcome is not None:
        return case
    later = until if case.grace_until is None else max(until, case.grace_until)
    return case.model_copy(update={"grace_until": later, "question": None})


def handed_over(case: Case, to: str | None, because: str) -> Case:
    """An operator takes the case out of the campaign's hands: nothing more is done by itself until it is resumed."""
    if case.outcome is not None:
        return case
    update: dict[str, object] = {"person_because": because, "handed_over": True}
    return case.model_copy(update=update | ({"assigned_to": to} if to is not None else {}))


def assigned(case: Case, to: str | None) -> Case:
    """The case is this operator's now; ``None``: nobody's."""
    return case.model_copy(update={"assigned_to": to})


def queued(case: Case, waits: bool) -> Case:
    """The ledger knows whether the case waits for a person."""
    return case.model_copy(update={"queued": waits})
