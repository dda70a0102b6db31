"""The codes that Stripe's SDK and Stripe's OpenAPI description name for a refused payment, read from their sources."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import stripe

from tests.sandbox.openapi import published

SDK = Path(stripe.__file__).parent
_QUOTED = re.compile(r"`([a-z][a-z0-9_]+)`")

# Class and field of the SDK, and schema and field of the description, that say why a payment or a debit was refused.
PLACES = (
    ("_payment_intent.py", "LastPaymentError", "code", "api_errors"),
    ("_payment_intent.py", "LastPaymentError", "decline_code", "api_errors"),
    ("_invoice.py", "LastFinalizationError", "code", "api_errors"),
    ("_error_object.py", "ErrorObject", "decline_code", "api_errors"),
    ("_charge.py", "Charge", "failure_code", "charge"),
    ("_charge.py", "Outcome", "reason", "charge_outcome"),
    ("_mandate.py", "BacsDebit", "revocation_reason", "mandate_bacs_debit"),
    ("_payment_method.py", "Blocked", "reason", "payment_method_us_bank_account_blocked"),
)

# Decline codes are plain text to the types and to the description: these are the ones that Stripe's page listed on 2026-04-15
# (docs.stripe.com/declines/codes), for cards and for local payment methods.
LISTED = frozenset(
    """
    approve_with_id authentication_not_handled authentication_required call_issuer card_not_supported
    card_velocity_exceeded currency_not_supported do_not_honor do_not_try_again duplicate_transaction
    expired_card fraudulent generic_decline incorrect_address incorrect_cvc incorrect_number incorrect_pin
    incorrect_zip insufficient_funds invalid_account invalid_amount invalid_cvc invalid_expiry_month
    invalid_expiry_year invalid_number invalid_pin issuer_not_available lost_card merchant_blacklist
    mobile_device_authentication_required new_account_information_available no_action_taken not_permitted
    offline_pin_required online_or_offline_pin_required pickup_card pin_try_exceeded processing_error
    reenter_transaction restricted_card revocation_of_all_authorizations revocation_of_authorization
    security_violation service_not_allowed stolen_card stop_payment_order testmode_decline
    transaction_not_allowed try_again_later withdrawal_count_limit_exceeded
    compliance_violation expired_payment_information invalid_authorization invalid_billing_agreement
    invalid_business_account invalid_customer_account invalid_payment_information partner_generic_decline
    partner_high_risk_customer partner_payment_not_found payment_disputed payment_limit_exceeded
    """.split()
)


@cache
def _classes(file: str) -> dict[str, ast.ClassDef]:
    tree = ast.parse((SDK / file).read_text())
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def literals(file: str, owner: str, field: str) -> set[str]:
    """The values that the SDK's type of a field lists; those its docstring quotes where it lists none."""
    body = _classes(file)[owner].body
    for node, follows in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == field:
            listed = {value for value in _constants(node.annotation) if value.islower() or "_" in value}
            return listed or _quoted(follows)
    raise AssertionError(f"{file}: {owner} has no field {field}; Stripe has moved it")


def _constants(annotation: ast.expr) -> Iterator[str]:
    for node in ast.walk(annotation):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _quoted(node: ast.stmt | None) -> set[str]:
    docstring = node.value if isinstance(node, ast.Expr) else None
    text = docstring.value if isinstance(docstring, ast.Constant) else ""
    return _reasons_in(str(text))


def _reasons_in(text: str) -> set[str]:
    return set(_QUOTED.findall(text)) - {"type"}


def described(schema: str, field: str) -> set[str]:
    """The values that the OpenAPI description lists for a field, or quotes in its text."""
    told: dict[str, Any] = published()["components"]["schemas"][schema]["properties"].get(field, {})
    return set(told.get("enum", ())) or _reasons_in(told.get("description", ""))


def named_by_the_sdk() -> set[str]:
    """Every refusal that the SDK's types name."""
    return {code for file, owner, field, _ in PLACES for code in literals(file, owner, field)}


def named_by_the_description() -> set[str]:
    """Every refusal that the OpenAPI description names."""
    return {code for _, _, field, schema in PLACES for code in described(schema, field)}


def advice_codes() -> set[str]:
    """Stripe's advice, by the SDK and by the description."""
    return literals("_charge.py", "Outcome", "advice_code") | described("charge_outcome", "advice_code")


def ach_returns() -> set[str]:
    """The ACH returns after which Stripe blocks an account, by the description."""
    told = published()["components"]["schemas"]["payment_method_us_bank_account_blocked"]
    return set(told["properties"]["network_code"]["enum"])
