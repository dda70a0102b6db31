"""The one decision: what a case does next, when, and because of what."""

from __future__ import annotations

from datetime import datetime

from recoup.rules._running import asked_message, running_step, settle_step, untried_step
from recoup.rules.base import Wire
from recoup.rules.case import Access, Case, MessageState, Outcome, Stage, Template
from recoup.rules.declines import read
from recoup.rules.holding import gathered, gathering, held
from recoup.rules.policy import Campaign, RetryMode
from recoup.rules.step import Candidate, Step, StepKind

__all__ = [
    "Candidate",
    "Step",
    "StepKind",
    "asked_attempt",
    "asked_message",
    "next_step",
    "next_try",
    "stage_of",
]


def next_step(case: Case, campaign: Campaign, now: datetime) -> Step:
    """What this case does next under this campaign.

    Pure: the same case, campaign and moment always give the same step. ``due_at`` may lie in the past (then it is due at
    once) and is ``None`` where only an event can move the case on. ``because`` is never empty.
    """
    step = (
        _after(case, case.outcome, campaign, now)
        if case.outcome is not None
        else running_step(case, campaign, now)
    )
    if case.failed_step == step.kind and step.is_due(now):
        return Step(kind=StepKind.PERSON, due_at=None, because=case.person_because or f"{step.kind} failed")
    return step


def asked_attempt(case: Case, now: datetime) -> Step | None:
    """The attempt that somebody asked for and that is still to be made, with what it waits for; ``None`` where there is none."""
    if case.untried is None or case.outcome is not None:
        return None
    return untried_step(case, case.untried, now)


def next_try(case: Case, step: Step, now: datetime) -> datetime | None:
    """When the customer's card is tried next, by us or, where it retries too, by Stripe; ``step`` knows what else was possible."""
    attempts = [each for each in step.candidates if each.kind is StepKind.ATTEMPT]
    dues = [max(candidate.due_at, now) for candidate in attempts]
    may_retry = case.decline is not None and read(case.decline).may_retry
    if may_retry and case.stripe.coming is not None and case.stripe.coming > now:
        dues.append(case.stripe.coming)
    return min(dues, default=None)


def stage_of(case: Case, step: Step, now: datetime) -> Stage:
    """The stage to show for a case whose next step this is."""
    if step.kind is StepKind.PERSON or (step.kind is StepKind.APPROVAL and case.question is not None):
        return Stage.PERSON
    if case.outcome is not None and case.closed_at is not None:
        return case.outcome.stage
    if step.kind is StepKind.RESUME:
        return Stage.PAUSED
    if step.kind is StepKind.SETTLE or (step.kind is StepKind.ATTEMPT and step.is_due(now)):
        return Stage.RETRYING
    told = [sent for sent in case.messages if not sent.state.is_silenced]
    if any(sent.key.startswith(Template.LAST_NOTICE) for sent in told):
        return Stage.WARNED
    if any(candidate.kind is StepKind.ATTEMPT for candidate in step.candidates):
        return Stage.WAITING if told else Stage.OPEN
    return Stage.NOTIFIED if told else Stage.OPEN


def _after(case: Case, outcome: Outcome, campaign: Campaign, now: datetime) -> Step:
    """The steps that follow an outcome: commit it first, then its consequences, then the end."""
    because = case.because or outcome.value
    if case.unsettled is not None:
        return settle_step(case, now)
    if case.paid_twice:
        twice = "it was paid outside, as an operator says, and by an attempt that was under way then"
        return Step(kind=StepKind.MARK_PAID, due_at=now, because=twice)
    if case.closed_at is None:
        return Step(kind=StepKind.CLOSE, due_at=now, because=because)
    if case.access is not Access.FULL and (why := _why_restore(case, outcome)):
        return Step(kind=StepKind.RESTORE, due_at=now, because=why)
    if outcome is Outcome.CLOSED_STOPPED and campaign.retries.mode is RetryMode.OWN and not case.released:
        return Step(
            kind=StepKind.RELEASE,
            due_at=now,
            because="Recoup lets go, so Stripe gets its invoice back as it was",
        )
    if last := _last_word(case, outcome):
        return held(
            case,
            Step(
                kind=StepKind.MESSAGE,
                due_at=max(now, case.closed_at + gathering(case)),
                because=last.because + gathered(case),
                template=last.template,
                key=last.template.value,
            ),
        )
    return Step(kind=StepKind.END, due_at=now, because=because)


def _why_restore(case: Case, outcome: Outcome) -> str | None:
    """A suspension ends with the debt; one that was interrupted half-way is undone with the case that began it."""
    if outcome.stage is Stage.RECOVERED:
        return "the invoice is paid, so the access comes back"
    if outcome.stage is Stage.CLOSED and not case.is_return:
        return "the case ended before its suspension was complete, so the access comes back"
    return None


class _LastWord(Wire):
    template: Template
    because: str


def _last_word(case: Case, outcome: Outcome) -> _LastWord | None:
    """The message that closes the conversation, where there was one."""
    told = any(sent.state is not MessageState.FAILED and not sent.state.is_silenced for sent in case.messages)
    if outcome.stage is Stage.RECOVERED and (told or case.is_return):
        word = _LastWord(
            template=Template.RECOVERED, because="the customer was told of the failure and may now rest"
        )
    elif outcome is Outcome.LOST_SUSPENDED and not case.is_return:
        word = _LastWord(
            template=Template.SUSPENDED, because="the customer must know of the suspension and the way back"
        )
    else:
        return None
    return None if case.message(word.template.value) else word
