"""A ledger with some of everything: open, voided, disputed, returned, several currencies, attempts, messages."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from recoup.ledger import AttemptResult, Ledger, Verdict
from recoup.rules.case import AttemptState, Outcome, Template, Trigger
from recoup.rules.declines import DeclineClass
from tests.ledger.builders import YES, a_case, a_charge, a_message, an_attempt, declined

BEGIN = datetime(2026, 8, 1, tzinfo=UTC)
END = datetime(2026, 12, 1, tzinfo=UTC)
OUTCOMES = [
    *Outcome,
    Outcome.LOST_SUSPENDED,
    Outcome.LOST_SUSPENDED,
    Outcome.RECOVERED_BY_RETRY,
    Outcome.RECOVERED_BY_RETRY,
    Outcome.RECOVERED_BY_CARD_UPDATE,
]
CODES = ("insufficient_funds", "do_not_honor", "expired_card")


def play(ledger: Ledger, count: int = 48, seed: int = 5) -> None:
    """So many failures over four months; the younger, the more are open."""
    chance = random.Random(seed)
    for number in range(count):
        _case(ledger, chance, f"in_{number}", BEGIN + timedelta(hours=number * 2900 / count))


def _case(ledger: Ledger, chance: random.Random, invoice: str, failed: datetime) -> None:
    who: dict[str, Any] = {
        "customer": f"cus_{invoice}",
        "subscription": f"sub_{invoice}",
        "amount": chance.choice((900, 4900, 4900, 29900)),
        "currency": chance.choice(("pln", "pln", "eur", "usd")),
        "failed_at": failed,
        "campaign": chance.choice(("everybody", "big")),
        "policy_version": "v1" if failed < datetime(2026, 10, 1, tzinfo=UTC) else "v2",
    }
    ledger.cases.open(a_case(invoice, **who), failed)
    code = chance.choice(CODES)
    seen = a_charge(f"ch_{invoice}", invoice=invoice, amount=who["amount"], currency=who["currency"])
    seen = seen.model_copy(update={"decline": declined(code=code).decline, "made_at": failed})
    ledger.attempts.observe(seen, failed)
    asked = failed + timedelta(days=chance.choice((1, 3)))
    closed = failed + timedelta(days=chance.choice((0.5, 2, 4, 9, 13, 20, 30)))
    if asked < closed:
        _tell(ledger, invoice, who["customer"], asked, chance)
    outcome = chance.choice(OUTCOMES)
    if closed > END:
        return
    _attempts(ledger, invoice, failed, closed, outcome, who, chance)
    ledger.cases.close(invoice, outcome, "so it ended", closed)
    if outcome is Outcome.LOST_SUSPENDED and chance.random() < 0.5:
        back = a_case(f"{invoice}/r2", **who)
        ledger.cases.open(back, closed + timedelta(days=5))
        ledger.cases.close(back.id, Outcome.RECOVERED_BY_CARD_UPDATE, "came back", closed + timedelta(days=6))


def _tell(ledger: Ledger, invoice: str, customer: str, at: datetime, chance: random.Random) -> None:
    key = f"{invoice}/payment_failed"
    ledger.messages.reserve(
        a_message(key, case_id=invoice, customer=customer, template=Template.PAYMENT_FAILED, channel="email"),
        at,
    )
    ledger.messages.begin_sending(key, at)
    ledger.messages.mark_sent(key, key, at)
    if chance.random() < 0.1:
        ledger.messages.mark_returned(key, "no such address", at)
    if chance.random() < 0.6:
        link = ledger.links.issue(customer, "update", at + timedelta(days=30), at)
        ledger.links.note_opened(link.id, at + timedelta(hours=2))
        if chance.random() < 0.5:
            ledger.links.note_used(link.id, at + timedelta(hours=3))


def _attempts(
    ledger: Ledger,
    invoice: str,
    failed: datetime,
    closed: datetime,
    outcome: Outcome,
    who: dict[str, Any],
    chance: random.Random,
) -> None:
    at = failed + timedelta(hours=6)
    if chance.random() < 0.2:
        refused = an_attempt(invoice, f"{invoice}#refused", case_id=invoice)
        ledger.attempts.reserve(refused, at, lambda _: Verdict(allowed=False, because="too often"))
    while at + timedelta(days=1) < closed:
        _attempt(ledger, invoice, at, declined(f"ch_{invoice}_{at:%d%H}", chance.choice(CODES)), who)
        at += timedelta(days=chance.choice((1, 2, 5)), hours=chance.choice((1, 7)))
    if outcome is Outcome.RECOVERED_BY_RETRY:
        paid = AttemptResult(state=AttemptState.PAID, charge=f"ch_{invoice}_paid")
        _attempt(ledger, invoice, closed, paid, who)


def _attempt(ledger: Ledger, invoice: str, at: datetime, result: AttemptResult, who: dict[str, Any]) -> None:
    new = an_attempt(
        invoice,
        f"{invoice}#{at.isoformat()}",
        trigger=Trigger.SCHEDULE,
        amount=who["amount"],
        currency=who["currency"],
    )
    made = ledger.attempts.reserve(new, at, lambda _: YES).attempt
    assert made is not None
    ledger.attempts.mark_sent(made.id, at)
    if result.state is AttemptState.DECLINED:
        result = result.model_copy(update={"decline_class": DeclineClass.SOFT})
    ledger.attempts.settle(made.id, result, at)
