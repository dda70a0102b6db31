"""Planning over real parts: from what Stripe says of an invoice to the moment of its next attempt."""

from __future__ import annotations

from datetime import timedelta

from recoup.policy.file import LoadedPolicy
from recoup.rules.case import PlannedAttempt
from recoup.rules.policy import Campaign, Policy, Retries, RetryMode, Timing
from tests.activities.conftest import Desk


def under(desk: Desk, retries: Retries) -> Desk:
    """The desk under a policy with these retries."""
    policy = Policy(version=1, campaigns=(Campaign(retries=retries),))
    desk.payments.policy = LoadedPolicy(policy=policy, version="test")
    return desk


def looked(desk: Desk, retries: Retries) -> PlannedAttempt | None:
    case = under(desk, retries).take_up("empty")
    planned: PlannedAttempt | None = desk.run(desk.payments.look, desk.plain(case)).planned
    return planned


def test_a_look_plans_the_next_attempt(desk: Desk) -> None:
    """The moment lies in the window, after the bank's wish, and comes with its chance and its reason."""
    planned = looked(desk, Retries(timing=Timing.PLANNED))
    assert planned is not None
    assert planned.at is not None
    assert timedelta(hours=18) < planned.at - desk.clock.now() < timedelta(days=14)
    assert 0 < planned.expected < 1
    assert planned.because.endswith("expected")


def test_another_refusal_makes_another_plan(desk: Desk) -> None:
    """After an attempt was refused the next look sees both refusals, and plans for later than the gap after it."""
    case = under(desk, Retries(timing=Timing.PLANNED)).take_up("empty")
    first = desk.run(desk.payments.look, desk.plain(case)).planned
    desk.sandbox.pass_time(hours=72)
    desk.attempt(case)
    second = desk.run(desk.payments.look, desk.plain(case, "again")).planned
    assert second.at - desk.clock.now() > timedelta(hours=18)
    assert (second.at, second.expected) != (first.at, first.expected)


def test_no_attempt_is_planned_beyond_the_budget(desk: Desk) -> None:
    """A campaign with one attempt has none left to plan after it was made."""
    case = under(desk, Retries(timing=Timing.PLANNED, after_days=(1,))).take_up("empty")
    desk.sandbox.pass_time(hours=30)
    desk.attempt(case)
    planned = desk.run(desk.payments.look, desk.plain(case)).planned
    assert (planned.at, planned.because) == (None, "no attempt is left")


def test_nothing_is_planned_where_the_policy_does_not_ask(desk: Desk) -> None:
    """Fixed days, and a policy that leaves the retries to Stripe, get no plan."""
    assert looked(desk, Retries()) is None
    desk.fail_renewals()
    assert looked(desk, Retries(timing=Timing.PLANNED, mode=RetryMode.OBSERVE)) is None
