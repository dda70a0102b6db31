"""One line of time for a case: what happened, who did it and why, and what comes next, in one order.

The past is the ledger's: attempts and messages from their rows, everything else from the events. The future is
``next_step``'s: the step that comes next, and every other one that it weighed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from recoup.ledger import AttemptRow, CaseRow, DecisionRow, EventRow, MessageRow
from recoup.messages import OutboxMail
from recoup.rules.declines import Decline, read
from recoup.rules.step import Step

SYSTEM, STRIPE, CUSTOMER = "system", "stripe", "customer"


class Theme(StrEnum):
    """What an entry is about; a reader may look at one of them alone."""

    MONEY = "money"
    """Attempts, refusals, payments."""
    MESSAGE = "message"
    CUSTOMER = "customer"
    """What the customer did."""
    OPERATOR = "operator"
    """What people said and decided."""
    CASE = "case"
    """How the case itself moved."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, or is going to."""

    at: datetime | None
    theme: Theme
    kind: str
    actor: str = SYSTEM
    because: str | None = None
    decline: Decline | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    mail: OutboxMail | None = None
    """The message as it was sent, where it can be shown."""
    ahead: bool = False
    first: bool = False
    """Of what is ahead: the next step itself."""

    @property
    def explained(self) -> str | None:
        """The refusal in plain words."""
        return read(self.decline).because if self.decline is not None else None


TOLD: dict[str, Theme] = {
    "case_opened": Theme.CASE, "case_taken_over": Theme.CASE, "case_closed": Theme.CASE,
    "outcome_conflict": Theme.CASE, "campaign_chosen": Theme.CASE, "case_moved": Theme.OPERATOR,
    "case_assigned": Theme.OPERATOR, "operator_word": Theme.OPERATOR, "person_needed": Theme.OPERATOR,
    "approval_ask": Theme.OPERATOR, "approval_remind": Theme.OPERATOR, "approval_escalate": Theme.OPERATOR,
    "approval_default": Theme.OPERATOR, "attempt_refused": Theme.MONEY, "charge_observed": Theme.MONEY,
    "access_suspended": Theme.CASE, "access_restricted": Theme.CASE, "access_full": Theme.CASE,
    "cancelled_at_last": Theme.CASE,
    "message_covered": Theme.MESSAGE, "message_returned": Theme.MESSAGE, "mail_bounced": Theme.MESSAGE,
    "mail_complained": Theme.MESSAGE, "channel_stopped": Theme.MESSAGE, "channel_opened": Theme.MESSAGE,
    "link_issued": Theme.MESSAGE, "link_revoked": Theme.OPERATOR, "link_opened": Theme.CUSTOMER,
    "link_used": Theme.CUSTOMER, "customer_promised": Theme.CUSTOMER, "customer_cancelled": Theme.CUSTOMER,
    "wish_fulfilled": Theme.CUSTOMER, "wish_refused": Theme.CUSTOMER, "webhook.card_changed": Theme.CUSTOMER,
    "webhook.invoice_paid": Theme.MONEY, "customer_excluded": Theme.OPERATOR, "customer_included": Theme.OPERATOR,
}  # fmt: skip
"""The events that people are told of; the others say in other words what an attempt, a message or a decision tells already."""

_BY = {"link_opened": CUSTOMER, "link_used": CUSTOMER, "webhook.card_changed": CUSTOMER}


def past(
    row: CaseRow,
    events: Iterable[EventRow],
    attempts: Iterable[AttemptRow],
    messages: Iterable[MessageRow],
    decisions: Iterable[DecisionRow],
    mails: Mapping[str, OutboxMail],
) -> list[Entry]:
    """What happened, the newest first."""
    reasons = {decision.request: decision.because for decision in decisions}
    keys = {str(each.choice.get("key")): each.because for each in decisions if each.choice.get("key")}
    found = [
        *_from_events(row, events),
        *(_attempt(each, reasons.get(each.request)) for each in attempts if each.case_id == row.id),
        *(_message(row, each, keys, mails.get(each.key)) for each in messages),
    ]
    numbered = sorted(enumerate(found), key=lambda pair: (pair[1].at or row.failed_at, pair[0]))
    return [entry for _, entry in reversed(numbered)]


def ahead(step: Step | None, row: CaseRow) -> list[Entry]:
    """What comes, the furthest first, so that it stands above the past on the same line."""
    if step is None:
        if row.next_kind is None or not row.is_open:
            return []
        return [_to_come(row.next_kind, row.next_at, row.next_because, {}, first=True)]
    if step.kind.value == "end":
        return []
    about = {"template": step.template, "key": step.key, "trigger": step.trigger}
    first = _to_come(step.kind.value, step.due_at, step.because, about, first=True)
    others = [
        _to_come(each.kind.value, each.due_at, None, {"key": each.what})
        for each in step.candidates
        if (each.kind, each.what) != (step.kind, step.key or step.kind.value)
    ]
    return [*reversed(others), first]


def _from_events(row: CaseRow, events: Iterable[EventRow]) -> Iterator[Entry]:
    for event in events:
        theme = TOLD.get(event.kind)
        if theme is None or not _is_about(event, row) or event.data.get("because") == _OUR_OWN:
            continue
        raw = event.data.get("decline")
        yield Entry(
            at=event.at,
            theme=theme,
            kind=event.kind,
            actor=_BY.get(event.kind, event.actor),
            because=event.data.get("because"),
            decline=Decline.model_validate(raw) if isinstance(raw, dict) else None,
            data=event.data,
        )


_OUR_OWN = "an attempt of Recoup's collected it, or will be found to have"
"""What the webhook of our own payment says; the attempt tells it."""


def _is_about(event: EventRow, row: CaseRow) -> bool:
    """Whether it belongs to this case: it says so, or it is about its invoice, or its customer while the case was open."""
    if event.case_id is not None or event.invoice is not None:
        return row.id == event.case_id or (event.case_id is None and row.invoice == event.invoice)
    begun, ended = row.failed_at, row.closed_at
    return begun <= event.at and (ended is None or event.at <= ended)


def _attempt(row: AttemptRow, because: str | None) -> Entry:
    data = {
        "number": row.number, "amount": row.amount, "currency": row.currency, "brand": row.brand,
        "trigger": row.trigger.value, "said": row.because,
    }  # fmt: skip
    return Entry(
        at=row.sent_at or row.reserved_at,
        theme=Theme.MONEY,
        kind=f"attempt_{row.state.value}",
        because=because,
        decline=row.decline,
        data=data,
    )


def _message(row: CaseRow, message: MessageRow, keys: Mapping[str, str], mail: OutboxMail | None) -> Entry:
    data = {"template": message.template.value, "channel": message.channel, "locale": message.locale}
    return Entry(
        at=message.finished_at or message.sending_at or message.reserved_at,
        theme=Theme.MESSAGE,
        kind=f"message_{message.state.value}",
        because=message.because or keys.get(message.key.removeprefix(f"{row.id}/")),
        data=data,
        mail=mail,
    )


def _to_come(
    kind: str, at: datetime | None, because: str | None, about: Mapping[str, Any], *, first: bool = False
) -> Entry:
    key = str(about.get("key") or "")
    data = {"template": str(about.get("template") or key.split("/", maxsplit=1)[0])}
    theme = {"message": Theme.MESSAGE, "attempt": Theme.MONEY, "settle": Theme.MONEY}.get(kind, Theme.CASE)
    return Entry(at, theme, kind, because=because, data=data, ahead=True, first=first)
