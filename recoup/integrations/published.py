"""Which of the ledger's events are public, and what they look like outside.

Every kind of event is either published under a type of its own or internal; a test asks for the decision. What leaves is
picked field by field: ids, codes, amounts, moments and reasons. ``docs/integrations.md`` shows an example of each type.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from recoup.ledger import CaseRow, EventRow
from recoup.rules.base import Frozen
from recoup.rules.case import Outcome, Stage

VERSION = 1
"""Version of the payloads. Fields may be added within a version; nothing is renamed or removed."""


class EventType(StrEnum):
    """The public types of events."""

    CASE_OPENED = "case.opened"
    ATTEMPT_MADE = "case.attempt_made"
    ATTEMPT_PENDING = "case.attempt_pending"
    ATTEMPT_HELD_BACK = "case.attempt_held_back"
    OTHER_CHARGE_SEEN = "case.other_charge_seen"
    MESSAGE_SENT = "case.message_sent"
    MESSAGE_FAILED = "case.message_failed"
    CHANNEL_STOPPED = "case.channel_stopped"
    CHANNEL_OPENED = "case.channel_opened"
    LINK_OPENED = "case.link_opened"
    UPDATE_ATTEMPTED = "case.update_attempted"
    UPDATE_FAILED = "case.update_failed"
    CARD_UPDATED = "case.card_updated"
    PERSON_NEEDED = "case.person_needed"
    OPERATOR_SPOKE = "case.operator_spoke"
    ASSIGNED = "case.assigned"
    MOVED = "case.moved"
    DECIDED_BY_DEFAULT = "case.decided_by_default"
    PAYMENT_GIVEN_BACK = "case.payment_given_back"
    RESTRICTED = "case.restricted"
    SUSPENDED = "case.suspended"
    CANCELLED_AT_LAST = "case.cancelled_at_last"
    ACCESS_RESTORED = "case.access_restored"
    RECOVERED = "case.recovered"
    LOST = "case.lost"
    CLOSED = "case.closed"


@dataclass(frozen=True, slots=True)
class As:
    """Under which type a kind is published, and which fields of its data leave."""

    type: EventType
    facts: tuple[str, ...] = ()


_RESULT = ("attempt", "state", "trigger", "amount", "currency", "charge", "decline", "decline_class")
_MESSAGE = ("message", "template", "channel", "state")
_QUESTION = ("people", "priority")
_REFUND = ("ours", "refunded", "charges", "over", "outcome")

PUBLISHED: dict[str, As] = {
    "case_opened": As(EventType.CASE_OPENED, ("campaign", "is_return")),
    "attempt_paid": As(EventType.ATTEMPT_MADE, _RESULT),
    "attempt_declined": As(EventType.ATTEMPT_MADE, _RESULT),
    "attempt_pending": As(EventType.ATTEMPT_PENDING, ("attempt",)),
    "attempt_refused": As(EventType.ATTEMPT_HELD_BACK, ("trigger", "not_before")),
    "charge_observed": As(EventType.OTHER_CHARGE_SEEN, ("charge", "amount", "currency", "failed", "decline")),
    "message_sent": As(EventType.MESSAGE_SENT, _MESSAGE),
    "message_unknown": As(EventType.MESSAGE_SENT, _MESSAGE),
    "message_failed": As(EventType.MESSAGE_FAILED, _MESSAGE),
    "message_stopped": As(EventType.MESSAGE_FAILED, _MESSAGE),
    "message_returned": As(EventType.MESSAGE_FAILED, _MESSAGE),
    "channel_stopped": As(EventType.CHANNEL_STOPPED, ("channel", "reason")),
    "channel_opened": As(EventType.CHANNEL_OPENED, ("channel",)),
    "link_opened": As(EventType.LINK_OPENED),
    "link_used": As(EventType.UPDATE_ATTEMPTED),
    "webhook.setup_failed": As(EventType.UPDATE_FAILED),
    "webhook.card_changed": As(EventType.CARD_UPDATED, ("method", "chosen")),
    "person_needed": As(EventType.PERSON_NEEDED),
    "approval_ask": As(EventType.PERSON_NEEDED, _QUESTION),
    "approval_remind": As(EventType.PERSON_NEEDED, _QUESTION),
    "approval_escalate": As(EventType.PERSON_NEEDED, _QUESTION),
    "approval_default": As(EventType.DECIDED_BY_DEFAULT, _QUESTION),
    "operator_word": As(
        EventType.OPERATOR_SPOKE, ("word", "operator", "until", "days", "to", "ending", "template")
    ),
    "case_assigned": As(EventType.ASSIGNED, ("to",)),
    "case_moved": As(EventType.MOVED, ("from", "to", "campaign")),
    "double_payment": As(EventType.PAYMENT_GIVEN_BACK, _REFUND),
    "unwanted_payment": As(EventType.PAYMENT_GIVEN_BACK, _REFUND),
    "access.restricted": As(EventType.RESTRICTED),
    "access.suspended": As(EventType.SUSPENDED),
    "cancelled_at_last": As(EventType.CANCELLED_AT_LAST),
    "access.restored": As(EventType.ACCESS_RESTORED),
    "case_closed": As(EventType.CLOSED, ("outcome",)),
}
"""What is published; ``case_closed`` goes out as recovered, lost or closed."""

INTERNAL: frozenset[str] = frozenset(
    """
    case_not_admitted case_taken_over case_noted case_refused outcome_conflict came_back decided decline_unknown
    attempt_reserved attempt_sent attempt_asked_again attempt_unknown attempt_skipped settle_conflict
    observed_charge_failed mail_bounced mail_complained message_reserved message_sending message_released
    link_issued link_extended link_revoked access_restricted access_suspended access_full campaign_chosen invoice_taken_over invoice_released
    webhook.action_required webhook.attempt_required webhook.dispute_closed webhook.dispute_opened
    customer_excluded customer_included digest_sent
    operator.finalization_failed operator.overpaid webhook.invoice_paid webhook.invoice_uncollectible webhook.invoice_voided
    webhook.mandate webhook.method webhook.no_case webhook.part_paid webhook.payment_failed webhook.review
    webhook.subscription webhook.subscription_cancelled
    sweep.attempt_settled sweep.case_told sweep.case_begun sweep.case_begun_again sweep.return_begun
    sweep.access_restored sweep.case_closed message_covered refresh_begun refresh_finished
    failure_read card_read customer_erased model_promoted model_refused model_withdrawn
    """.split()
)
"""What stays inside: bookkeeping, what another event tells better, and what Stripe says itself."""

CHANGES_NOTICE = frozenset(
    {
        EventType.ATTEMPT_MADE,
        EventType.ATTEMPT_PENDING,
        EventType.MESSAGE_SENT,
        EventType.MESSAGE_FAILED,
        EventType.OPERATOR_SPOKE,
        EventType.MOVED,
        EventType.RESTRICTED,
        EventType.SUSPENDED,
        EventType.CANCELLED_AT_LAST,
        EventType.ACCESS_RESTORED,
        EventType.RECOVERED,
        EventType.LOST,
        EventType.CLOSED,
    }
)
"""Once one of these has come, the customer's in-app notice may say something else; a payload says so as ``notice_changed``."""

_BY_STAGE = {Stage.RECOVERED: EventType.RECOVERED, Stage.LOST: EventType.LOST, Stage.CLOSED: EventType.CLOSED}


class PublicCase(Frozen):
    """What never changes of a case."""

    id: str
    invoice: str
    number: str | None
    customer: str
    subscription: str | None
    amount: int
    currency: str
    is_return: bool


class PublicEvent(Frozen):
    """An event as it leaves."""

    id: int
    """The ledger's number of it; rises."""
    type: EventType
    at: datetime
    customer: str
    because: str | None
    facts: dict[str, Any]
    case: PublicCase
    """The case it is about; for what a customer does on the update page, the one with the newest failure."""
    cases: tuple[str, ...]
    """The ids of all cases it concerns."""

    @property
    def key(self) -> str:
        """The same for every delivery of this event, to everybody."""
        return f"recoup_evt_{self.id}"

    def payload(self) -> dict[str, Any]:
        """The body of a Standard Webhook."""
        data = self.model_dump(mode="json", include={"customer", "because", "facts", "case", "cases"})
        head = {"type": self.type.value, "timestamp": self.at.isoformat()}
        data |= {"notice_changed": True} if self.type in CHANGES_NOTICE else {}
        return head | {"data": {"version": VERSION, "event": self.id, **data}}


def is_public(event: EventRow) -> bool:
    """Whether the event's kind is published at all."""
    return event.kind in PUBLISHED


def publish(event: EventRow, concerned: list[CaseRow]) -> PublicEvent | None:
    """The event as it leaves; None where it is internal or concerns no case."""
    how = PUBLISHED.get(event.kind)
    if how is None or not concerned:
        return None
    type_ = how.type
    if event.kind == "case_closed":
        type_ = _BY_STAGE[Outcome(event.data["outcome"]).stage]
    case = concerned[0]
    return PublicEvent(
        id=event.id,
        type=type_,
        at=event.at,
        customer=case.customer,
        because=event.data.get("because"),
        facts={name: event.data[name] for name in how.facts if event.data.get(name) is not None},
        case=PublicCase.model_validate(case.model_dump(include=set(PublicCase.model_fields))),
        cases=tuple(row.id for row in concerned),
    )
