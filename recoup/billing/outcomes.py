"""What Stripe's answers mean for a case: declines from errors and charges, and invoices that have ended."""

from __future__ import annotations

from typing import Any

from stripe import CardError, StripeClient

from recoup.billing.invoices import ChargeState, InvoiceState, charge_state, object_of
from recoup.rules.case import Outcome
from recoup.rules.declines import Decline


def decline_of_error(error: CardError) -> Decline:
    """The decline in a refused ``invoices.pay``: the error carries every code there is."""
    return decline_of_refusal(_body(error))


def read_decline(client: StripeClient, error: CardError) -> Decline:
    """The decline in a refused ``invoices.pay``, read from its charge where the error leaves open who refused.

    Only the charge tells of a block of Stripe's own, and over which of its networks a card with two of them was charged. Where it
    cannot be read now the whole attempt is found out by reading later.
    """
    told, charge = decline_of_error(error), charge_of_error(error)
    if charge is None or not leaves_open(error):
        return told
    seen = charge_state(client.v1.charges.retrieve(charge).to_dict()).decline
    return _joined(told, seen) if seen is not None else told


def _joined(told: Decline, seen: Decline) -> Decline:
    """What the error and its charge say together: the error's code, save where only the charge knows of a block."""
    codes = ("advice_code", "network_decline_code", "network_advice_code")
    more: dict[str, str | None] = {name: getattr(told, name) or getattr(seen, name) for name in codes}
    more |= {"kind": seen.kind, "brand": seen.brand or told.brand}
    return told.model_copy(update=more | ({"code": seen.code} if seen.kind == "blocked" else {}))


def leaves_open(error: CardError) -> bool:
    """Whether nothing in the error comes from a network, or several networks could have answered."""
    told, method = decline_of_error(error), object_of(_body(error).get("payment_method"))
    if told.method_type != "card":
        return False
    if told.network_decline_code is None and told.advice_code is None:
        return True
    networks = ((method.get("card") or {}).get("networks") or {}).get("available") or ()
    return len(networks) > 1


def decline_of_refusal(body: dict[str, Any]) -> Decline:
    """The decline in an error object: the one of an answer, or the one that a payment intent keeps."""
    method = object_of(body.get("payment_method"))
    kind = body.get("payment_method_type") or method.get("type") or "card"
    card = method.get(kind) or {}
    return Decline(
        code=body.get("decline_code") or body.get("code") or "generic_decline",
        advice_code=body.get("advice_code"),
        network_decline_code=body.get("network_decline_code"),
        network_advice_code=body.get("network_advice_code"),
        brand=card.get("brand"),
        method_type=kind,
    )


def charge_of_error(error: CardError) -> str | None:
    """The failed charge that a refused attempt left."""
    body = _body(error)
    return object_of(body.get("charge")).get("id") if body.get("charge") else None


def _body(error: CardError) -> dict[str, Any]:
    return ((error.json_body or {}).get("error") or {}) if isinstance(error.json_body, dict) else {}


def decline_of_charge(charge: ChargeState | None) -> Decline | None:
    """The decline of an invoice's latest charge; ``None`` where nothing was ever charged."""
    return charge.decline if charge else None


def ended_as(state: InvoiceState) -> tuple[Outcome, str] | None:
    """The outcome of an invoice that has ended without us, and why; ``None`` while it is still to be collected."""
    if state.credited:
        return Outcome.CLOSED_VOIDED, "the invoice was credited in full"
    if state.status == "paid":
        if state.paid_off_stripe:
            return Outcome.RECOVERED_OUTSIDE, "the invoice was paid outside Stripe"
        return Outcome.RECOVERED_BY_CUSTOMER, "the invoice was already paid when it was read"
    if state.status == "void":
        return Outcome.CLOSED_VOIDED, "the invoice was voided"
    if state.status == "uncollectible":
        return Outcome.CLOSED_UNCOLLECTIBLE, "the invoice was marked as uncollectible"
    if state.subscription_status in ("canceled", "incomplete_expired"):
        return Outcome.LOST_CANCELLED, "the subscription had been cancelled"
    if state.remaining.amount <= 0:
        return Outcome.CLOSED_VOIDED, "nothing is owed on the invoice any more"
    if state.status != "open":
        return Outcome.CLOSED_EXCLUDED, f"the invoice is {state.status}"
    return None
