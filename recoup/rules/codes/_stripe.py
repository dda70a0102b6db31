"""Stripe's own refusals: charges it blocked before a bank saw them, and error codes that stand for a decline."""

from __future__ import annotations

from datetime import date

from recoup.rules.codes.words import (
    ACTION,
    AUTHENTICATE,
    CONFIG,
    CONFIRM,
    CORRECT_DATA,
    DATA,
    EXPIRED,
    FRAUD,
    HARD,
    NEW_METHOD,
    NO_METHOD,
    OPERATOR,
    OTHER,
    REFUSED,
    RETRY,
    SOFT,
    WAIT_AND_READ,
    Source,
    sourced,
)

_DECLINES = Source("Stripe, Declines, outcome.reason: docs.stripe.com/declines", date(2026, 11, 22))
_RETRIES = Source(
    "Stripe Support, Payment blocked due to excessive retries: support.stripe.com", date(2026, 11, 22)
)
_SEEN = Source(
    "not documented by Stripe; handled in public integrations (polarsource/polar and others)",
    date(2026, 11, 22),
)
_ERRORS = Source("Stripe, Error codes: docs.stripe.com/error-codes", date(2026, 11, 22))
_OWN = Source("Recoup: what it says itself where there is nothing to charge", date(2026, 11, 22))

BLOCKED = {
    **sourced(
        _DECLINES,
        {
            "highest_risk_level": (FRAUD, NEW_METHOD, REFUSED, 0, "the payment was judged too risky"),
            "elevated_risk_level": (FRAUD, NEW_METHOD, REFUSED, 0, "the payment was judged too risky"),
            "low_probability_of_authorization": (
                HARD,
                NEW_METHOD,
                REFUSED,
                0,
                "Stripe expected a refusal and did not ask the bank",
            ),
            "rule": (CONFIG, OPERATOR, REFUSED, 0, "a Radar rule of the account blocked the payment"),
        },
    ),
    **sourced(
        _RETRIES,
        {
            "previously_declined_do_not_retry": (
                HARD,
                NEW_METHOD,
                REFUSED,
                0,
                "Stripe blocked the payment: the card was declined too often",
            ),
        },
    ),
    **sourced(
        _SEEN,
        {
            "blocklist": (FRAUD, NEW_METHOD, REFUSED, 0, "the payment is on a block list of the account"),
            "live_mode_test_card": (CONFIG, OPERATOR, OTHER, 0, "a test card was used"),
            "requested_block_on_incorrect_cvc": (
                ACTION,
                CORRECT_DATA,
                DATA,
                0,
                "a Radar rule blocked the payment: the security code is wrong",
            ),
            "requested_block_on_incorrect_zip": (
                ACTION,
                CORRECT_DATA,
                DATA,
                0,
                "a Radar rule blocked the payment: the postal code does not match",
            ),
        },
    ),
}

ERRORS = {
    **sourced(
        _ERRORS,
        {
            "amount_too_large": (CONFIG, OPERATOR, OTHER, 0, "the amount is above what Stripe takes"),
            "amount_too_small": (CONFIG, OPERATOR, OTHER, 0, "the amount is below what Stripe takes"),
            "authentication_failure": (
                ACTION,
                AUTHENTICATE,
                CONFIRM,
                0,
                "the customer's confirmation failed",
            ),
            "capability_not_active": (
                CONFIG,
                OPERATOR,
                OTHER,
                0,
                "the account may not take this kind of payment",
            ),
            "card_decline_rate_limit_exceeded": (SOFT, RETRY, REFUSED, 24, "the card was declined too often"),
            "card_declined": (SOFT, RETRY, REFUSED, 24, "the bank refused without a reason"),
            "charge_exceeds_source_limit": (
                CONFIG,
                OPERATOR,
                OTHER,
                24,
                "a limit of the account for this method is used up",
            ),
            "charge_exceeds_transaction_limit": (
                CONFIG,
                OPERATOR,
                OTHER,
                0,
                "the amount is above the account's limit for this method",
            ),
            "expired_payment_method": (HARD, NEW_METHOD, EXPIRED, 0, "the payment method has expired"),
            "incorrect_postal_code": (
                ACTION,
                CORRECT_DATA,
                DATA,
                0,
                "the postal code does not match the card",
            ),
            "india_recurring_payment_mandate_canceled": (
                HARD,
                NEW_METHOD,
                REFUSED,
                0,
                "the mandate was cancelled",
            ),
            "invalid_card_type": (
                HARD,
                NEW_METHOD,
                REFUSED,
                0,
                "the card does not support this kind of payment",
            ),
            "invalid_charge_amount": (CONFIG, OPERATOR, OTHER, 0, "the amount is not valid"),
            "invoice_payment_intent_requires_action": (
                ACTION,
                AUTHENTICATE,
                CONFIRM,
                0,
                "the customer must confirm the payment (3-D Secure)",
            ),
            "payment_intent_action_required": (
                ACTION,
                AUTHENTICATE,
                CONFIRM,
                0,
                "the customer must confirm the payment",
            ),
            "payment_intent_authentication_failure": (
                ACTION,
                AUTHENTICATE,
                CONFIRM,
                0,
                "the customer's confirmation failed",
            ),
            "payment_intent_incompatible_payment_method": (
                HARD,
                NEW_METHOD,
                REFUSED,
                0,
                "the method does not fit this payment",
            ),
            "payment_intent_mandate_invalid": (
                HARD,
                NEW_METHOD,
                REFUSED,
                0,
                "the mandate is not valid any more",
            ),
            "payment_intent_payment_attempt_expired": (
                ACTION,
                AUTHENTICATE,
                CONFIRM,
                0,
                "the customer did not confirm the payment in time",
            ),
            "payment_intent_payment_attempt_failed": (SOFT, RETRY, REFUSED, 24, "the payment failed"),
            "payment_intent_rate_limit_exceeded": (
                CONFIG,
                WAIT_AND_READ,
                OTHER,
                24,
                "too much was asked of this payment",
            ),
            "payment_intent_unexpected_state": (
                CONFIG,
                WAIT_AND_READ,
                OTHER,
                24,
                "the payment has moved on meanwhile",
            ),
            "payment_method_billing_details_address_missing": (
                ACTION,
                CORRECT_DATA,
                DATA,
                0,
                "the method needs an address",
            ),
            "payment_method_currency_mismatch": (
                HARD,
                NEW_METHOD,
                REFUSED,
                0,
                "the method does not support the currency",
            ),
            "payment_method_invalid_parameter": (
                CONFIG,
                OPERATOR,
                OTHER,
                0,
                "something in the request does not fit the method",
            ),
            "payment_method_restricted": (HARD, NEW_METHOD, REFUSED, 0, "the method may not be used here"),
            "payment_method_unactivated": (
                CONFIG,
                OPERATOR,
                OTHER,
                0,
                "the payment method is not activated for the account",
            ),
            "payment_method_unexpected_state": (
                HARD,
                NEW_METHOD,
                REFUSED,
                0,
                "the method cannot be charged as it stands",
            ),
            "payment_method_unsupported_type": (
                CONFIG,
                OPERATOR,
                OTHER,
                0,
                "the account does not take this kind of method",
            ),
            "postal_code_invalid": (ACTION, CORRECT_DATA, DATA, 0, "the postal code is wrong"),
            "three_d_secure_authentication_not_supported": (
                HARD,
                NEW_METHOD,
                REFUSED,
                0,
                "the card cannot be authenticated",
            ),
            "three_d_secure_authentication_upstream_error": (
                ACTION,
                AUTHENTICATE,
                CONFIRM,
                0,
                "the customer's confirmation failed at the bank",
            ),
        },
    ),
    **sourced(
        _OWN,
        {"no_payment_method": (ACTION, NEW_METHOD, NO_METHOD, 0, "there is no payment method to charge")},
    ),
}
