"""Eight workers at once on one card: the networks' limits are never overshot by one, on either database.

Each thread has a connection pool of its own, as a process would; invoices, customers and currencies differ, the card does not.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from activities._collecting import Collector
from activities.contracts import AttemptOrder, TakeUp
from recoup.ledger import AttemptCounts, Ledger, Verdict
from recoup.ledger._store import Transaction
from recoup.rules.case import AttemptState, Case, Trigger
from recoup.rules.networks import may_attempt
from tests.activities.conftest import _PEOPLE, Desk, _next_set
from tests.ledger.builders import NOW, a_case, a_charge, after, an_attempt, at_once

WORKERS = 8
ROUNDS = 12
CURRENCIES = ("usd", "eur", "pln", "gbp")
LIMITS = {"visa": 15, "mastercard": 10}
"""The default cap in 30 days; Mastercard's ten in 24 hours come first."""


@pytest.fixture
def workers(ledger_url: str) -> Iterator[list[Ledger]]:
    """A ledger for each worker, all over one database."""
    with ExitStack() as stack:
        ledgers = [Ledger.connect(ledger_url) for _ in range(WORKERS)]
        for ledger in ledgers:
            stack.callback(ledger.close)
        yield ledgers


def guard_of(brand: str) -> Callable[[AttemptCounts], Verdict]:
    """The real rules, asked by somebody who is slow."""

    def guard(counts: AttemptCounts) -> Verdict:
        time.sleep(0.003)
        said = may_attempt(brand, counts.attempts, None, counts.at)
        return Verdict(allowed=said.allowed, because=said.because, not_before=said.not_before)

    return guard


def race(workers: list[Ledger], round_: int, brand: str, free: int) -> int:
    """All workers reserve at once on a card that has this much room left; how many were let through."""
    card = f"card_{brand}_{round_}"
    for number in range(LIMITS[brand] - free):
        charge = a_charge(f"ch_{card}_{number}", fingerprint=card, brand=brand, decline=None)
        workers[0].attempts.observe(charge.model_copy(update={"made_at": after(hours=-1)}), NOW)

    def act(worker: int) -> bool:
        invoice = f"in_{card}_{worker}"
        currency = CURRENCIES[worker % len(CURRENCIES)]
        case = a_case(invoice, customer=f"cus_{card}_{worker}", currency=currency)
        workers[worker].cases.open(case, NOW)
        new = an_attempt(invoice, invoice, fingerprint=card, brand=brand, currency=currency)
        return workers[worker].attempts.reserve(new, NOW, guard_of(brand)).attempt is not None

    return sum(at_once(WORKERS, act))


@pytest.mark.parametrize("brand", LIMITS)
def test_a_card_is_never_overshot(workers: list[Ledger], brand: str) -> None:
    """With room for one, for three, or for none, exactly so many of eight get through, in every round."""
    rooms = [(1, 3, 0)[round_ % 3] for round_ in range(ROUNDS)]
    assert [race(workers, round_, brand, free) for round_, free in enumerate(rooms)] == rooms


def test_without_its_transaction_the_ledger_would_be_overshot(
    workers: list[Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof bites: with the card's lock (PostgreSQL) or the write transaction (SQLite) taken out, more get through."""
    for worker in workers:
        store = worker.attempts._store
        if store.engine.dialect.name == "sqlite":
            # Ended as soon as it has begun: each statement then stands for itself.
            sa.event.listen(store.engine, "begin", lambda conn: conn.exec_driver_sql("COMMIT"))
    monkeypatch.setattr(Transaction, "lock", lambda self, names: None)
    assert max(race(workers, round_, "visa", 1) for round_ in range(ROUNDS)) > 1


def test_eight_collectors_on_one_card_charge_as_often_as_allowed(desk: Desk) -> None:
    """Eight customers owe with the same card and are collected from at once: Stripe is asked as often as the guard has room."""
    room, card = 3, f"empty_{next(_next_set)}"
    people = [desk._subscribed(card, _PEOPLE["empty"]) for _ in range(WORKERS)]
    desk.sandbox.pass_time(hours=2)
    cases = [taken_up(desk, person["customer"]) for person in people]
    (fingerprint,) = {fingerprint_of(desk, person["payment_method"]) for person in people}
    for case in cases:
        # Stripe's own charge, of which a webhook tells.
        (first,) = desk.stripe.v1.charges.list({"customer": case.customer}).data
        made = a_charge(first.id, invoice=case.id, fingerprint=fingerprint, made_at=desk.clock.now())
        desk.ledger.attempts.observe(made, desk.clock.now())
    collectors = [Collector(desk.stripe, desk.ledger, desk.clock, cap=WORKERS + room) for _ in range(WORKERS)]

    def collect(worker: int) -> AttemptState:
        order = AttemptOrder(
            **desk.common(cases[worker], f"r{worker}"), trigger=Trigger.SCHEDULE, due=cases[worker].due
        )
        return AttemptState(desk.run(collectors[worker].collect, order).state)

    states = Counter(at_once(WORKERS, collect))
    assert states == {AttemptState.DECLINED: room, AttemptState.SKIPPED: WORKERS - room}
    assert sum(len(desk.sandbox.pays(case.invoice)) for case in cases) == room
    refused = [event for event in desk.ledger.events.since(0) if event.kind == "attempt_refused"]
    assert len(refused) == WORKERS - room
    assert all(event.data["not_before"] > desk.clock.now().isoformat() for event in refused)


def taken_up(desk: Desk, customer: str) -> Case:
    """The case of a customer's failed renewal."""
    invoice = desk.stripe.v1.invoices.list({"customer": customer, "status": "open"}).data[0].id
    order = TakeUp(
        invoice=invoice,
        at=desk.clock.now(),
        return_number=1,
        workflow_id=f"recovery/{invoice}",
        run_id="run-1",
    )
    case: Case = desk.run(desk.payments.take_up, order).case
    return case


def fingerprint_of(desk: Desk, method: str) -> str:
    """The fingerprint of a method's card."""
    return str(desk.stripe.v1.payment_methods.retrieve(method).card.fingerprint)
