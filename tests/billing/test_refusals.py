"""Which network refused, and which card it was, where Stripe tells it in another place than usual."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from stripe import CardError

from recoup.billing.invoices import method_of, read_invoice
from recoup.billing.outcomes import read_decline
from recoup.rules.declines import forbidden

REFUSED = {"decline_code": "do_not_honor", "network_decline_code": "05", "network_advice_code": "03"}
CHARGE = {
    "id": "ch_1",
    "status": "failed",
    "created": 1_795_338_000,
    "outcome": {"type": "issuer_declined", "reason": "do_not_honor", "network_advice_code": "03"},
    "payment_method": "pm_1",
    "payment_method_details": {
        "type": "card",
        "card": {"brand": "cartes_bancaires", "network": "mastercard", "fingerprint": "fp_1"},
    },
}


class Stripe:
    """Answers with one object, whatever is asked for, and remembers what that was."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.asked: list[Any] = []
        self.v1 = SimpleNamespace(charges=self, invoices=self)
        self._answer = answer

    def retrieve(self, *asked: Any) -> Stripe:
        self.asked.append(asked)
        return self

    def to_dict(self) -> dict[str, Any]:
        return self._answer


def refusal(networks: list[str], **codes: str) -> CardError:
    """What a refused ``invoices.pay`` raises, of a card with these networks."""
    card = {"brand": "cartes_bancaires", "networks": {"available": networks, "preferred": None}}
    method = {"id": "pm_1", "type": "card", "card": card}
    error = {"code": "card_declined", "charge": "ch_1", "payment_method": method, **codes}
    make: Any = CardError
    refused: CardError = make("declined", "", "card_declined", json_body={"error": error})
    return refused


def test_a_card_of_two_networks_is_read_by_the_one_that_answered() -> None:
    """Mastercard's 03 counts on a card that is Cartes Bancaires first: only the charge says over which network it went."""
    stripe: Any = Stripe(CHARGE)
    decline = read_decline(stripe, refusal(["cartes_bancaires", "mastercard"], **REFUSED))
    assert decline.brand == "mastercard"
    assert forbidden(decline)


def test_the_error_keeps_its_own_code() -> None:
    """A charge that says less than the error does not make the refusal a vague one."""
    vague = {**CHARGE, "outcome": {"type": "issuer_declined", "reason": "generic_decline"}}
    decline = read_decline(
        cast("Any", Stripe(vague)), refusal(["visa"], decline_code="authentication_required")
    )
    assert (decline.code, decline.kind) == ("authentication_required", "issuer_declined")


@pytest.mark.parametrize(
    "codes", [REFUSED, {"decline_code": "do_not_honor", "advice_code": "do_not_try_again"}]
)
def test_what_the_error_tells_is_not_asked_for_again(codes: dict[str, str]) -> None:
    """A card of one network, and a code or advice of somebody's: nothing more is read."""
    stripe: Any = Stripe(CHARGE)
    assert read_decline(stripe, refusal(["cartes_bancaires"], **codes)).code == "do_not_honor"
    assert stripe.asked == []


def test_an_old_card_object_tells_its_own_brand_and_number() -> None:
    """What the customer's ``default_source`` is, where it is no payment method: counted with every other object of the same card."""
    old = {"id": "card_1", "object": "card", "brand": "MasterCard", "fingerprint": "fp_1", "exp_year": 2030, "exp_month": 4, "last4": "4444"}  # fmt: skip
    method = method_of(old)
    assert (method.type, method.brand, method.fingerprint) == ("card", "mastercard", "fp_1")
    invoice = {"id": "in_1", "currency": "eur", "customer": {"id": "cus_1", "default_source": old}}
    stripe: Any = Stripe(invoice)
    assert read_invoice(stripe, "in_1").method == method
    assert "customer.default_source" in stripe.asked[0][1]["expand"]
