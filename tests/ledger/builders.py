"""Short ways to write what the ledger is given, and to run the same thing in several threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from recoup.ledger import (
    AttemptCounts,
    AttemptResult,
    AttemptRow,
    Ledger,
    NewCase,
    NewMessage,
    ObservedCharge,
    ReserveAttempt,
    Verdict,
)
from recoup.rules.case import AttemptState, Template, Trigger
from recoup.rules.declines import Decline

T = TypeVar("T")

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
YES = Verdict(allowed=True, because="within the limits")


def after(**span: float) -> datetime:
    """So long after the moment at which the tests begin."""
    return NOW + timedelta(**span)


def a_case(case_id: str = "in_1", **more: Any) -> NewCase:
    """A case that wants to begin; a returning one where its id says so."""
    invoice = case_id.split("/", 1)[0]
    values: dict[str, Any] = {
        "id": case_id,
        "invoice": invoice,
        "number": "ACME-0001",
        "customer": "cus_1",
        "subscription": "sub_1",
        "amount": 4900,
        "currency": "pln",
        "failed_at": NOW,
        "campaign": "everybody",
        "policy_version": "v1",
        "policy": {"name": "everybody", "window_days": 14},
        "rules_version": 1,
        "workflow_id": f"recovery/{case_id}",
        "run_id": "run-1",
        "is_return": "/" in case_id,
    }
    return NewCase(**(values | more))


def an_attempt(invoice: str = "in_1", request: str = "recovery/in_1#1", **more: Any) -> ReserveAttempt:
    """An attempt that wants its number."""
    values: dict[str, Any] = {
        "invoice": invoice,
        "case_id": invoice,
        "request": request,
        "trigger": Trigger.SCHEDULE,
        "payment_method": "pm_1",
        "fingerprint": "card_1",
        "brand": "visa",
        "amount": 4900,
        "currency": "pln",
        "latest_charge": "ch_0",
    }
    return ReserveAttempt(**(values | more))


def a_message(key: str = "in_1/payment_failed", **more: Any) -> NewMessage:
    """A message that wants to be sent."""
    values: dict[str, Any] = {
        "key": key,
        "case_id": "in_1",
        "customer": "cus_1",
        "template": Template.PAYMENT_FAILED,
        "channel": "mail",
        "locale": "pl",
    }
    return NewMessage(**(values | more))


def a_charge(charge: str = "ch_9", **more: Any) -> ObservedCharge:
    """A failed charge that somebody else made."""
    values: dict[str, Any] = {
        "charge": charge,
        "invoice": "in_1",
        "customer": "cus_1",
        "fingerprint": "card_1",
        "brand": "visa",
        "amount": 4900,
        "currency": "pln",
        "failed": True,
        "decline": Decline(code="insufficient_funds", brand="visa"),
    }
    return ObservedCharge(**(values | more))


def declined(charge: str | None = "ch_1", code: str = "insufficient_funds", **more: Any) -> AttemptResult:
    """A refusal."""
    return AttemptResult(
        state=AttemptState.DECLINED, charge=charge, decline=Decline(code=code, brand="visa"), **more
    )


def paid(charge: str = "ch_1") -> AttemptResult:
    """A success."""
    return AttemptResult(state=AttemptState.PAID, charge=charge, payment_intent="pi_1")


def reserved(ledger: Ledger, at: datetime = NOW, **more: Any) -> AttemptRow:
    """A reserved attempt, the case opened first where it is not there."""
    new = an_attempt(**more)
    if ledger.cases.get(new.case_id) is None:
        ledger.cases.open(a_case(new.case_id), at)
    answer = ledger.attempts.reserve(new, at)
    assert answer.attempt is not None
    assert not answer.existing
    return answer.attempt


def counts_of(ledger: Ledger, at: datetime, fingerprint: str | None = "card_1") -> AttemptCounts:
    """What a guard is told about the card at this moment; nothing is reserved."""
    heard: list[AttemptCounts] = []

    def listen(counts: AttemptCounts) -> Verdict:
        heard.append(counts)
        return Verdict(allowed=False, because="only listening")

    if ledger.cases.get("in_listen") is None:
        ledger.cases.open(a_case("in_listen", customer="cus_listen"), at)
    ledger.attempts.reserve(
        an_attempt("in_listen", f"listen/{at.isoformat()}", fingerprint=fingerprint), at, listen
    )
    return heard[-1]


def kinds(ledger: Ledger) -> list[str]:
    """The kinds of all events in order."""
    return [event.kind for event in ledger.events.since(0)]


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """Run ``work`` in so many threads that begin together, and give back what each returned."""
    start = threading.Barrier(count)

    def one(index: int) -> T:
        start.wait()
        return work(index)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))
