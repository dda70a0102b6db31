"""A step: one thing a case does next, with its moment and its reason."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from recoup.rules.base import Moment, Wire
from recoup.rules.case import Template, Trigger


class StepKind(StrEnum):
    """The things a case can do."""

    MESSAGE = "message"
    ATTEMPT = "attempt"
    SETTLE = "settle"
    """Find out what became of an attempt without an answer."""
    LOOK = "look"
    """Read the invoice and its latest decline again."""
    MARK_PAID = "mark_paid"
    WRITE_OFF = "write_off"
    """Mark the invoice as uncollectible."""
    RESTRICT = "restrict"
    """Restrict the access, the stage before the suspension."""
    APPROVAL = "approval"
    """Ask people whether the suspension may be made, remind them, escalate, or decide by the policy's default."""
    SUSPEND = "suspend"
    PERSON = "person"
    """Wait for a person's decision."""
    RESUME = "resume"
    """Go on after an operator's pause."""
    CLOSE = "close"
    RESTORE = "restore"
    RELEASE = "release"
    END = "end"


class Candidate(Wire):
    """Something the case could do, and when."""

    kind: StepKind
    due_at: Moment
    what: str
    """The attempt's number in the campaign or the message's key."""


class Step(Wire):
    """One thing a case does next."""

    kind: StepKind
    due_at: Moment | None
    """When it is due; ``None`` waits for an event alone."""
    because: str
    template: Template | None = None
    key: str | None = None
    trigger: Trigger | None = None
    candidates: tuple[Candidate, ...] = ()
    """All that was possible when this step was chosen, itself included, earliest first."""

    def is_due(self, now: datetime) -> bool:
        """Whether the time for it has come."""
        return self.due_at is not None and self.due_at <= now
