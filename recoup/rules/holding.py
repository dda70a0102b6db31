"""Messages that wait: for what else is told along with them, and for the moment at which they may go out."""

from __future__ import annotations

from datetime import datetime, timedelta

from recoup.rules.case import Case
from recoup.rules.step import Step

SPACING_HOURS = 24
"""A night, a pause or the budget may make a reminder late; the next one, which says the same, does not follow on the same day."""


def gathering(case: Case) -> timedelta:
    """How long a message waits for what else happens to the customer."""
    return timedelta(minutes=case.gather_minutes)


def gathered(case: Case) -> str:
    """The end of the reason of a message that waits so."""
    return f", with what else happens within {case.gather_minutes} minutes" if case.gather_minutes else ""


def far_enough(case: Case, before: str, planned: timedelta) -> datetime:
    """When a message is far enough from this one before it: a day after it, or what the campaign has between the two if that is less."""
    told = case.message(before)
    spacing = min(timedelta(hours=case.spacing_hours), planned)
    return told.at + spacing if told is not None and spacing else case.failed_at


def held(case: Case, step: Step) -> Step:
    """The step as it is; or, of a message that was put off, at the moment at which it may go out, because of what held it."""
    waits = case.waits(step.key)
    if waits is None or step.due_at is None or waits.until <= step.due_at:
        return step
    return step.model_copy(update={"due_at": waits.until, "because": f"{step.because}, but {waits.because}"})
