"""PaymentIntents, charges, refunds, disputes."""

from __future__ import annotations

from typing import Any

from recoup.sandbox.http.errors import Doc
from recoup.sandbox.ids import new_id, random_text
from recoup.sandbox.objects.common import billing_details
from recoup.sandbox.work import Work

_ERROR_FIELDS = (
    "advice_code",
    "charge",
    "code",
    "decline_code",
    "doc_url",
    "message",
    "network_advice_code",
    "network_decline_code",
    "payment_method",
    "type",
)


def create_intent(
    work: Work, customer: str | None, amount: int, currency: str, description: str | None
) -> Doc:
    """A PaymentIntent that waits for a payment method."""
    id_ = new_id("payment_intent")
    return work.create(
        "payment_intent",
        id=id_,
        amount=amount,
        amount_capturable=0,
        amount_received=0,
        application=None,
        application_fee_amount=None,
        automatic_payment_methods=None,
        canceled_at=None,
        cancellation_reason=None,
        capture_method="automatic",
        client_secret=f"{id_}_secret_{random_text(24)}",
        confirmation_method="automatic",
        currency=currency,
        customer=customer,
        customer_account=None,
        description=description,
        excluded_payment_method_types=None,
        last_payment_error=None,
        latest_charge=None,
        livemode=False,
        metadata={},
        next_action=None,
        on_behalf_of=None,
        payment_method=None,
        payment_method_configuration_details=None,
        payment_method_options={},
        payment_method_types=["card"],
        processing=None,
        receipt_email=None,
        review=None,
        setup_future_usage="off_session",
        shipping=None,
        statement_descriptor=None,
        statement_descriptor_suffix=None,
        status="requires_payment_method",
        transfer_data=None,
        transfer_group=None,
    )


def create_charge(work: Work, intent: Doc, method: Doc, status: str, outcome: Doc, **fields: Any) -> Doc:
    """One try to take the money: succeeded, pending or failed."""
    taken = status == "succeeded"
    return work.create(
        "charge",
        amount=intent["amount"],
        amount_captured=intent["amount"] if taken else 0,
        amount_refunded=0,
        application=None,
        application_fee=None,
        application_fee_amount=None,
        balance_transaction=f"txn_{random_text(24)}" if taken else None,
        billing_details=billing_details(method["billing_details"]),
        calculated_statement_descriptor="RECOUP SANDBOX",
        captured=status != "failed",
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        disputed=False,
        failure_balance_transaction=None,
        failure_code=None,
        failure_message=None,
        fraud_details={},
        livemode=False,
        metadata=dict(intent["metadata"]),
        on_behalf_of=None,
        outcome=outcome,
        paid=taken,
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details=method_details(method),
        radar_options={},
        receipt_email=None,
        receipt_number=None,
        receipt_url=None,
        refunded=False,
        review=None,
        shipping=None,
        source_transfer=None,
        statement_descriptor=None,
        statement_descriptor_suffix=None,
        status=status,
        transfer_data=None,
        transfer_group=None,
        _card=method["_card"],
        _fingerprint=method["_fingerprint"],
        **fields,
    )


def method_details(method: Doc) -> Doc:
    """``payment_method_details`` of a charge with this payment method."""
    if method["type"] != "card":
        own = {key: value for key, value in method[method["type"]].items() if key != "generated_from"}
        if method["type"] == "sepa_debit":
            own["mandate"] = None
        return {"type": method["type"], method["type"]: own}
    card = method["card"]
    shared = (
        "brand",
        "country",
        "exp_month",
        "exp_year",
        "fingerprint",
        "funding",
        "last4",
        "regulated_status",
    )
    return {
        "card": {
            **{key: card[key] for key in shared},
            "amount_authorized": None,
            "authorization_code": None,
            "checks": dict(card["checks"]),
            "installments": None,
            "mandate": None,
            "network": card["networks"]["available"][0],
            "network_token": {"used": False},
            "network_transaction_id": None,
            "three_d_secure": None,
            "wallet": None,
        },
        "type": "card",
    }


def payment_error(error: Doc, method: Doc) -> Doc:
    """``last_payment_error`` (and its like on a SetupIntent) out of the ``error`` object of an answer."""
    kept: Doc = {key: error[key] for key in _ERROR_FIELDS if key in error and key != "payment_method"}
    return kept | {"payment_method": method}


def create_refund(work: Work, charge: Doc, amount: int, reason: str | None, metadata: Doc) -> Doc:
    """Money given back."""
    return work.create(
        "refund",
        amount=amount,
        balance_transaction=f"txn_{random_text(24)}",
        charge=charge["id"],
        currency=charge["currency"],
        customer=charge["customer"],
        customer_account=None,
        metadata=metadata,
        payment_intent=charge["payment_intent"],
        payment_method=charge["payment_method"],
        reason=reason,
        receipt_number=None,
        source_transfer_reversal=None,
        status="succeeded",
        transfer_reversal=None,
    )


def create_dispute(work: Work, charge: Doc, reason: str, due_by: int) -> Doc:
    """A customer's bank takes a charge back, for now."""
    names = """access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal
        customer_communication customer_email_address customer_name customer_purchase_ip customer_signature
        duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt
        refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation
        shipping_address shipping_carrier shipping_date shipping_documentation shipping_tracking_number
        uncategorized_file uncategorized_text""".split()
    return work.create(
        "dispute",
        amount=charge["amount"],
        balance_transactions=[],
        charge=charge["id"],
        currency=charge["currency"],
        enhanced_eligibility_types=[],
        evidence={**dict.fromkeys(names), "enhanced_evidence": {}},
        evidence_details={
            "due_by": due_by,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        is_charge_refundable=True,
        livemode=False,
        metadata={},
        payment_intent=charge["payment_intent"],
        reason=reason,
        status="needs_response",
    )
