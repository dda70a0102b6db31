"""From the ledger's events to the timeline of a case, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recoup.ledger import CaseRow, EventRow
from recoup.rules.money import Money
from recoup.rules.money import in_words as amount_in_words


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline."""

    at: datetime
    kind: str
    """``opened``, ``charge``, ``decided``, ``attempt``, ``message``, ``customer``, ``operator``, ``person``, ``access``, ``stripe`` or ``closed``."""
    what: str
    because: str

    def as_json(self) -> dict[str, str]:
        """The line as ``--json`` writes it."""
        return {
            "at": self.at.isoformat(timespec="seconds"),
            "kind": self.kind,
            "what": self.what,
            "because": self.because,
        }


def timeline_of(case: CaseRow, events: Iterable[EventRow]) -> tuple[Entry, ...]:
    """What happened in a case, in the order in which it was recorded; moments never run backwards."""
    entries: list[Entry] = []
    latest = case.failed_at
    for event in events:
        if not _belongs(event, case):
            continue
        told = in_words(event, case)
        if told is not None:
            kind, what, because = told
            latest = max(latest, event.at)  # decisions are dated in whole seconds
            entries.append(Entry(latest, kind, what, because))
    return tuple(entries)


def _belongs(event: EventRow, case: CaseRow) -> bool:
    if event.case_id is not None:
        return event.case_id == case.id
    if not case.failed_at <= event.at or (case.closed_at is not None and event.at > case.closed_at):
        return False
    if case.is_return and event.at < case.opened_at:
        return False
    return event.invoice == case.invoice or (event.invoice is None and event.customer == case.customer)


Words = tuple[str, str, str]
"""Kind, what, because: as in :class:`Entry`."""


def in_words(event: EventRow, case: CaseRow) -> Words | None:
    """One event of a case in words; None where it is none of a timeline."""
    if event.kind.startswith("webhook."):
        what = event.kind.removeprefix("webhook.").replace("_", " ")
        return ("stripe", what, str(event.data.get("because") or "Stripe told it"))
    words = _WORDS.get(event.kind)
    return words(event.data, case) if words else None


def _decided(data: Mapping[str, Any], _: CaseRow) -> Words:
    choice = data["choice"]
    detail = choice.get("key") or choice.get("trigger")
    return ("decided", f"{choice['kind']} {detail}" if detail else str(choice["kind"]), str(data["because"]))


def _opened(data: Mapping[str, Any], _: CaseRow) -> Words:
    if data.get("is_return"):
        return ("opened", "the way back began", "the customer brought a payment or a payment method")
    return ("opened", "the case opened", "a renewal failed")


def _attempt(state: str, otherwise: str | None = None) -> Callable[[Mapping[str, Any], CaseRow], Words]:
    def words(data: Mapping[str, Any], _: CaseRow) -> Words:
        decline = (data.get("decline") or {}).get("code")
        because = str(data.get("because") or (f"the bank said {decline}" if decline else otherwise or state))
        return ("attempt", f"attempt {data.get('attempt', '')} {state}".replace("  ", " "), because)

    return words


def _chosen(data: Mapping[str, Any], _: CaseRow) -> Words:
    matters = f", priority {data['priority']}" if data.get("priority") else ""
    because = [str(data["because"]), *(str(each) for each in data.get("priority_because", ()))]
    return ("opened", f"campaign {data['campaign']}{matters}", "; ".join(because))


def _observed(data: Mapping[str, Any], _: CaseRow) -> Words | None:
    """A charge that somebody else made; one that went through is told by what followed."""
    if not data.get("failed"):
        return None
    owed = Money(amount=data["amount"], currency=data["currency"])
    code = (data.get("decline") or {}).get("code") or "no reason"
    return ("charge", f"{amount_in_words(owed)} refused", f"the bank said {code}")


def _asked(how: str) -> Callable[[Mapping[str, Any], CaseRow], Words]:
    def words(data: Mapping[str, Any], _: CaseRow) -> Words:
        return ("person", f"{data.get('people') or 'operators'}: {how}", str(data.get("because") or how))

    return words


def _message(
    state: str, otherwise: str = "the campaign says so"
) -> Callable[[Mapping[str, Any], CaseRow], Words]:
    def words(data: Mapping[str, Any], case: CaseRow) -> Words:
        name = str(data.get("message", "")).removeprefix(f"{case.id}/")
        return ("message", f"{name} {state}", str(data.get("because") or otherwise))

    return words


def _fixed(kind: str, what: str, because: str) -> Callable[[Mapping[str, Any], CaseRow], Words]:
    return lambda data, _: (kind, what, str(data.get("because") or because))


_WORDS: dict[str, Callable[[Mapping[str, Any], CaseRow], Words | None]] = {
    "case_opened": _opened,
    "decided": _decided,
    "campaign_chosen": _chosen,
    "charge_observed": _observed,
    "attempt_paid": _attempt("paid"),
    "attempt_declined": _attempt("declined"),
    "attempt_pending": _attempt("pending", "the bank takes days to answer"),
    "attempt_unknown": _attempt("without an answer"),
    "attempt_skipped": _attempt("not made"),
    "attempt_refused": _attempt("refused by the guard"),
    "message_sent": _message("sent"),
    "message_unknown": _message("sent, not confirmed"),
    "message_failed": _message("not sent"),
    "message_covered": _message("not sent", "another message of the customer's says it too"),
    "link_opened": _fixed(
        "customer", "opened the update page", "the customer followed the link of a message"
    ),
    "link_used": _fixed(
        "customer", "went on to change the card", "the customer pressed the button of the update page"
    ),
    "customer_promised": _fixed("customer", "promised to pay", "the customer said so on the update page"),
    "customer_cancelled": _fixed("customer", "cancelled", "the customer said so on the update page"),
    "operator_word": lambda data, _: (
        "operator",
        f"{data.get('operator', 'an operator')} said {str(data.get('word', '')).replace('_', ' ')}",
        str(data.get("because") or "no reason was given"),
    ),
    "person_needed": _fixed("person", "a person is needed", "the case cannot go on by itself"),
    "approval_ask": _asked("asked whether the suspension may be made"),
    "approval_remind": _asked("reminded of the question"),
    "approval_escalate": _asked("told that nobody has decided"),
    "approval_default": _fixed("person", "nobody has decided", "the policy says what follows"),
    "access_restricted": _fixed("access", "restricted", "nothing was paid in time"),
    "access_suspended": _fixed("access", "suspended", "nothing was paid in time"),
    "access_full": _fixed("access", "restored", "the invoice is paid"),
    "case_closed": lambda data, _: ("closed", str(data["outcome"]), str(data["because"])),
}
