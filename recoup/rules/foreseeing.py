"""What an operator's word would make of a case, before it is said: the step that would follow, or why it would be refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from recoup.rules import approving, asking, fold, promising, stopping, telling_now
from recoup.rules.base import Frozen, days
from recoup.rules.case import Case, Outcome, Stage, Template
from recoup.rules.people import StopEnding
from recoup.rules.step import Step
from recoup.rules.steps import asked_attempt, next_step, stage_of
from recoup.rules.suspension import suspend_at


class Asked(Frozen):
    """An operator's word: the name of the update, and what it takes."""

    word: str
    operator: str
    reason: str = ""
    days: float = 0
    until: datetime | None = None
    to: str | None = None
    ending: StopEnding = StopEnding.KEEP
    template: Template = Template.REMINDER


class Foreseen(Frozen):
    """What would follow."""

    refused: str | None = None
    """Why the case would refuse; then nothing changes."""
    stage: Stage
    next: Step
    asked: Step | None = None
    """The attempt that was asked for, where something else comes first."""


def foresee(case: Case, asked: Asked, now: datetime) -> Foreseen:
    """What the case would answer to this word at this moment, and what it would do next.

    Raises:
        ValueError: there is no such word.
    """
    refused = _refusal(case, asked, now)
    after = case if refused else _change(asked, now)(case)
    step = next_step(after, after.campaign, now)
    return Foreseen(
        refused=refused, stage=stage_of(after, step, now), next=step, asked=asked_attempt(after, now)
    )


def _refusal(case: Case, asked: Asked, now: datetime) -> str | None:
    if asked.word == "resume":
        return asking.resume(case)
    if ended := asking.over(case):
        return ended
    until = asked.until or now
    refusals: dict[str, Callable[[], str | None]] = {
        "retry_now": lambda: asking.retry(case),
        "pause_until": lambda: asking.pause(until, now),
        "promise_to_pay": lambda: promising.refusal(case, until, now),
        "approve": lambda: asking.decision(case, asked.operator),
        "refuse_suspension": lambda: asking.decision(case, asked.operator),
        "extend_grace": lambda: asking.grace(case),
        "stop": lambda: stopping.refusal(case, asked.ending),
        "send_message": lambda: telling_now.refusal(case, asked.template),
    }
    return refusals.get(asked.word, lambda: None)()


def _change(asked: Asked, now: datetime) -> Callable[[Case], Case]:
    until = asked.until or now
    excluded = stopping.excluded(asked.operator, asked.reason)
    handed = f"{asked.operator} handed the case over: {asked.reason}"
    changes: dict[str, Callable[[Case], Case]] = {
        "retry_now": fold.retry_requested,
        "pause_until": lambda case: fold.paused(case, until),
        "resume": lambda case: fold.resumed(case, now),
        "promise_to_pay": lambda case: fold.promised(case, now, until),
        "mark_paid_outside": fold.marked_paid,
        "stop": lambda case: stopping.stopped(case, asked.ending, asked.reason),
        "send_message": lambda case: telling_now.asked_for(case, asked.template),
        "exclude": lambda case: fold.ended(case, Outcome.CLOSED_STOPPED, excluded),
        "approve": lambda case: approving.approved(case, asked.operator),
        "refuse_suspension": lambda case: approving.grace_extended(case, now + days(asked.days)),
        "extend_grace": lambda case: approving.grace_extended(
            case, max(suspend_at(case, case.campaign), now) + days(asked.days)
        ),
        "hand_over": lambda case: approving.handed_over(case, asked.to, handed),
        "assign": lambda case: approving.assigned(case, asked.to),
        "note": lambda case: case,
        "change_policy": lambda case: case,
    }
    if asked.word not in changes:
        raise ValueError(f"there is no word {asked.word} that an operator could say to a case")
    return changes[asked.word]
