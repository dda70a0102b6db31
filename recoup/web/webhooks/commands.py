"""What a webhook asks for: commands that :func:`recoup.web.webhooks.routing.route` gives and the dispatcher carries out.

They say what Stripe told, not what is done about it; that depends on what the ledger knows of the case.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from recoup.ledger import ObservedCharge
from recoup.rules.case import Trigger
from recoup.rules.money import Money


class Signal(StrEnum):
    """The signals of the workflow ``RecoveryCase`` that webhooks send."""

    INVOICE_PAID = "invoice_paid"
    INVOICE_VOIDED = "invoice_voided"
    INVOICE_UNCOLLECTIBLE = "invoice_uncollectible"
    SUBSCRIPTION_CANCELLED = "subscription_cancelled"
    DISPUTE_OPENED = "dispute_opened"
    PAYMENT_FAILED = "payment_failed"
    ATTEMPT_ANSWERED = "attempt_answered"


@dataclass(frozen=True, slots=True)
class BeginCase:
    """A renewal could not be collected."""

    invoice: str
    customer: str
    subscription: str
    due: Money
    stripe_retries: bool
    """Whether Stripe still retries by itself (``auto_advance``)."""
    attempt_count: int
    next_attempt: datetime | None = None
    """When Stripe tries next by itself; not told here where Billing Automations retry."""


@dataclass(frozen=True, slots=True)
class TellPaid:
    """An invoice is paid; whether by us, the ledger knows."""

    invoice: str
    customer: str
    outside: bool
    attempt_count: int
    """Only Stripe's automatic attempts raise it."""


@dataclass(frozen=True, slots=True)
class TellEnded:
    """An invoice ended without a payment."""

    invoice: str
    customer: str | None
    signal: Signal


@dataclass(frozen=True, slots=True)
class TellCancelled:
    """A subscription is cancelled; each of its open cases must know."""

    subscription: str
    customer: str
    ours: bool
    """Whether a request of Recoup's own cancelled it."""


@dataclass(frozen=True, slots=True)
class TellDisputed:
    """A charge is disputed, or reported as fraud; the open cases of whoever was charged must know."""

    charge: str
    payment_intent: str | None
    kind: str


@dataclass(frozen=True, slots=True)
class CardChanged:
    """A customer has a new or renewed payment method."""

    customer: str
    method: str
    cause: Trigger
    chosen: bool
    """Whether the customer chose it for their subscriptions; otherwise it only appeared."""


@dataclass(frozen=True, slots=True)
class Observe:
    """A charge to be counted for the card networks' limits."""

    charge: ObservedCharge


@dataclass(frozen=True, slots=True)
class Record:
    """Something for the ledger alone."""

    kind: str
    because: str
    invoice: str | None = None
    customer: str | None = None
    data: dict[str, str | int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ignore:
    """Nothing to do; acknowledged and logged."""

    because: str


Command = (
    BeginCase | TellPaid | TellEnded | TellCancelled | TellDisputed | CardChanged | Observe | Record | Ignore
)
