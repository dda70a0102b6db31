"""3-D Secure through the whole stack over HTTP: nothing is tried in silence, the customer is led to the page that finishes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recoup.demo.cases import Cases
from recoup.demo.driver import Driver
from recoup.demo.run import Cast, cast_of
from recoup.demo.stack import Plan, Stack
from recoup.ledger import CaseRow
from recoup.rules.case import AttemptState, Trigger
from recoup.worlds import load_world
from tests.sweep.stage import at_any_hour

pytestmark = pytest.mark.stack

WORLD = Path(__file__).with_name("three_d_secure.yaml")


def _case(cast: Cast, customer: str) -> CaseRow:
    id_ = cast.seeded.customers[customer]
    return next(row for row in cast.ledger.cases.list_all() if row.customer == id_)


def _told(cast: Cast, address: str) -> list[str]:
    """The templates of the mails to an address, oldest first."""
    mails = sorted(cast.outbox.list(), key=lambda mail: (mail.at, mail.id))
    return [str(mail.template) for mail in mails if mail.to == address]


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {
            "pay_3ds_error": "invoice_payment_intent_requires_action",
            "pay_3ds_status": "requires_action",
        },
        pytest.param(
            {
                "pay_3ds_error": "invoice_payment_intent_requires_action",
                "pay_3ds_type": "invalid_request_error",
                "pay_3ds_status": "requires_action",
            },
            marks=pytest.mark.slow,
        ),
        pytest.param({"pay_3ds_charge": "none"}, marks=pytest.mark.slow),
    ],
    ids=["asked-again", "left-waiting", "no-card-error", "without-a-charge"],
)
async def test_what_needs_the_customer_waits_for_the_customer(
    tmp_path: Path, temporal_binary: Path, switches: dict[str, str]
) -> None:
    """Confirmed is recovered, failed is suspended after its last notice, and a new card's 3-D Secure is asked for at once."""
    plan = Plan(tmp_path / "stack", WORLD, policy=at_any_hour(tmp_path), switches=switches)
    stack, world = Stack(plan), load_world(WORLD)
    try:
        await stack.start()
        async with cast_of(stack, world) as cast:
            await Driver(stack.control, Cases(stack.client), cast.people, cast.until).run()
            assert cast.people.stuck == []
            for customer, person in world.customers.items():
                assert _case(cast, customer).outcome == person.expects, customer
            _nothing_in_silence(cast, await stack.control.requests())
            assert _told(cast, "mary@example.com") == ["authentication_needed", "recovered"]
            assert _told(cast, "mia@example.com") == ["payment_failed", "authentication_needed", "recovered"]
            assert _told(cast, "max@example.com") == [
                *["authentication_needed"] * 3,
                "last_notice",
                "suspended",
            ]
    finally:
        await stack.stop()


def _nothing_in_silence(cast: Cast, requests: list[dict[str, Any]]) -> None:
    """Recoup asked Stripe to charge once only: with the card that the customer had just brought."""
    attempts = {
        key: cast.ledger.attempts.of_invoice(_case(cast, key).invoice) for key in cast.seeded.customers
    }
    assert (attempts["confirms"], attempts["fails"]) == ([], [])
    only = attempts["changes"][0]
    assert (len(attempts["changes"]), only.trigger) == (1, Trigger.CARD_UPDATE)
    assert only.state is AttemptState.DECLINED
    assert only.decline is not None
    paid = [each for each in requests if each["path"].endswith("/pay") and each["key"]]
    assert {each["key"] for each in paid if each["key"].startswith("recoup/")} == {only.key}
