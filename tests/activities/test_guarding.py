"""The network guard over a real ledger: what counts for a card, and what for a bank debit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from activities._guarding import network_guard, recognised
from activities.contracts import AttemptOrder, Decision
from recoup.billing import ChargeState, InvoiceState
from recoup.billing.invoices import Method
from recoup.ledger import AttemptRow, Ledger, Reservation
from recoup.rules.case import Trigger
from recoup.rules.declines import Decline
from recoup.rules.money import Money
from recoup.rules.steps import Step, StepKind
from tests.ledger.builders import NOW, a_case, a_charge, an_attempt, declined

FUNDS = Decline(code="insufficient_funds", method_type="sepa_debit")
SEPA = Method(id="pm_1", type="sepa_debit", fingerprint="account_1", version="pm_1")
RENEWED = Method(id="pm_2", type="sepa_debit", fingerprint="account_1", version="pm_2")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with one open case."""
    ledger = Ledger.connect(f"sqlite:///{tmp_path / 'ledger.db'}")
    ledger.migrate()
    ledger.cases.open(a_case("in_1"), NOW)
    yield ledger
    ledger.close()


def reserve(
    ledger: Ledger,
    request: str,
    at: datetime,
    *,
    method: Method = SEPA,
    trigger: Trigger = Trigger.SCHEDULE,
    decline: Decline = FUNDS,
    by_stripe: int = 1,
    others: tuple[ChargeState, ...] = (ChargeState(id="ch_0", status="failed", at=NOW),),
) -> Reservation:
    """Reserve an attempt through the guard, the debt first refused at NOW."""
    method = recognised(method, others)
    decision = Decision(
        at=at, step=Step(kind=StepKind.ATTEMPT, due_at=at, because="a test"), known={}, rules_version=1
    )
    due = Money(amount=4900, currency="usd")
    order = AttemptOrder(
        case_id="in_1", invoice="in_1", customer="cus_1", subscription=None, request=request, decision=decision,
        trigger=trigger, due=due, decline=decline,
    )  # fmt: skip
    state = InvoiceState(
        id="in_1", status="open", remaining=due, customer="cus_1", attempt_count=by_stripe, method=method
    )
    new = an_attempt(
        "in_1",
        request,
        trigger=trigger,
        payment_method=method.id,
        fingerprint=method.fingerprint,
        brand=method.brand,
    )
    return ledger.attempts.reserve(new, at, network_guard(order, state, method, others, 15))


def refuse(ledger: Ledger, row: AttemptRow | None, at: datetime) -> None:
    """Settle a reserved attempt as declined."""
    assert row is not None
    ledger.attempts.settle(row.id, declined(f"ch_{row.number}"), at)


def present(ledger: Ledger, count: int, **more: object) -> datetime:
    """Present the debt so many times, a day apart, all refused; the day after the last."""
    for number in range(count):
        at = NOW + timedelta(days=number + 1)
        reservation = reserve(ledger, f"r{number}", at, **more)  # type: ignore[arg-type]  # names of reserve's own
        refuse(ledger, reservation.attempt, at)
    return NOW + timedelta(days=count + 1)


def refusal(reservation: Reservation) -> str:
    """Why the guard refused for good."""
    assert reservation.attempt is None
    assert reservation.refused is not None
    assert reservation.refused.not_before is None
    return reservation.refused.because


def test_a_debit_is_presented_twice_more_and_not_again(ledger: Ledger) -> None:
    """Stripe's first presentation and two of ours: the fourth is refused, also where an operator asks for it."""
    at = present(ledger, 2)
    for trigger in (Trigger.SCHEDULE, Trigger.MANUAL):
        assert "3 times at most" in refusal(reserve(ledger, f"once more/{trigger}", at, trigger=trigger))


def test_stripes_own_repetitions_count(ledger: Ledger) -> None:
    """Where Stripe has presented the debit three times itself nothing is left for us."""
    assert "3 times at most" in refusal(reserve(ledger, "r", NOW + timedelta(days=9), by_stripe=3))


def test_a_new_account_begins_its_own_count(ledger: Ledger) -> None:
    """What Stripe tried with the old method does not count against an account that the customer gave since."""
    other = Method(id="pm_9", type="sepa_debit", fingerprint="account_9", version="pm_9")
    at = NOW + timedelta(days=2)
    first = reserve(ledger, "update", at, method=other, trigger=Trigger.CARD_UPDATE, by_stripe=8)
    refuse(ledger, first.attempt, at)
    assert reserve(ledger, "again", at + timedelta(days=2), method=other, by_stripe=8).attempt is not None


def test_the_same_account_given_again_keeps_its_count(ledger: Ledger) -> None:
    """A new mandate for the same account does not give new presentations of the same debt."""
    at = present(ledger, 2)
    again = reserve(ledger, "new mandate", at, method=RENEWED, trigger=Trigger.CARD_UPDATE)
    assert "3 times at most" in refusal(again)


def test_a_final_return_holds_until_there_is_a_new_mandate(ledger: Ledger) -> None:
    """After AC04 the method is refused, whoever asks; a mandate given since may be tried."""
    closed = FUNDS.model_copy(update={"network_decline_code": "AC04"})
    at = NOW + timedelta(days=1)
    assert "return AC04" in refusal(reserve(ledger, "manual", at, trigger=Trigger.MANUAL, decline=closed))
    renewed = reserve(ledger, "new", at, method=RENEWED, trigger=Trigger.CARD_UPDATE, decline=closed)
    assert renewed.attempt is not None


def test_what_a_card_said_does_not_bind_a_debit(ledger: Ledger) -> None:
    """The decline of another kind of method says nothing about this one."""
    stolen = Decline(code="stolen_card", advice_code="do_not_try_again")
    assert reserve(ledger, "r", NOW + timedelta(days=1), decline=stolen).attempt is not None


def test_debits_of_other_debts_do_not_count(ledger: Ledger) -> None:
    """A bank account that pays for several subscriptions has its presentations counted for each debt alone."""
    for number in range(5):
        name = f"in_other_{number}"
        ledger.cases.open(a_case(name), NOW)
        new = an_attempt(name, name, payment_method="pm_1", fingerprint="account_1", brand=None)
        refuse(ledger, ledger.attempts.reserve(new, NOW).attempt, NOW)
    assert reserve(ledger, "r", NOW + timedelta(days=1)).attempt is not None


def test_a_card_answers_for_everything_it_has_seen(ledger: Ledger) -> None:
    """Fifteen attempts on one card for other debts leave none for this one before the month is over."""
    card = Method(id="pm_1", type="card", brand="visa", fingerprint="card_1", version="pm_1")
    for number in range(15):
        name = f"in_other_{number}"
        ledger.cases.open(a_case(name), NOW)
        refuse(ledger, ledger.attempts.reserve(an_attempt(name, name), NOW).attempt, NOW)
    refused = reserve(ledger, "r", NOW + timedelta(days=1), method=card).refused
    assert refused is not None
    assert refused.not_before == NOW + timedelta(days=30)


def test_a_card_without_a_fingerprint_answers_for_all_its_debts(ledger: Ledger) -> None:
    """Nothing tells which card it is: what its method has seen counts, for whatever debt, and its final no is kept to."""
    nameless = Method(id="pm_1", type="card", brand="visa", version="pm_1")
    for number in range(15):
        name = f"in_other_{number}"
        ledger.cases.open(a_case(name), NOW)
        new = an_attempt(name, name, payment_method="pm_1", fingerprint="pm_1")
        refuse(ledger, ledger.attempts.reserve(new, NOW).attempt, NOW)
    at, later = NOW + timedelta(days=1), NOW + timedelta(days=60)
    refused = reserve(ledger, "manual", at, method=nameless, trigger=Trigger.MANUAL).refused
    assert refused is not None
    assert refused.not_before == NOW + timedelta(days=30)
    never = Decline(code="do_not_honor", advice_code="do_not_try_again", brand="visa")
    ledger.attempts.observe(a_charge("ch_never", fingerprint="pm_1", decline=never), at)
    assert "never" in refusal(reserve(ledger, "later", later, method=nameless))


def test_a_card_without_a_fingerprint_is_known_by_its_charges(ledger: Ledger) -> None:
    """An old source says nothing of its card, but the charge that was refused does: the whole card's past counts."""
    source = Method(id="card_old", type="card", version="card_old")
    at = NOW + timedelta(hours=1)
    for number in range(10):
        seen = a_charge(f"ch_{number}", fingerprint="card_1", brand="mastercard", decline=None)
        ledger.attempts.observe(seen.model_copy(update={"made_at": NOW}), at)
    shown = ChargeState(
        id="ch_0", status="failed", at=NOW, method="card_old", brand="mastercard", fingerprint="card_1"
    )
    refused = reserve(ledger, "r", at, method=source, others=(shown,)).refused
    assert refused is not None
    assert refused.not_before == NOW + timedelta(hours=24, minutes=1)


def test_stripes_own_presentations_to_a_new_account_count(ledger: Ledger) -> None:
    """Where Stripe's retries are left on it presents the debt to the new account too: three in all, whoever presents."""
    other = Method(id="pm_9", type="sepa_debit", fingerprint="account_9", version="pm_9")
    at = NOW + timedelta(days=2)
    first = reserve(ledger, "update", at, method=other, trigger=Trigger.CARD_UPDATE)
    refuse(ledger, first.attempt, at)
    by_stripe = tuple(
        ChargeState(id=f"ch_{day}", status="failed", at=at + timedelta(days=day), method="pm_9")
        for day in (1, 2)
    )
    again = reserve(ledger, "again", at + timedelta(days=3), method=other, others=by_stripe)
    assert "3 times at most" in refusal(again)
