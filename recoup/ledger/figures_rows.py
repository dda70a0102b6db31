"""What figures are made from: plain rows, without anything that no figure needs. Moments are UTC, amounts minor units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from recoup.rules.case import AttemptState, Outcome, Trigger


@dataclass(frozen=True, slots=True)
class FigureCase:
    """A case, and when the customer was first asked for its money."""

    id: str
    invoice: str
    customer: str
    subscription: str | None
    amount: int
    currency: str
    campaign: str
    policy_version: str
    failed_at: datetime
    opened_at: datetime
    outcome: Outcome | None
    closed_at: datetime | None
    is_return: bool
    asked_at: datetime | None = None
    """When the first message that asks for the payment began to be sent; nothing where none was."""


@dataclass(frozen=True, slots=True)
class FigureAttempt:
    """An attempt of ours with a final result."""

    case_id: str
    invoice: str
    number: int
    trigger: Trigger
    brand: str | None
    amount: int
    currency: str
    state: AttemptState
    code: str | None
    """Why it was refused; nothing where it was not."""
    at: datetime
    """When Stripe was asked."""


@dataclass(frozen=True, slots=True)
class FigureCharge:
    """A charge that was not ours: the first failure, Stripe's own retries, the customer's payments."""

    invoice: str | None
    """Nothing where neither a webhook nor an import has said it."""
    customer: str | None
    brand: str | None
    amount: int
    currency: str
    failed: bool
    code: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class FigureContact:
    """How far the conversation about a case came; each moment is the first one, nothing where it never came to that."""

    case_id: str
    messages: int
    """So many went out about it, those of other cases of the customer's that also named it included."""
    returned: int
    """So many of them came back."""
    opened_at: datetime | None
    """The page behind the update link was shown, after the failure."""
    updated_at: datetime | None
    """The customer acted on it."""


@dataclass(frozen=True, slots=True)
class FigureMessage:
    """A message about a case that went out."""

    case_id: str
    channel: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FigureRefusal:
    """An attempt that the guard of the card networks did not let through."""

    case_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FigureChanges:
    """What some events say has changed."""

    customers: frozenset[str]
    """Of whom anything was recorded."""
    invoices: frozenset[str]
    """Which were named."""
    since: datetime | None
    """The earliest moment of anything in it."""


@dataclass(frozen=True, slots=True)
class FigureRows:
    """All rows of some customers, none of which is another customer's."""

    cases: Sequence[FigureCase] = ()
    attempts: Sequence[FigureAttempt] = ()
    charges: Sequence[FigureCharge] = ()
    contacts: Sequence[FigureContact] = ()
    messages: Sequence[FigureMessage] = ()
    refusals: Sequence[FigureRefusal] = ()
