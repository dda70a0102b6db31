"""The cards and accounts of Stripe's test mode, as issuers of :mod:`recoup.worlds` (Stripe, "Testing")."""

from __future__ import annotations

from typing import Literal

from recoup.worlds.methods import Card, Debit, Decline, Phase

Saving = Literal["approves", "needs_authentication"]


def _refusal(
    code: str, network: str | None, advice: str | None = None, *, kind: str = "issuer_declined"
) -> Decline:
    blocked = kind == "blocked"
    return Decline(
        decline_code="generic_decline" if blocked else code,
        advice_code=advice,
        network_decline_code=network,
        type="blocked" if blocked else "issuer_declined",
        reason=code if blocked else None,
    )


def _refused(number: str, refusal: Decline, *ids: str) -> Card:
    """Declines every charge, and cannot be saved either."""
    return Card(brand="visa", number=number, issuer=(Phase(declines=refusal),), saving=refusal, ids=ids)


def _saved_then_refused(number: str | None, refusal: Decline, *ids: str) -> Card:
    """Can be saved, then declines every charge."""
    return Card(brand="visa", number=number, issuer=(Phase(declines=refusal),), ids=ids)


def _asks(number: str, saving: Saving, phases: tuple[Phase, ...], *ids: str) -> Card:
    return Card(brand="visa", number=number, saving=saving, issuer=phases, ids=ids)


def _good(
    brand: Literal["visa", "mastercard", "amex", "discover"], number: str, *ids: str, debit: bool = False
) -> Card:
    return Card(brand=brand, number=number, funding="debit" if debit else "credit", ids=ids)


_ALWAYS_3DS = (Phase(needs_authentication=True, always=True),)
_3DS_UNLESS_SET_UP = (Phase(needs_authentication=True, until_authenticated=True),)
_GENERIC = _refusal("generic_decline", "05")
_FUNDS = _refusal("insufficient_funds", "51", "try_again_later")
_LOST = _refusal("lost_card", "41", "do_not_try_again")
_STOLEN = _refusal("stolen_card", "43", "do_not_try_again")

TEST_CARDS: dict[str, Card] = {
    "visa": _good("visa", "4242424242424242", "pm_card_visa", "tok_visa"),
    "visa_debit": _good("visa", "4000056655665556", "pm_card_visa_debit", "tok_visa_debit", debit=True),
    "mastercard": _good("mastercard", "5555555555554444", "pm_card_mastercard", "tok_mastercard"),
    "mastercard_debit": _good(
        "mastercard", "5200828282828210", "pm_card_mastercard_debit", "tok_mastercard_debit", debit=True
    ),
    "amex": _good("amex", "378282246310005", "pm_card_amex", "tok_amex"),
    "discover": _good("discover", "6011111111111117", "pm_card_discover", "tok_discover"),
    "charge_customer_fail": _saved_then_refused(
        "4000000000000341", _GENERIC, "pm_card_chargeCustomerFail", "tok_chargeCustomerFail"
    ),
    "charge_customer_fail_lost": _saved_then_refused(
        None, _LOST, "pm_card_visa_chargeCustomerFailLostCard", "tok_visa_chargeCustomerFailLostCard"
    ),
    "charge_customer_fail_stolen": _saved_then_refused(
        None, _STOLEN, "pm_card_visa_chargeCustomerFailStolenCard", "tok_visa_chargeCustomerFailStolenCard"
    ),
    "declined": _refused(
        "4000000000000002",
        _GENERIC,
        "pm_card_visa_chargeDeclined",
        "pm_card_chargeDeclined",
        "tok_visa_chargeDeclined",
        "tok_chargeDeclined",
    ),
    "insufficient_funds": _refused(
        "4000000000009995",
        _FUNDS,
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "pm_card_chargeDeclinedInsufficientFunds",
        "tok_visa_chargeDeclinedInsufficientFunds",
        "tok_chargeDeclinedInsufficientFunds",
    ),
    "lost": _refused(
        "4000000000009987", _LOST, "pm_card_visa_chargeDeclinedLostCard", "tok_visa_chargeDeclinedLostCard"
    ),
    "stolen": _refused(
        "4000000000009979",
        _STOLEN,
        "pm_card_visa_chargeDeclinedStolenCard",
        "tok_visa_chargeDeclinedStolenCard",
    ),
    "velocity": _refused(
        "4000000000006975",
        _refusal("card_velocity_exceeded", "61", "try_again_later"),
        "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
        "tok_visa_chargeDeclinedVelocityLimitExceeded",
    ),
    "expired": _refused(
        "4000000000000069",
        _refusal("expired_card", "54", "confirm_card_data"),
        "pm_card_chargeDeclinedExpiredCard",
        "tok_chargeDeclinedExpiredCard",
    ),
    "incorrect_cvc": _refused(
        "4000000000000127",
        _refusal("incorrect_cvc", "N7", "confirm_card_data"),
        "pm_card_chargeDeclinedIncorrectCvc",
        "tok_chargeDeclinedIncorrectCvc",
    ),
    "processing_error": _refused(
        "4000000000000119",
        _refusal("processing_error", "96", "try_again_later"),
        "pm_card_chargeDeclinedProcessingError",
        "tok_chargeDeclinedProcessingError",
    ),
    "radar_block": _saved_then_refused(
        "4100000000000019",
        _refusal("highest_risk_level", None, "do_not_try_again", kind="blocked"),
        "pm_card_radarBlock",
        "tok_radarBlock",
    ),
    "risk_highest": _saved_then_refused(
        "4000000000004954",
        _refusal("highest_risk_level", None, "do_not_try_again", kind="blocked"),
        "pm_card_riskLevelHighest",
        "tok_riskLevelHighest",
    ),
    "risk_elevated": _good("visa", "4000000000009235", "pm_card_riskLevelElevated", "tok_riskLevelElevated"),
    "3ds_always": _asks(
        "4000002760003184", "needs_authentication", _ALWAYS_3DS, "pm_card_authenticationRequired"
    ),
    "3ds_required": _asks(
        "4000000000003220",
        "needs_authentication",
        _ALWAYS_3DS,
        "pm_card_threeDSecure2Required",
        "pm_card_threeDSecureRequired",
        "tok_threeDSecure2Required",
    ),
    "3ds_unless_set_up": _asks(
        "4000002500003155",
        "needs_authentication",
        _3DS_UNLESS_SET_UP,
        "pm_card_authenticationRequiredOnSetup",
        "tok_authenticationRequiredOnSetup",
    ),
    "3ds_then_insufficient_funds": _asks(
        "4000008260003178",
        "needs_authentication",
        (Phase(needs_authentication=True, until_authenticated=True), Phase(declines=_FUNDS)),
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
        "tok_authenticationRequiredChargeDeclinedInsufficientFunds",
    ),
}

TEST_ACCOUNTS: dict[str, Debit] = {
    "AT611904300234573201": Debit(country="AT", last4="3201"),
    "DE89370400440532013000": Debit(country="DE", last4="3000"),
    "PL61109010140000071219812874": Debit(country="PL", last4="2874"),
    "AT861904300235473202": Debit(
        country="AT", last4="3202", issuer=(Phase(declines=Decline(decline_code="insufficient_funds")),)
    ),
    "DE62370400440532013001": Debit(
        country="DE", last4="3001", issuer=(Phase(declines=Decline(decline_code="insufficient_funds")),)
    ),
}
