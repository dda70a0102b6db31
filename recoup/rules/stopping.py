"""An operator's word that a recovery is over, and what becomes of the debt then."""

from __future__ import annotations

from datetime import datetime

from recoup.rules.case import Access, Case, Outcome
from recoup.rules.fold import ended
from recoup.rules.people import StopEnding, Stopping
from recoup.rules.policy import Ending
from recoup.rules.step import Step, StepKind

_SUBSCRIPTION: dict[StopEnding, Ending] = {
    StopEnding.PAUSE: Ending.PAUSE,
    StopEnding.CANCEL: Ending.CANCEL,
}


def refusal(case: Case, ending: StopEnding) -> str | None:
    """Why the recovery cannot be stopped with this end."""
    if ending in _SUBSCRIPTION and case.subscription is None:
        return f"The invoice {case.invoice} belongs to no subscription that could be ended; stop it with another end"
    return None


def stopped(case: Case, ending: StopEnding, reason: str) -> Case:
    """An operator stopped the recovery: over at once, or as soon as its end has been brought about."""
    because = f"an operator stopped the recovery: {reason}"
    if ending is StopEnding.KEEP:
        return ended(case, Outcome.CLOSED_STOPPED, because)
    if case.outcome is not None:
        return case
    quiet: dict[str, object] = {"untried": None, "person_because": None, "failed_step": None}
    return case.model_copy(update=quiet | {"stopping": Stopping(ending=ending, because=because)})


def excluded(operator: str, reason: str) -> str:
    """Why a case ends whose customer is to be left alone."""
    return f"{operator} excluded the customer: {reason}"


def stopping_step(case: Case, now: datetime) -> Step | None:
    """What an operator's stop still has to bring about; ``None`` where none was said.

    A new payment method that came while the subscription was being ended is tried all the same: the customer wants to stay.
    """
    stopping = case.stopping
    if stopping is None or (case.access is Access.SUSPENDED and case.untried is not None):
        return None
    if stopping.ending is StopEnding.WRITE_OFF:
        return Step(kind=StepKind.WRITE_OFF, due_at=now, because=stopping.because)
    return Step(kind=StepKind.SUSPEND, due_at=case.suspend_not_before or now, because=stopping.because)


def ending_of(case: Case) -> Ending:
    """What becomes of the subscription when the access is suspended: an operator's word, or the campaign's."""
    said = _SUBSCRIPTION.get(case.stopping.ending) if case.stopping is not None else None
    return said or case.campaign.ending
