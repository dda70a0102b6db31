"""Messages that wait: for what else is told along with them, and for the moment at which they may go out."""

from __future__ import annotations

from datetime import timedelta

from recoup.rules.case import Case
from recoup.rules.step import Step


def gathering(case: Case) -> timedelta:
    """How long a message waits for what else happens to the customer."""
    return timedelta(minutes=case.gather_minutes)


def gathered(case: Case) -> str:
    """The end of the reason of a message that waits so."""
    return f", with what else happens within {case.gather_minutes} minutes" if case.gather_minutes else ""


def held(case: Case, step: Step) -> Step:
    """The step as it is; or, of a message that was put off, at the moment at which it may go out, because of what held it."""
    waits = case.waits(step.key)
    if waits is None or step.due_at is None or waits.until <= step.due_at:
        return step
    return step.model_copy(update={"due_at": waits.until, "because": f"{step.because}, but {waits.because}"})
