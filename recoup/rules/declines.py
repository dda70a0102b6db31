"""Declines: why an attempt failed, which class that is, and how long to leave the bank alone.

Sources: Stripe "Decline codes" (docs.stripe.com/declines/codes), Stripe "Smart Retries" (docs.stripe.com/billing/
revenue-recovery/smart-retries, the list it never retries by itself), Mastercard merchant advice codes as published by
acquirers (developer.paypal.com/braintree, docs.solidgate.com), Visa decline categories (checkout.com and
developers.tabapay.com, Visa response codes). The classes are Recoup's own reading of them.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from recoup.rules._decline_codes import ADVICE_NEVER, CODES, MASTERCARD_ADVICE, VISA_NEVER, CodeRow
from recoup.rules.base import Wire


class DeclineClass(StrEnum):
    """What kind of no it was."""

    HARD = "hard"
    """This payment method will not work again; the customer must bring another."""
    SOFT = "soft"
    """A later attempt may succeed."""
    ACTION = "action"
    """The customer must do something first: authenticate, correct the card's data."""
    FRAUD = "fraud"
    """As hard, and the reason is never told to the customer."""
    CONFIG = "config"
    """Something of the merchant's own set-up is in the way."""


class Decline(Wire):
    """Why an attempt failed, in Stripe's and the networks' codes."""

    code: str = "generic_decline"
    """``decline_code``, or the error code where there is none."""
    advice_code: str | None = None
    network_decline_code: str | None = None
    network_advice_code: str | None = None
    kind: str | None = None
    """``outcome.type``: issuer_declined, blocked, invalid."""
    brand: str | None = None
    """The card network that answered; its codes mean nothing without it."""
    method_type: str = "card"


class Reading(Wire):
    """What a decline means for the case."""

    decline_class: DeclineClass
    wait: timedelta
    """How long no attempt with the same method should follow; zero where nobody asked for a pause."""
    needs_authentication: bool = False
    because: str


AUTHENTICATION_CODES = frozenset(
    {
        "authentication_required",
        "authentication_not_handled",
        "invoice_payment_intent_requires_action",
        "payment_intent_authentication_failure",
        "payment_intent_action_required",
    }
)

_DEFAULT = CodeRow("soft", 24, "an unknown answer; treated as a passing refusal")


def read(decline: Decline) -> Reading:
    """Classify a decline. The strictest of what Stripe, the network's advice and the network's category say wins."""
    row = CODES.get(decline.code, _DEFAULT)
    auth = decline.code in AUTHENTICATION_CODES
    because = f"{decline.code}: {row.meaning}"
    if never := forbidden(decline):
        kind = DeclineClass.FRAUD if row.decline_class == "fraud" else DeclineClass.HARD
        return Reading(decline_class=kind, wait=timedelta(0), because=never)
    wait, asked = _asked_wait(decline)
    own = timedelta(hours=row.wait_hours)
    if asked:
        return Reading(decline_class=DeclineClass(row.decline_class), wait=max(wait, own), because=asked)
    return Reading(
        decline_class=DeclineClass(row.decline_class), wait=own, needs_authentication=auth, because=because
    )


def forbidden(decline: Decline) -> str | None:
    """Who forbids any further attempt with the method that was declined so; ``None`` if nobody does."""
    if decline.kind == "blocked":
        return f"{decline.code}: the payment was blocked before it reached the bank"
    if decline.advice_code in ADVICE_NEVER:
        return f"Stripe's advice code {decline.advice_code} forbids another attempt with this card"
    if decline.brand == "mastercard" and decline.network_advice_code:
        row = MASTERCARD_ADVICE.get(decline.network_advice_code)
        if row and row.never:
            return f"Mastercard advice {decline.network_advice_code}: {row.meaning}"
    if decline.brand == "visa" and decline.network_decline_code in VISA_NEVER:
        return f"Visa code {decline.network_decline_code} is in category 1: the bank will never approve"
    return None


def _asked_wait(decline: Decline) -> tuple[timedelta, str | None]:
    if decline.brand == "mastercard" and decline.network_advice_code:
        row = MASTERCARD_ADVICE.get(decline.network_advice_code)
        if row and row.wait_hours:
            return timedelta(
                hours=row.wait_hours
            ), f"Mastercard advice {decline.network_advice_code}: {row.meaning}"
    return timedelta(0), None
