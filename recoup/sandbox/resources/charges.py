"""Charges, refunds and disputes."""

from __future__ import annotations

from recoup.sandbox.http.errors import Doc, StripeError, invalid_parameter, invalid_request
from recoup.sandbox.http.lists import page
from recoup.sandbox.http.params import LABELS, RANGE, TEXT, Text, Whole, listing, merge_labels, request
from recoup.sandbox.http.routing import Call, given, router
from recoup.sandbox.objects.payments import create_refund
from recoup.sandbox.webhooks import tell


@router.add("GET", "/v1/charges/{id}", request())
def retrieve(call: Call) -> Doc:
    """One charge."""
    return call.work.get("charge", call.id)


@router.add("GET", "/v1/charges", listing(customer=TEXT, payment_intent=TEXT, created=RANGE))
def list_charges(call: Call) -> Doc:
    """Charges, newest first."""
    where = given(call.params, "customer", "payment_intent")
    return page(call.work, "charge", "/v1/charges", call.params, where)


@router.add(
    "POST",
    "/v1/refunds",
    request(
        charge=TEXT,
        payment_intent=TEXT,
        amount=Whole(1),
        reason=Text("duplicate", "fraudulent", "requested_by_customer"),
        metadata=LABELS,
    ),
)
def create_a_refund(call: Call) -> Doc:
    """Give back a charge, or part of it."""
    work, params = call.work, call.params
    if params.get("charge"):
        charge = work.get("charge", params["charge"], "charge")
    elif params.get("payment_intent"):
        intent = work.get("payment_intent", params["payment_intent"], "payment_intent")
        if not intent["latest_charge"]:
            raise invalid_request("This PaymentIntent does not have a successful charge to refund.")
        charge = work.get("charge", intent["latest_charge"])
    else:
        text = "One of the following params should be provided for this request: payment_intent or charge."
        raise invalid_parameter(text, "charge", "parameter_missing")
    left = charge["amount_captured"] - charge["amount_refunded"]
    if charge["status"] != "succeeded":
        raise invalid_request("This charge did not succeed, so it cannot be refunded.")
    if left == 0:
        text = f"Charge {charge['id']} has already been refunded."
        raise StripeError(400, "invalid_request_error", text, code="charge_already_refunded")
    if charge["disputed"]:
        raise invalid_request(f"Charge {charge['id']} has been charged back.", code="charge_disputed")
    amount = params.get("amount", left)
    if amount > left:
        text = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise StripeError(400, "invalid_request_error", text, param="amount")
    labels = merge_labels({}, params.get("metadata"))
    refund = create_refund(work, charge, amount, params.get("reason"), labels)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    tell(work, "charge.refunded", charge, work.changed_since_told(charge))
    tell(work, "refund.created", refund)
    return refund


@router.add("GET", "/v1/refunds/{id}", request())
def retrieve_refund(call: Call) -> Doc:
    """One refund."""
    return call.work.get("refund", call.id)


@router.add("GET", "/v1/refunds", listing(charge=TEXT, payment_intent=TEXT, created=RANGE))
def list_refunds(call: Call) -> Doc:
    """Refunds, newest first."""
    where = given(call.params, "charge", "payment_intent")
    return page(call.work, "refund", "/v1/refunds", call.params, where)


@router.add("GET", "/v1/disputes/{id}", request())
def retrieve_dispute(call: Call) -> Doc:
    """One dispute."""
    return call.work.get("dispute", call.id)


@router.add("GET", "/v1/disputes", listing(charge=TEXT, payment_intent=TEXT, created=RANGE))
def list_disputes(call: Call) -> Doc:
    """Disputes, newest first."""
    where = given(call.params, "charge", "payment_intent")
    return page(call.work, "dispute", "/v1/disputes", call.params, where)
