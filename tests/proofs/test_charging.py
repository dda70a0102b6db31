"""What counts for the networks although the schedule does not pay for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import stripe

from recoup.rules.case import AttemptState, Trigger
from tests.activities.conftest import Desk
from tests.ledger.builders import counts_of


@pytest.mark.parametrize("trigger", [Trigger.SCHEDULE, Trigger.MANUAL, Trigger.CARD_UPDATE])
def test_every_attempt_counts_for_the_networks(desk: Desk, trigger: Trigger) -> None:
    """Whoever asked for the attempt, the card has one more against its limits, told by webhook as well or not."""
    case = desk.take_up("empty")
    method = desk.stripe.v1.payment_methods.retrieve(desk.customers["empty"]["payment_method"])
    before = len(counts_of(desk.ledger, desk.clock.now(), method.card.fingerprint).attempts)
    assert desk.attempt(case, f"r-{trigger}", trigger).state is AttemptState.DECLINED
    later = desk.clock.now() + timedelta(minutes=1)
    after = counts_of(desk.ledger, later, method.card.fingerprint).attempts
    # The attempt reads Stripe's own first charge too, which no webhook has told.
    assert len(after) == before + 2


def test_every_charge_of_a_payment_counts_though_no_webhook_told_of_it(desk: Desk) -> None:
    """Three refusals on one payment intent, of which only the latest can be read from the invoice, all count before ours is sent."""
    case = desk.take_up("empty")
    method = desk.stripe.v1.payment_methods.retrieve(desk.customers["empty"]["payment_method"])
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            desk.stripe.v1.invoices.pay(case.invoice, {"payment_method": method.id})
    desk.payments.policy = desk.payments.policy.model_copy(
        update={"policy": desk.payments.policy.policy.model_copy(update={"network_cap": 3})}
    )
    report = desk.attempt(case)
    assert (report.state, len(desk.sandbox.pays(case.invoice))) == (AttemptState.SKIPPED, 2)
    assert report.not_before is not None
    assert len(counts_of(desk.ledger, desk.clock.now(), method.card.fingerprint).attempts) == 3
