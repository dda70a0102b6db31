"""Decline codes of bank debits, wallets and other local methods."""

from __future__ import annotations

from datetime import date

from recoup.rules.codes.words import (
    ACTION,
    ASK_BANK,
    AUTHENTICATE,
    CONFIG,
    CONFIRM,
    CORRECT_DATA,
    DATA,
    EXPIRED,
    FRAUD,
    FUNDS,
    HARD,
    LIMIT,
    NEW_METHOD,
    OPERATOR,
    OTHER,
    REFUSED,
    RETRY,
    SOFT,
    WAIT_AND_READ,
    Source,
    sourced,
)

_LOCAL = Source("Stripe, Decline codes, local methods: docs.stripe.com/declines/codes", date(2026, 4, 15))
_BLIK = Source(
    "Stripe, changelog 2026-09-30 endive, BLIK: docs.stripe.com/changelog/endive/2026-09-30/blik-granular-decline-codes",
    date(2026, 11, 22),
)
_NETWORK = Source("Stripe, Network decline codes: docs.stripe.com/declines/network-codes", date(2026, 11, 22))
_ERRORS = Source("Stripe, Error codes: docs.stripe.com/error-codes", date(2026, 11, 22))
_API = Source("Stripe, API reference: PaymentMethod, Mandate: docs.stripe.com/api", date(2026, 11, 22))

WALLETS = {
    **sourced(
        _LOCAL,
        {
            "compliance_violation": (HARD, NEW_METHOD, REFUSED, 0, "the payment is not allowed"),
            "expired_payment_information": (ACTION, CORRECT_DATA, DATA, 0, "the payment data has expired"),
            "invalid_authorization": (HARD, NEW_METHOD, REFUSED, 0, "the authorization is not valid"),
            "invalid_billing_agreement": (HARD, NEW_METHOD, REFUSED, 0, "the billing agreement is not valid"),
            "invalid_business_account": (
                CONFIG,
                OPERATOR,
                OTHER,
                0,
                "the merchant's account at the provider is not valid",
            ),
            "invalid_customer_account": (
                ACTION,
                ASK_BANK,
                DATA,
                0,
                "the customer's account at the provider is not valid",
            ),
            "invalid_payment_information": (HARD, NEW_METHOD, DATA, 0, "the payment data is not valid"),
            "partner_action_not_supported": (
                HARD,
                NEW_METHOD,
                REFUSED,
                0,
                "the provider does not support this payment",
            ),
            "partner_duplicate_transaction": (
                CONFIG,
                WAIT_AND_READ,
                OTHER,
                24,
                "a payment of the same amount was made just before",
            ),
            "partner_expired_card": (
                HARD,
                NEW_METHOD,
                EXPIRED,
                0,
                "the card that the provider holds has expired",
            ),
            "partner_generic_decline": (SOFT, ASK_BANK, REFUSED, 24, "the provider refused without a reason"),
            "partner_high_risk_customer": (
                FRAUD,
                NEW_METHOD,
                REFUSED,
                0,
                "the provider judged the payment too risky",
            ),
            "partner_insufficient_funds": (
                SOFT,
                RETRY,
                FUNDS,
                20,
                "there was not enough money on the account",
            ),
            "partner_invalid_amount": (
                HARD,
                NEW_METHOD,
                REFUSED,
                0,
                "the provider does not take this amount",
            ),
            "partner_invalid_currency": (
                HARD,
                NEW_METHOD,
                REFUSED,
                0,
                "the method does not support the currency",
            ),
            "partner_payment_not_found": (
                CONFIG,
                WAIT_AND_READ,
                OTHER,
                24,
                "the provider does not know the payment",
            ),
            "partner_processing_error": (SOFT, RETRY, OTHER, 3, "an error while the payment was processed"),
            "payment_disputed": (HARD, WAIT_AND_READ, REFUSED, 0, "the payment was disputed"),
            "payment_limit_exceeded": (
                ACTION,
                ASK_BANK,
                LIMIT,
                0,
                "a limit of the customer's account is used up",
            ),
            "recurring_not_supported_by_bank": (
                HARD,
                NEW_METHOD,
                REFUSED,
                0,
                "the customer's bank does not support recurring payments",
            ),
        },
    ),
    **sourced(
        _BLIK,
        {
            "code_expired": (ACTION, AUTHENTICATE, CONFIRM, 0, "the BLIK code has expired"),
            "code_invalid": (ACTION, AUTHENTICATE, CONFIRM, 0, "the BLIK code is wrong"),
            "customer_declined": (ACTION, ASK_BANK, REFUSED, 0, "the customer refused the payment"),
        },
    ),
    **sourced(
        _ERRORS,
        {
            "payment_method_customer_decline": (
                ACTION,
                ASK_BANK,
                REFUSED,
                0,
                "the customer refused the payment",
            ),
            "payment_method_not_available": (
                SOFT,
                RETRY,
                OTHER,
                3,
                "the method's provider could not be reached",
            ),
            "payment_method_provider_decline": (
                SOFT,
                ASK_BANK,
                REFUSED,
                24,
                "the provider refused the payment",
            ),
            "payment_method_provider_timeout": (SOFT, RETRY, OTHER, 3, "the provider did not answer"),
        },
    ),
}

DEBITS = {
    **sourced(
        _ERRORS,
        {
            "account_closed": (HARD, NEW_METHOD, DATA, 0, "the bank account is closed"),
            "account_number_invalid": (HARD, NEW_METHOD, DATA, 0, "the account number is wrong"),
            "bank_account_bad_routing_numbers": (HARD, NEW_METHOD, DATA, 0, "the bank's number is wrong"),
            "bank_account_declined": (HARD, NEW_METHOD, REFUSED, 0, "the bank account cannot be debited"),
            "bank_account_restricted": (HARD, NEW_METHOD, REFUSED, 0, "the bank account cannot be debited"),
            "bank_account_unusable": (HARD, NEW_METHOD, DATA, 0, "the bank account cannot be used"),
            "bank_account_unverified": (ACTION, CORRECT_DATA, DATA, 0, "the bank account is not verified"),
            "bank_account_verification_failed": (
                ACTION,
                CORRECT_DATA,
                DATA,
                0,
                "the bank account could not be verified",
            ),
            "billing_invalid_mandate": (HARD, NEW_METHOD, REFUSED, 0, "the mandate is not valid"),
            "debit_not_authorized": (
                HARD,
                NEW_METHOD,
                REFUSED,
                0,
                "the customer did not authorize the debit",
            ),
            "invalid_mandate_reference_prefix_format": (
                CONFIG,
                OPERATOR,
                OTHER,
                0,
                "the prefix of the mandate's reference is not valid",
            ),
            "no_account": (HARD, NEW_METHOD, DATA, 0, "there is no such bank account"),
            "payment_method_bank_account_blocked": (
                HARD,
                NEW_METHOD,
                REFUSED,
                0,
                "the bank account is blocked for debits",
            ),
            "payment_method_microdeposit_failed": (
                HARD,
                NEW_METHOD,
                DATA,
                0,
                "the bank account could not be verified",
            ),
            "refer_to_customer": (SOFT, ASK_BANK, REFUSED, 72, "the bank refers to the customer"),
            "routing_number_invalid": (HARD, NEW_METHOD, DATA, 0, "the bank's number is wrong"),
            "sepa_unsupported_account": (
                HARD,
                NEW_METHOD,
                REFUSED,
                0,
                "the account does not support SEPA debits",
            ),
        },
    ),
    **sourced(
        _NETWORK,
        {
            "bank_account_closed": (HARD, NEW_METHOD, DATA, 0, "the bank account is closed"),
            "bank_account_invalid_details": (
                HARD,
                NEW_METHOD,
                DATA,
                0,
                "the bank account's details are wrong",
            ),
        },
    ),
    **sourced(
        _API,
        {
            "bank_account_frozen": (HARD, NEW_METHOD, REFUSED, 0, "the bank account is frozen"),
            "bank_ownership_changed": (
                HARD,
                NEW_METHOD,
                DATA,
                0,
                "the account has moved to another bank or owner",
            ),
            "could_not_process": (HARD, NEW_METHOD, REFUSED, 0, "the bank could not carry out the mandate"),
            "tokenized_account_number_deactivated": (
                HARD,
                NEW_METHOD,
                DATA,
                0,
                "the bank account's number is not valid any more",
            ),
        },
    ),
}
