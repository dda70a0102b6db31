"""Living beside Stripe's own retries, over HTTP: what is left on, the last look before a charge, and who collected."""

from __future__ import annotations

from datetime import timedelta

import pytest

from activities._collecting import Collector
from activities.stripe_tries import PAYMENT_FAILED
from recoup.policy.file import LoadedPolicy
from recoup.rules.case import AttemptState, Case, Outcome, Trigger
from recoup.rules.policy import Campaign, Policy, Retries, RetryMode
from tests.activities.conftest import Desk

HOUR = timedelta(hours=1)


def under(desk: Desk, mode: RetryMode, cap: int = 15) -> Desk:
    """The desk under a policy of this mode."""
    campaign = Campaign(retries=Retries(mode=mode))
    policy = Policy(version=1, network_cap=cap, campaigns=(campaign,))
    desk.payments.policy = LoadedPolicy(policy=policy, version="test")
    return desk


def coming(desk: Desk, case: Case) -> int | None:
    """When the sandbox's Stripe tries next."""
    found: int | None = desk.stripe.v1.invoices.retrieve(case.invoice).next_payment_attempt
    return found


@pytest.mark.parametrize("mode", [RetryMode.WEAVE, RetryMode.OBSERVE])
def test_stripes_retries_are_left_on_and_known(desk: Desk, mode: RetryMode) -> None:
    """The invoice is not touched, nothing is there to give back, and the case knows Stripe's last and next attempt."""
    case = under(desk, mode).take_up("empty")
    invoice = desk.stripe.v1.invoices.retrieve(case.invoice)
    assert invoice.auto_advance
    assert desk.ledger.invoices.takeover(case.invoice) is None
    assert case.stripe.coming is not None
    assert int(case.stripe.coming.timestamp()) == invoice.next_payment_attempt
    assert case.stripe.last == case.failed_at
    assert desk.run(desk.payments.look, desk.plain(case)).stripe == case.stripe


def test_alone_nothing_is_known_of_stripes_schedule(desk: Desk) -> None:
    """With ``own`` Stripe's schedule ends when the case begins."""
    case = under(desk, RetryMode.OWN).take_up("empty")
    assert coming(desk, case) is None
    assert (case.stripe.last, case.stripe.coming) == (None, None)
    assert desk.run(desk.payments.look, desk.plain(case)).stripe is None


def test_a_scheduled_attempt_is_not_made_beside_stripes(desk: Desk) -> None:
    """Four hours before Stripe's own attempt nothing is sent; twelve hours after it ours goes out."""
    case = under(desk, RetryMode.WEAVE).take_up("empty")
    desk.sandbox.pass_time(hours=19)
    report = desk.attempt(case)
    assert (report.state, report.number) == (AttemptState.SKIPPED, None)
    assert report.stripe is not None
    assert report.stripe.coming == case.stripe.coming
    assert report.not_before == (case.stripe.coming or desk.clock.now()) + 12 * HOUR
    assert "12 hours are kept" in report.because
    assert desk.sandbox.pays(case.invoice) == []
    desk.sandbox.pass_time(hours=18)
    assert desk.attempt(case, "r2").state is AttemptState.DECLINED
    assert len(desk.sandbox.pays(case.invoice)) == 1


@pytest.mark.parametrize("trigger", [Trigger.MANUAL, Trigger.CARD_UPDATE])
def test_what_somebody_asks_for_goes_at_once(desk: Desk, trigger: Trigger) -> None:
    """An operator's attempt and one with a new card do not wait for Stripe."""
    case = under(desk, RetryMode.WEAVE).take_up("empty")
    assert desk.attempt(case, trigger=trigger).state is AttemptState.DECLINED
    assert len(desk.sandbox.pays(case.invoice)) == 1


def test_an_attempt_left_reserved_is_looked_at_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that died after reserving leaves an attempt that may have come near Stripe's: it is given up, and nothing sent."""
    case = under(desk, RetryMode.WEAVE).take_up("empty")
    desk.sandbox.pass_time(hours=40)
    with monkeypatch.context() as patch:
        patch.setattr(Collector, "_begin", lambda *_: pytest.fail("killed"))
        with pytest.raises(BaseException, match="killed"):
            desk.attempt(case)
    desk.sandbox.pass_time(hours=22)
    report = desk.attempt(case)
    assert (report.state, report.number) == (AttemptState.SKIPPED, 1)
    assert report.stripe is not None
    assert report.stripe.coming is not None
    assert desk.sandbox.pays(case.invoice) == []


def test_an_unknown_attempt_is_not_sent_again_beside_stripes(desk: Desk) -> None:
    """An attempt that never arrived would be sent again while its key lives, but not near an attempt of Stripe's."""
    case = under(desk, RetryMode.WEAVE).take_up("empty")
    desk.sandbox.pass_time(hours=45)
    desk.sandbox.fault(fault="refuse_connection", method="POST", path="/v1/invoices/*/pay", count=3)
    assert desk.attempt(case, tries=9).state is AttemptState.UNKNOWN
    sent = len(desk.sandbox.pays(case.invoice))
    desk.sandbox.pass_time(hours=16)
    assert desk.settle(case, 1).state is AttemptState.SKIPPED
    assert len(desk.sandbox.pays(case.invoice)) == sent


@pytest.mark.parametrize(
    ("by_stripe", "outcome"),
    [(True, Outcome.RECOVERED_BY_STRIPE), (False, Outcome.RECOVERED_BY_CUSTOMER)],
)
def test_who_collected_is_told_apart(desk: Desk, by_stripe: bool, outcome: Outcome) -> None:
    """The invoice turns out to be paid before any webhook said so: by Stripe's own retry, or by the customer."""
    case = under(desk, RetryMode.OBSERVE).take_up("short")
    desk.ledger.events.append(
        PAYMENT_FAILED,
        desk.clock.now(),
        invoice=case.invoice,
        customer=case.customer,
        data={"attempt_count": 1},
    )
    if by_stripe:
        desk.sandbox.pass_time(hours=25)
    else:
        desk.stripe.v1.invoices.pay(case.invoice)
    assert desk.run(desk.payments.look, desk.plain(case)).ended is outcome
    assert desk.attempt(case, trigger=Trigger.MANUAL).ended is outcome


@pytest.mark.parametrize("trigger", [Trigger.SCHEDULE, Trigger.MANUAL])
def test_the_operators_cap_counts_what_stripe_charged(desk: Desk, trigger: Trigger) -> None:
    """A cap of one is used up by the failed renewal, which no webhook has told of: nothing is sent, and the moment is named."""
    case = under(desk, RetryMode.OWN, cap=1).take_up("empty")
    report = desk.attempt(case, trigger=trigger)
    assert (report.state, report.number) == (AttemptState.SKIPPED, None)
    assert "the operator's own cap" in report.because
    assert report.not_before == case.failed_at + timedelta(days=30, minutes=1)
    assert desk.sandbox.pays(case.invoice) == []
    under(desk, RetryMode.OWN, cap=2)
    assert desk.attempt(case, "r2", trigger).state is AttemptState.DECLINED
