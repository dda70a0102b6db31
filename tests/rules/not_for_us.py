"""Error codes of Stripe's API that no attempt to collect an invoice can be refused with, by the reason why."""

from __future__ import annotations

_BY_REASON = {
    "settled by reading or asked again under the same key, never a refusal": (
        "idempotency_key_in_use lock_timeout rate_limit resource_missing"
    ),
    "the request itself is wrong: the same for every customer, found by tests, told to the operator": (
        "intent_invalid_state invalid_characters invalid_source_usage missing parameter_invalid_empty"
        " parameter_invalid_integer parameter_invalid_string_blank parameter_invalid_string_empty parameter_missing"
        " parameter_unknown parameters_exclusive payment_intent_invalid_parameter"
        " payment_method_invalid_parameter_testmode charge_invalid_parameter resource_already_exists"
        " status_transition_invalid token_already_used token_card_network_invalid token_in_use url_invalid"
    ),
    "the key, the account or the connection is not in order: no request of any kind gets through": (
        "account_invalid account_token_required_for_v2_account action_blocked api_key_expired approval_required"
        " livemode_mismatch not_allowed_on_standard_account platform_account_required platform_api_key_expired"
        " request_blocked secret_key_required storer_capability_missing storer_capability_not_active"
        " testmode_charges_only tls_version_unsupported"
    ),
    "about capturing, refunding or disputing a charge that was approved": (
        "capture_charge_authorization_expired capture_unauthorized_payment charge_already_captured"
        " charge_already_refunded charge_disputed charge_expired_for_capture charge_not_refundable"
        " dispute_evidence_page_limit_exceeded refund_disputed_payment return_intent_already_processed"
        " smart_disputes_not_available"
    ),
    "about making or changing customers, invoices, subscriptions and taxes, not about collecting": (
        "coupon_expired country_code_invalid country_unsupported customer_max_payment_methods"
        " customer_max_subscriptions customer_session_expired customer_tax_location_invalid email_invalid"
        " failed_tax_calculation invalid_canceled_subscription_fields invalid_tax_location"
        " invoice_no_customer_line_items invoice_no_payment_method_types invoice_no_subscription_line_items"
        " invoice_not_editable invoice_on_behalf_of_not_editable invoice_upcoming_none"
        " payment_method_configuration_failures service_period_coupon_with_metered_tiered_item_unsupported"
        " siret_invalid state_unsupported stripe_tax_inactive subscription_update_trial_after_billing_cycle_anchor"
        " tax_id_invalid tax_id_prohibited taxes_calculation_failed"
    ),
    "about saving or verifying a method; the attempt comes after that": (
        "acss_debit_session_incomplete bank_account_exists cardholder_phone_number_required"
        " intent_verification_method_missing payment_method_bank_account_already_verified"
        " payment_method_microdeposit_processing_error payment_method_microdeposit_verification_amounts_invalid"
        " payment_method_microdeposit_verification_amounts_mismatch"
        " payment_method_microdeposit_verification_attempts_exceeded"
        " payment_method_microdeposit_verification_descriptor_code_mismatch"
        " payment_method_microdeposit_verification_timeout setup_attempt_failed setup_intent_authentication_failure"
        " setup_intent_invalid_parameter setup_intent_mandate_invalid setup_intent_mobile_wallet_unsupported"
        " setup_intent_setup_attempt_expired setup_intent_unexpected_state"
    ),
    "payouts, transfers, Treasury, Financial Connections and Connect accounts": (
        "account_country_invalid_address account_error_country_change_requires_additional_steps"
        " account_information_mismatch anomalous_money_movement_request application_fees_not_allowed"
        " balance_insufficient balance_invalid_parameter clearing_code_unsupported"
        " financial_account_balance_does_not_support_currency financial_account_capability_not_enabled"
        " financial_account_capability_restricted financial_connections_account_inactive"
        " financial_connections_account_pending_account_numbers"
        " financial_connections_account_unavailable_account_numbers financial_connections_consent_locale_invalid"
        " financial_connections_consent_locale_unsupported"
        " financial_connections_no_successful_transaction_refresh instant_payouts_config_disabled"
        " instant_payouts_currency_disabled instant_payouts_limit_exceeded instant_payouts_unsupported"
        " ownership_declaration_not_allowed payout_reconciliation_not_ready payouts_limit_exceeded payouts_not_allowed"
        " progressive_onboarding_limit_exceeded transfer_source_balance_parameters_mismatch transfers_not_allowed"
    ),
    "card readers, shops, vaults, old coins and paying at a till: nothing recurs there": (
        "alipay_upgrade_required bitcoin_upgrade_required forwarding_api_inactive forwarding_api_invalid_parameter"
        " forwarding_api_retryable_upstream_error forwarding_api_upstream_connection_error"
        " forwarding_api_upstream_connection_timeout forwarding_api_upstream_error out_of_inventory"
        " payment_evaluation_on_api_version_not_supported payment_intent_konbini_rejected_confirmation_number"
        " product_inactive shipping_address_invalid shipping_calculation_failed sku_inactive"
        " terminal_location_country_unsupported terminal_reader_busy terminal_reader_hardware_fault"
        " terminal_reader_invalid_location_for_activation terminal_reader_invalid_location_for_payment"
        " terminal_reader_offline terminal_reader_timeout"
    ),
}

NOT_FOR_US: dict[str, str] = {code: reason for reason, codes in _BY_REASON.items() for code in codes.split()}
"""Code: why it has no row."""
