"""The part of a campaign that needs people: who approves a suspension, and what happens while nobody does."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from recoup.rules.base import Days, Frozen, Misfit, Moment, Wire

Account = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]
"""The account name of an operator or a team. No address: a campaign travels with its case."""


class Default(StrEnum):
    """What follows when nobody has decided in the policy's time."""

    SUSPEND = "suspend"
    WAIT = "wait"
    """The question is put anew; after the last round the suspension follows all the same, so that every case ends."""


class People(Frozen):
    """Who is asked."""

    approvers: tuple[Account, ...] = ()
    """Who may decide; nobody named: any operator."""
    escalate_to: tuple[Account, ...] = ()
    """Who is told, and may decide, when the approvers do not."""


class Approval(Frozen):
    """Before an important account is suspended, a person approves it."""

    from_priority: Annotated[int, Field(strict=True, ge=0, le=100)] = 0
    """From this priority on a person is asked; 0: always."""
    remind_after_days: Days | None = None
    """From the question: the approvers are reminded."""
    escalate_after_days: Days | None = None
    """From the question: those of ``escalate_to`` are told."""
    decide_after_days: Annotated[Days, Field(gt=0)]
    """From the question: the default is taken."""
    default: Default = Default.SUSPEND
    """What follows when nobody has decided by then."""
    rounds: Annotated[int, Field(strict=True, ge=1, le=12)] = 3
    """With ``default: wait``: how often the question is put before the suspension follows all the same."""
    people: People = People()
    """Who is asked, and who when they do not decide."""

    @model_validator(mode="after")
    def _in_order(self) -> Approval:
        for name in ("remind_after_days", "escalate_after_days"):
            day = getattr(self, name)
            if day is not None and not 0 < day < self.decide_after_days:
                raise Misfit(
                    f"{name} ({day:g}) must come after the question and before decide_after_days"
                    f" ({self.decide_after_days:g})",
                    (name,),
                )
        if (self.escalate_after_days is not None) != bool(self.people.escalate_to):
            raise Misfit(
                "escalate_after_days and people.escalate_to belong together: give both or neither",
                ("escalate_after_days",),
                ("people", "escalate_to"),
            )
        return self

    def asked(self, *, escalated: bool) -> tuple[str, ...]:
        """Whom the question goes to; nobody named: whoever looks at the queue."""
        return self.people.escalate_to if escalated else self.people.approvers

    def may_decide(self, operator: str) -> bool:
        """Whether this operator's word counts."""
        people = self.people
        return not people.approvers or operator in (*people.approvers, *people.escalate_to)


class StopEnding(StrEnum):
    """What becomes of the debt when an operator stops its recovery."""

    KEEP = "keep"
    """Nothing: the subscription stays as it is, and Stripe gets its invoice back as it was."""
    PAUSE = "pause"
    """The subscription is paused at once, as a suspension by the campaign would do it."""
    CANCEL = "cancel"
    """The subscription is cancelled at once."""
    WRITE_OFF = "write_off"
    """The invoice is marked as uncollectible; the subscription stays as it is."""


class Stopping(Wire):
    """An operator has stopped the recovery, and what that means for the debt is still to be done."""

    ending: StopEnding
    because: str


class Question(Wire):
    """Whether a suspension may be made, as it was put to people."""

    asked_at: Moment
    round: int = 1
    reminded: bool = False
    escalated: bool = False
    answer: str | None = None
    """Why the suspension may be made: who approved it, or the default. Nothing while it is not decided."""
