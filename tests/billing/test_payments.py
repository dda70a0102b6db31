"""Why an invoice is not paid, as its payments say it: by a charge, or by what kept a charge from being made."""

from __future__ import annotations

from typing import Any

import pytest

from recoup.billing.invoices import Method
from recoup.billing.payments import payments_of
from recoup.rules.declines import read

CARD = Method(id="pm_1", brand="visa", version="pm_1")
FUNDS = {
    "id": "ch_1",
    "status": "failed",
    "created": 1_795_338_000,
    "failure_code": "card_declined",
    "outcome": {"type": "issuer_declined", "reason": "insufficient_funds"},
    "payment_method": "pm_1",
    "payment_method_details": {"type": "card", "card": {"brand": "visa", "fingerprint": "fp_1"}},
}
FAILED_CHALLENGE = {
    "code": "payment_intent_authentication_failure",
    "type": "invalid_request_error",
    "payment_method": {"id": "pm_1", "type": "card", "card": {"brand": "visa"}},
}


def payment(status: str, *, default: bool = True, **intent: Any) -> dict[str, Any]:
    """One payment of an invoice, as Stripe lists it."""
    found = {"id": "pi_1", "status": status, "payment_method": None, "latest_charge": None, **intent}
    return {"is_default": default, "payment": {"type": "payment_intent", "payment_intent": found}}


@pytest.mark.parametrize("charge", [None, FUNDS])
def test_one_that_waits_for_the_customer_asks_for_them(charge: dict[str, Any] | None) -> None:
    """3-D Secure is asked for before there is a charge, at the first attempt or at a later one: only the customer can go on."""
    waiting = payment("requires_action", payment_method="pm_1", latest_charge=charge)
    found = payments_of([waiting])
    decline = found.decline(CARD)
    assert decline is not None
    assert read(decline).needs_authentication
    assert found.tried_with == "pm_1"


def test_a_failed_confirmation_without_a_charge_is_told() -> None:
    """The customer failed the challenge: the intent alone says so, and nothing is tried in silence."""
    failed = payment("requires_payment_method", last_payment_error=FAILED_CHALLENGE)
    decline = payments_of([failed]).decline(CARD)
    assert decline is not None
    assert (decline.code, decline.brand) == ("payment_intent_authentication_failure", "visa")
    assert read(decline).needs_authentication


def test_a_charge_says_it_where_there_is_one() -> None:
    """After a plain refusal the charge's codes count, as ever."""
    refused = payment(
        "requires_payment_method", latest_charge=FUNDS, last_payment_error={"code": "card_declined"}
    )
    decline = payments_of([refused]).decline(CARD)
    assert decline is not None
    assert decline.code == "insufficient_funds"


def test_a_challenge_of_another_card_says_nothing_of_this_one() -> None:
    """On the invoice's page the customer tried another card and left at its challenge: this card's refusal stands."""
    other = payment("requires_action", payment_method="pm_2", latest_charge=FUNDS)
    decline = payments_of([other]).decline(CARD)
    assert decline is not None
    assert decline.code == "insufficient_funds"


def test_a_part_paid_apart_says_nothing() -> None:
    """What waits on a payment that is not the invoice's own holds nothing up."""
    apart = payment("requires_action", default=False, payment_method="pm_1")
    assert payments_of([apart]).decline(CARD) is None
