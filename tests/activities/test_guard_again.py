"""The guard stands in front of every request, not of every reservation: what is sent late or again is asked about anew."""

from __future__ import annotations

from datetime import timedelta

import pytest

from activities._collecting import Collector
from recoup.ledger import AttemptRow
from recoup.rules.case import AttemptState, Case, Trigger
from recoup.rules.declines import Decline
from tests.activities.conftest import Desk
from tests.ledger.builders import a_charge

PAY = "/v1/invoices/*/pay"
NEVER = Decline(code="do_not_honor", network_decline_code="14", brand="visa")
FUNDS = Decline(code="insufficient_funds", network_decline_code="51", brand="visa")


def unanswered(desk: Desk) -> tuple[Case, AttemptRow]:
    """A case whose attempt never reached Stripe, for all that is known."""
    case = desk.take_up("short")
    desk.sandbox.fault(fault="refuse_connection", method="POST", path=PAY, count=3)
    assert desk.attempt(case, tries=9).state is AttemptState.UNKNOWN
    (row,) = desk.ledger.attempts.of_invoice(case.invoice)
    return case, row


def refused_elsewhere(desk: Desk, row: AttemptRow, decline: Decline, times: int = 1) -> None:
    """The same card was refused for another debt: a webhook tells of it."""
    for number in range(times):
        charge = a_charge(f"ch_{row.id}_{number}", fingerprint=row.fingerprint, decline=decline)
        desk.ledger.attempts.observe(
            charge.model_copy(update={"made_at": desk.clock.now()}), desk.clock.now()
        )


def is_not_sent_again(desk: Desk, case: Case) -> None:
    """Reading alone decides, and the attempt is free to be made again as far as the guard allows."""
    sent = len(desk.sandbox.pays(case.invoice))
    assert desk.settle(case, 1).state is AttemptState.UNKNOWN
    desk.sandbox.pass_time(minutes=11)
    assert desk.settle(case, 1).state is AttemptState.SKIPPED
    assert len(desk.sandbox.pays(case.invoice)) == sent


def test_an_unanswered_attempt_is_not_sent_again_after_a_final_no(desk: Desk) -> None:
    """Meanwhile the card's bank said "never" about another debt: the key is young, and yet nothing goes out."""
    case, row = unanswered(desk)
    refused_elsewhere(desk, row, NEVER)
    is_not_sent_again(desk, case)
    report = desk.attempt(case, "r2", Trigger.MANUAL)
    assert (report.state, report.not_before) == (AttemptState.SKIPPED, None)
    assert "never" in report.because


def test_an_unanswered_attempt_is_not_sent_again_above_the_limit(desk: Desk) -> None:
    """Meanwhile others have used the card up: the request would be one too many."""
    case, row = unanswered(desk)
    refused_elsewhere(desk, row, FUNDS, times=15)
    is_not_sent_again(desk, case)


def test_it_does_not_stand_in_its_own_way(desk: Desk) -> None:
    """With room for one it is that one, however often it is sent."""
    case, row = unanswered(desk)
    refused_elsewhere(desk, row, FUNDS, times=13)
    assert desk.settle(case, 1).state is AttemptState.PAID


def test_one_left_reserved_is_asked_about_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker died between the reservation and the request; what the card has heard since then counts."""
    case = desk.take_up("short")
    with monkeypatch.context() as patch:
        patch.setattr(Collector, "_begin", lambda *_: pytest.fail("killed"))
        with pytest.raises(BaseException, match="killed"):
            desk.attempt(case)
    (row,) = desk.ledger.attempts.of_invoice(case.invoice)
    desk.sandbox.pass_time(minutes=1)
    refused_elsewhere(desk, row, NEVER)
    report = desk.attempt(case)
    assert (report.state, report.number) == (AttemptState.SKIPPED, 1)
    assert "never" in report.because
    assert desk.sandbox.pays(case.invoice) == []


def test_it_is_not_sent_again_with_a_card_that_was_replaced(desk: Desk) -> None:
    """The customer has brought another card since: the old one is left alone, and the new one is another attempt."""
    case, row = unanswered(desk)
    api = desk.stripe.v1
    new = api.payment_methods.attach("pm_card_visa", {"customer": case.customer})
    api.customers.update(case.customer, {"invoice_settings": {"default_payment_method": new.id}})
    is_not_sent_again(desk, case)
    report = desk.attempt(case, "r2", Trigger.CARD_UPDATE)
    assert (report.state, report.payment_method) == (AttemptState.PAID, new.id)
    assert new.id != row.payment_method
    assert desk.clock.now() - row.reserved_at < timedelta(hours=1)
