"""A promise to pay: what waits for its day, and the one attempt that is made on it.

A promise holds what the campaign does by itself: its attempts, its reminders, the last notice and the suspension. It holds
nothing that the customer sets in motion, and it forbids no bank or network anything: their rules stand before its attempt too.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from recoup.rules.base import days
from recoup.rules.case import Access, Case, Promise, Template, Trigger
from recoup.rules.policy import RetryMode
from recoup.rules.step import Step, StepKind

CLOCKS = timedelta(minutes=1)
"""The clocks of the page and of the case differ by less than this."""

_HELD = (Template.REMINDER, Template.LAST_NOTICE)


def said(promise: Promise) -> str:
    """The promise in the words of a reason."""
    return f"the customer promised to pay by {promise.until:%d %b %Y %H:%M} UTC"


def refusal(case: Case, until: datetime, now: datetime) -> str | None:
    """Why this promise cannot be taken; ``None`` where it can."""
    if case.is_return or case.access is Access.SUSPENDED:
        return "The access is suspended already; only a payment brings it back"
    if case.campaign.retries.mode is not RetryMode.OWN:
        return "Stripe's own retries are on in this campaign, and nobody could hold them until a promised day"
    if case.promise is not None:
        return f"A promise is taken once for each case, and {said(case.promise)}"
    if not case.promise_days:
        return "The policy of this case takes no promise"
    if until <= now:
        return f"A promise must be for the future; {until.isoformat()} is past"
    if until - now > days(case.promise_days) + CLOCKS:
        return f"The policy of this case takes a promise for {case.promise_days:g} days at most"
    return None


def promised_attempt(case: Case) -> Step | None:
    """The attempt of the promised day, while it is still to be made; later where a bank or a network asks for that."""
    if case.promise is None or case.promise.tried:
        return None
    due, because = case.promise.until, said(case.promise)
    if case.not_before and case.not_before > due:
        due = case.not_before
        because = f"{because}, but {case.not_before_because or 'no attempt is allowed before this moment'}"
    return Step(kind=StepKind.ATTEMPT, due_at=due, because=because, trigger=Trigger.PROMISE)


def put_off(case: Case, step: Step) -> Step:
    """A reminder or a last notice of the campaign, not before the promised day."""
    promise = case.promise
    held = step.kind is StepKind.MESSAGE and (step.key or "").split("/")[0] in _HELD
    if promise is None or not held or step.due_at is None or step.due_at >= promise.until:
        return step
    return step.model_copy(update={"due_at": promise.until, "because": said(promise)})


def after_attempt(promise: Promise | None, trigger: Trigger, at: datetime) -> Promise | None:
    """The promise after an attempt: its own uses it up, and so does any other from its day on."""
    if promise is None or not (trigger is Trigger.PROMISE or at >= promise.until):
        return promise
    return promise.model_copy(update={"tried": True})
