"""What a case has written down beside its acts; the rules of :mod:`activities.contracts` hold here too."""

from __future__ import annotations

from enum import StrEnum

from recoup.rules.base import Moment, Wire


class NoteKind(StrEnum):
    """What no act of a case tells of, by the kind of the ledger's event."""

    PERSON_NEEDED = "person_needed"
    OPERATOR_WORD = "operator_word"
    APPROVAL_ASK = "approval_ask"
    APPROVAL_REMIND = "approval_remind"
    APPROVAL_ESCALATE = "approval_escalate"
    APPROVAL_DEFAULT = "approval_default"


class Note(Wire):
    """Write down what no act of a case tells of."""

    case_id: str
    invoice: str
    customer: str
    request: str
    """Unique: the same note is written once."""
    at: Moment
    kind: NoteKind
    because: str
    word: str | None = None
    """What the operator asked for: the name of the update."""
    operator: str | None = None
    until: Moment | None = None
    days: float | None = None
    """By how many days an operator put the suspension off."""
    to: str | None = None
    """To whom the case was handed over."""
    template: str | None = None
    """Which message an operator asked for."""
    ending: str | None = None
    """What becomes of the debt whose recovery was stopped."""
    people: str | None = None
    """Who is asked, account names with commas between them."""
    priority: int | None = None


class Noted(Wire):
    """It is written down."""

    at: Moment
