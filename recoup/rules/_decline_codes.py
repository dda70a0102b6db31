"""The decline codes as data. Columns: class, hours to wait before the next attempt with the same method, meaning."""

from __future__ import annotations

from typing import NamedTuple


class CodeRow(NamedTuple):
    decline_class: str
    wait_hours: int
    meaning: str


class AdviceRow(NamedTuple):
    wait_hours: int
    never: bool
    meaning: str


CODES: dict[str, CodeRow] = {
    # Cards: docs.stripe.com/declines/codes, read 2026-04-15.
    "approve_with_id": CodeRow("soft", 24, "the payment could not be authorized"),
    "authentication_not_handled": CodeRow("action", 0, "the required authentication was not carried out"),
    "authentication_required": CodeRow(
        "action", 0, "the bank wants the customer to confirm the payment (3-D Secure)"
    ),
    "call_issuer": CodeRow("soft", 24, "the bank refused without a reason"),
    "card_not_supported": CodeRow("hard", 0, "the card does not support this kind of purchase"),
    "card_velocity_exceeded": CodeRow("soft", 24, "a limit of the card is used up"),
    "currency_not_supported": CodeRow("hard", 0, "the card does not support the currency"),
    "do_not_honor": CodeRow("soft", 24, "the bank refused without a reason"),
    "do_not_try_again": CodeRow("hard", 0, "the bank asks for no further attempt"),
    "duplicate_transaction": CodeRow("config", 24, "a payment of the same amount was made just before"),
    "expired_card": CodeRow("hard", 0, "the card has expired"),
    "fraudulent": CodeRow("fraud", 0, "Stripe suspects fraud"),
    "generic_decline": CodeRow("soft", 24, "the bank refused without a reason"),
    "card_declined": CodeRow("soft", 24, "the bank refused without a reason"),
    "incorrect_address": CodeRow("action", 0, "the address does not match the card"),
    "incorrect_cvc": CodeRow("action", 0, "the security code is wrong"),
    "incorrect_number": CodeRow("hard", 0, "the card number is wrong"),
    "incorrect_pin": CodeRow("action", 0, "the PIN is wrong"),
    "incorrect_zip": CodeRow("action", 0, "the postal code does not match the card"),
    "insufficient_funds": CodeRow("soft", 20, "there was not enough money on the account"),
    "invalid_account": CodeRow("hard", 0, "the card or its account is invalid"),
    "invalid_amount": CodeRow("action", 0, "the amount is invalid or over a limit"),
    "invalid_cvc": CodeRow("action", 0, "the security code is wrong"),
    "invalid_expiry_month": CodeRow("action", 0, "the expiry month is wrong"),
    "invalid_expiry_year": CodeRow("action", 0, "the expiry year is wrong"),
    "invalid_number": CodeRow("hard", 0, "the card number is wrong"),
    "invalid_pin": CodeRow("action", 0, "the PIN is wrong"),
    "issuer_not_available": CodeRow("soft", 3, "the bank could not be reached"),
    "lost_card": CodeRow("fraud", 0, "the card is reported lost"),
    "merchant_blacklist": CodeRow("fraud", 0, "the payment is on a block list of the account"),
    "mobile_device_authentication_required": CodeRow(
        "action", 0, "the customer must confirm on their device"
    ),
    "new_account_information_available": CodeRow("action", 0, "the card or account has changed"),
    "no_action_taken": CodeRow("soft", 24, "the bank refused without a reason"),
    "not_permitted": CodeRow("hard", 0, "the payment is not permitted"),
    "offline_pin_required": CodeRow("action", 0, "a PIN is needed"),
    "online_or_offline_pin_required": CodeRow("action", 0, "a PIN is needed"),
    "pickup_card": CodeRow("fraud", 0, "the card cannot be used; it may be lost or stolen"),
    "pin_try_exceeded": CodeRow("action", 0, "too many wrong PINs"),
    "processing_error": CodeRow("soft", 3, "an error while the card was processed"),
    "reenter_transaction": CodeRow("soft", 3, "the bank could not process the payment"),
    "restricted_card": CodeRow("hard", 0, "the card cannot be used; it may be lost or stolen"),
    "revocation_of_all_authorizations": CodeRow("hard", 0, "the customer revoked all payments"),
    "revocation_of_authorization": CodeRow("hard", 0, "the customer revoked the payment"),
    "security_violation": CodeRow("hard", 0, "the card was refused for security"),
    "service_not_allowed": CodeRow("hard", 0, "the card does not allow this service"),
    "stolen_card": CodeRow("fraud", 0, "the card is reported stolen"),
    "stop_payment_order": CodeRow("hard", 0, "the customer stopped this payment"),
    "testmode_decline": CodeRow("config", 0, "a test card was used"),
    "transaction_not_allowed": CodeRow("hard", 0, "the card does not allow this payment"),
    "try_again_later": CodeRow("soft", 24, "the bank asks to try later"),
    "withdrawal_count_limit_exceeded": CodeRow("soft", 24, "a limit of the card is used up"),
    # Reasons of a blocked charge and top-level error codes.
    "highest_risk_level": CodeRow("fraud", 0, "the payment was judged too risky"),
    "elevated_risk_level": CodeRow("fraud", 0, "the payment was judged too risky"),
    "low_probability_of_authorization": CodeRow(
        "hard", 0, "Stripe expected a refusal and did not ask the bank"
    ),
    "rule": CodeRow("config", 0, "a Radar rule of the account blocked the payment"),
    "card_decline_rate_limit_exceeded": CodeRow("soft", 24, "the card was declined too often"),
    "invoice_payment_intent_requires_action": CodeRow(
        "action", 0, "the customer must confirm the payment (3-D Secure)"
    ),
    "payment_intent_action_required": CodeRow("action", 0, "the customer must confirm the payment"),
    "payment_intent_authentication_failure": CodeRow("action", 0, "the customer's confirmation failed"),
    "payment_intent_mandate_invalid": CodeRow("hard", 0, "the mandate is not valid any more"),
    "india_recurring_payment_mandate_canceled": CodeRow("hard", 0, "the mandate was cancelled"),
    # No method at all.
    "no_payment_method": CodeRow("action", 0, "there is no payment method to charge"),
    # Bank debits and other methods.
    "account_closed": CodeRow("hard", 0, "the bank account is closed"),
    "bank_account_restricted": CodeRow("hard", 0, "the bank account cannot be debited"),
    "bank_account_unusable": CodeRow("hard", 0, "the bank account cannot be used"),
    "compliance_violation": CodeRow("hard", 0, "the payment is not allowed"),
    "debit_not_authorized": CodeRow("hard", 0, "the customer did not authorize the debit"),
    "expired_payment_information": CodeRow("action", 0, "the payment data has expired"),
    "invalid_authorization": CodeRow("hard", 0, "the authorization is not valid"),
    "invalid_billing_agreement": CodeRow("hard", 0, "the billing agreement is not valid"),
    "invalid_business_account": CodeRow("config", 0, "the merchant's account at the provider is not valid"),
    "invalid_customer_account": CodeRow("action", 0, "the customer's account at the provider is not valid"),
    "invalid_payment_information": CodeRow("hard", 0, "the payment data is not valid"),
    "no_account": CodeRow("hard", 0, "there is no such bank account"),
    "partner_generic_decline": CodeRow("soft", 24, "the provider refused without a reason"),
    "partner_high_risk_customer": CodeRow("fraud", 0, "the provider judged the payment too risky"),
    "partner_payment_not_found": CodeRow("config", 0, "the provider does not know the payment"),
    "payment_disputed": CodeRow("hard", 0, "the payment was disputed"),
    "payment_limit_exceeded": CodeRow("action", 0, "a limit of the customer's account is used up"),
    "payment_method_customer_decline": CodeRow("action", 0, "the customer refused the payment"),
    "payment_method_provider_decline": CodeRow("soft", 24, "the provider refused the payment"),
    "payment_method_provider_timeout": CodeRow("soft", 3, "the provider did not answer"),
    "payment_method_unactivated": CodeRow("config", 0, "the payment method is not activated for the account"),
    "refer_to_customer": CodeRow("soft", 72, "the bank refers to the customer"),
    "sepa_unsupported_account": CodeRow("hard", 0, "the account does not support SEPA debits"),
}

ADVICE_NEVER = frozenset({"do_not_try_again"})

# Mastercard merchant advice codes; 24 to 30 are waiting times that come with decline code 51.
MASTERCARD_ADVICE: dict[str, AdviceRow] = {
    "01": AdviceRow(0, False, "the account has new information"),
    "02": AdviceRow(72, False, "try again later"),
    "03": AdviceRow(0, True, "do not try again"),
    "04": AdviceRow(0, False, "token requirements are not fulfilled"),
    "21": AdviceRow(0, True, "the customer stopped the recurring payment"),
    "22": AdviceRow(0, False, "the merchant does not qualify for the product"),
    "24": AdviceRow(1, False, "the bank asks to wait 1 hour"),
    "25": AdviceRow(24, False, "the bank asks to wait 24 hours"),
    "26": AdviceRow(48, False, "the bank asks to wait 2 days"),
    "27": AdviceRow(96, False, "the bank asks to wait 4 days"),
    "28": AdviceRow(144, False, "the bank asks to wait 6 days"),
    "29": AdviceRow(192, False, "the bank asks to wait 8 days"),
    "30": AdviceRow(240, False, "the bank asks to wait 10 days"),
    "40": AdviceRow(0, True, "a prepaid card that cannot be topped up"),
    "41": AdviceRow(0, True, "a virtual card for a single use"),
    "42": AdviceRow(0, True, "the sanctions score is too high"),
    "43": AdviceRow(0, False, "a virtual card for several uses"),
    "99": AdviceRow(0, True, "do not try again"),
}

# Visa category 1, "issuer will never approve"; 57 belongs to it again since 2026-10-25.
VISA_NEVER = frozenset({"04", "07", "12", "14", "15", "41", "43", "46", "57", "R0", "R1", "R3"})
