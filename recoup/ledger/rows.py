"""What the ledger gives back: frozen copies of its rows. Moments are aware and in UTC, amounts in minor units."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from recoup.rules.base import Frozen
from recoup.rules.case import Access, AttemptState, MessageState, Outcome, Stage, Template, Trigger
from recoup.rules.conversation import Said
from recoup.rules.declines import Decline, DeclineClass


class CaseRow(Frozen):
    """A case as it stands."""

    id: str
    invoice: str
    number: str | None
    customer: str
    subscription: str | None
    amount: int
    currency: str
    failed_at: datetime
    campaign: str
    policy_version: str
    policy: dict[str, Any]
    rules_version: int
    decline: Decline | None
    decline_class: DeclineClass | None
    stage: Stage
    next_kind: str | None
    next_at: datetime | None
    next_because: str | None
    outcome: Outcome | None
    because: str | None
    workflow_id: str
    run_id: str
    is_return: bool
    priority: int = 0
    assigned_to: str | None = None
    opened_at: datetime
    updated_at: datetime
    closed_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether the case has no outcome yet."""
        return self.outcome is None


class Admission(Frozen):
    """The ledger's answer to a case that wants to begin."""

    admitted: bool
    because: str
    case: CaseRow | None
    """The case itself when admitted; otherwise the one that stands in its way, if any."""


class AttemptRow(Frozen):
    """An attempt of ours: what was frozen when it was reserved, and what is known of it."""

    id: int
    invoice: str
    number: int
    case_id: str
    customer: str
    request: str
    key: str
    """The idempotency key that Stripe gets."""
    trigger: Trigger
    payment_method: str
    fingerprint: str | None
    brand: str | None
    amount: int
    currency: str
    latest_charge: str | None
    state: AttemptState
    charge: str | None
    payment_intent: str | None
    decline: Decline | None
    decline_class: DeclineClass | None
    because: str | None
    reserved_at: datetime
    sent_at: datetime | None
    """The first time Stripe was asked; the key's age counts from here."""
    counted_at: datetime
    """The moment the networks' windows count it at, the latest that is possible."""
    settled_at: datetime | None


class PastDecline(Frozen):
    """A refusal of the same card, whichever invoice, customer or page it came from."""

    at: datetime
    decline: Decline


class PastAttempt(Frozen):
    """One of our earlier attempts."""

    at: datetime
    trigger: Trigger


class AttemptCounts(Frozen):
    """What the ledger knows of one card when an attempt on it is reserved."""

    at: datetime
    """The moment of the reservation."""
    fingerprint: str | None
    """The card, or the bank account; None where Stripe gives no fingerprint, and then only the debt is counted."""
    attempts: tuple[datetime, ...] = ()
    """When the card was tried in the 30 days before, oldest first; one that is not settled counts as tried now, others' a minute later."""
    last_decline: PastDecline | None = None
    """The newest refusal, however old."""
    final_no: PastDecline | None = None
    """The newest refusal that forbids any other attempt, however old, unless the card has paid since."""
    of_debt: tuple[PastAttempt, ...] = ()
    """Our attempts at the same invoice with the same method, however old, oldest first: what bank debits are limited by."""

    def within(self, window: timedelta) -> int:
        """How many attempts fall into the window before :attr:`at`; an attempt exactly that old is out of it."""
        return sum(1 for moment in self.attempts if moment > self.at - window)

    @property
    def in_24h(self) -> int:
        """Attempts in the last 24 hours."""
        return self.within(timedelta(hours=24))

    @property
    def in_30d(self) -> int:
        """Attempts in the last 30 days of 24 hours."""
        return self.within(timedelta(days=30))


class Verdict(Frozen):
    """What the network guard says to an attempt."""

    allowed: bool
    because: str
    not_before: datetime | None = None
    """The next moment at which it would be allowed; None with a refusal means never with this card."""


class Reservation(Frozen):
    """The answer to :meth:`recoup.ledger.attempts.Attempts.reserve`: an attempt or a refusal, never both."""

    attempt: AttemptRow | None = None
    refused: Verdict | None = None
    existing: bool = False
    """The attempt was there before: the same request, another one that is not settled, or the one that paid the invoice."""


class MessageRow(Frozen):
    """A message, without whom it went to and what it said."""

    key: str
    case_id: str | None
    customer: str
    template: Template
    channel: str
    locale: str
    state: MessageState
    provider_id: str | None
    because: str | None
    reserved_at: datetime
    sending_at: datetime | None
    finished_at: datetime | None


class MessageInvoiceRow(Frozen):
    """What a message said of one invoice."""

    message: str
    invoice: str
    said: Said
    suspend_at: datetime | None
    stands_for: str | None


class DecisionRow(Frozen):
    """A decision as it was recorded."""

    id: int
    case_id: str
    request: str
    at: datetime
    rules_version: int
    policy_version: str
    known: dict[str, Any]
    candidates: list[dict[str, Any]]
    choice: dict[str, Any]
    because: str
    propensity: float
    model: str | None


class EventRow(Frozen):
    """One thing that happened."""

    id: int
    at: datetime
    kind: str
    case_id: str | None
    invoice: str | None
    customer: str | None
    actor: str
    data: dict[str, Any]
    unique_key: str | None


class LinkRow(Frozen):
    """An update link; its id is the secret part of the address."""

    id: str
    customer: str
    purpose: str
    generation: int
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    replaced_at: datetime | None
    opened_at: datetime | None
    opens: int
    used_at: datetime | None
    uses: int

    def refusal(self, at: datetime) -> Literal["expired", "revoked"] | None:
        """Why the link no longer works at this moment, or None when it does."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if at >= self.expires_at else None


class WebhookRow(Frozen):
    """An event of Stripe's that was delivered here."""

    event_id: str
    type: str
    object_id: str | None
    created: datetime
    first_at: datetime
    last_at: datetime
    deliveries: int


class AccessMeans(StrEnum):
    """What was done to the subscription at Stripe together with the access."""

    PAUSED = "paused"
    COLLECTION_PAUSED = "collection_paused"
    CANCELLED = "cancelled"
    NONE = "none"


class AccessRow(Frozen):
    """What a subscription may use, as far as Recoup had a say."""

    subscription: str
    customer: str
    state: Access
    how: AccessMeans
    case_id: str | None
    changed_at: datetime


class InvoiceRow(Frozen):
    """What Recoup changed on an invoice at Stripe."""

    invoice: str
    auto_advance_before: bool
    """What the invoice said before Recoup switched Stripe's own retries off."""
    taken_over_at: datetime
    released_at: datetime | None


class RateRow(Frozen):
    """A token bucket as it was left by the one who took last."""

    name: str
    tokens: float
    """Below zero where tokens were given that the bucket has yet to gain."""
    at: datetime


class DestinationRow(Frozen):
    """A system outside that is told of events: how far it has come, and what keeps it."""

    name: str
    taken: int
    """Every event up to this one was delivered, is none of its business, or has a row of its own."""
    trying: int | None
    """The event that was being delivered last: if the worker died meanwhile, it may have arrived."""
    failures: int
    """Failures in a row, over all events."""
    held_until: datetime | None
    """Nothing is tried before this moment."""
    because: str | None
    """What the last trouble was; ``None`` since the last success."""
    delivered: int
    delivered_at: datetime | None
    claimed_by: str | None
    claimed_until: datetime | None
    began_at: datetime


class DeliveryState(StrEnum):
    """What became of a delivery that did not go at once, or was asked for again."""

    WAITING = "waiting"
    """It is tried (again) when it is due."""
    DELIVERED = "delivered"
    REFUSED = "refused"
    """The destination said no to this one; the same again would be refused again."""
    DEAD = "dead"
    """It was tried for days in vain."""


class DeliveryRow(Frozen):
    """A delivery that did not go at once, or was asked for again."""

    destination: str
    event: int
    subject: str
    """Whom it is about: what concerns one customer is delivered in order."""
    state: DeliveryState
    attempts: int
    status: int | None
    """The last answer's HTTP status, where there was an answer."""
    because: str | None
    first_at: datetime
    last_at: datetime | None
    next_at: datetime | None
