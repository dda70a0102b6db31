"""What operators say to a case beyond its own course, and what the ledger keeps of the people around it.

Account names, reasons and codes only. A reason and a note are an operator's own words: they stay in the case's history, so
nothing about the customer's person belongs into them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from recoup.rules.base import Moment, Wire
from recoup.rules.case import Stage, Template
from recoup.rules.people import Account, StopEnding
from recoup.rules.policy import Campaign

LATE_CANCEL_WORKFLOW = "LateCancel"

Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Word(Wire):
    """An operator's word: who says it, when and why."""

    at: Moment
    reason: Reason
    operator: Account


class LongerGrace(Word):
    """The customer gets so many days more."""

    days: Annotated[float, Field(gt=0, le=365, allow_inf_nan=False)]


class GiveTo(Word):
    """The case is given to an operator; ``to`` may be left out where nobody in particular is meant."""

    to: Account | None = None


class StopCase(Wire):
    """An operator stops the recovery, and says what becomes of the debt."""

    at: Moment
    reason: str
    operator: str
    ending: StopEnding = StopEnding.KEEP


class TellCustomer(Word):
    """The customer is told something now."""

    template: Template


class Running(StrEnum):
    """What a new policy means for a case that runs already."""

    KEEP = "keep"
    """Nothing: it goes on as it began."""
    NEXT_STEP = "next-step"
    """From its next step on it takes the new campaign."""
    DRAIN = "drain"
    """It finishes messages and attempts by the old campaign, and takes what follows them from the new one."""


class ChangePolicy(Word):
    """A running case takes a campaign of another policy."""

    running: Running
    version: str
    """Version of the policy that the campaign comes from."""
    campaign: Campaign
    priority: int | None = None
    priority_because: tuple[str, ...] = ()


class CaseChange(Wire):
    """What an operator changes about a case in the ledger."""

    case_id: str
    request: str
    """Unique for this change: repeated, it is made once."""
    at: Moment
    actor: str
    because: str


class AssignCase(CaseChange):
    """The case has this owner from now on."""

    to: str | None = None


class MoveCase(CaseChange):
    """The case goes on by this campaign, also after a restart."""

    campaign: Campaign
    version: str
    priority: int | None = None


class ExcludeCustomer(CaseChange):
    """Nothing more of this customer's is recovered; said to one of their cases."""

    customer: str


class CustomerExcluded(Wire):
    """The customer of a case is to be left alone, as was said to another case of theirs."""

    at: Moment
    because: str
    operator: str


class TellStage(Wire):
    """The case stands here now: for the queue of those that wait for a person."""

    case_id: str
    at: Moment
    stage: Stage
    next_kind: str
    next_at: Moment | None = None
    because: str


class LateCancel(Wire):
    """Begins ``late-cancel/{case}``: a subscription was paused, and is cancelled at last if nobody comes back."""

    case_id: str
    invoice: str
    customer: str
    subscription: str
    at: Moment
    """When the case was closed."""
    due_at: Moment
    because: str


class LateCancelled(Wire):
    """What became of it."""

    at: Moment
    done: bool
    because: str
    look_again_at: Moment | None = None
    """Set where it cannot be decided yet: a payment is on its way, a return is under way."""
