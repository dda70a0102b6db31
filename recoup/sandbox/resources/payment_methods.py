"""Payment methods."""

from __future__ import annotations

from recoup.sandbox.http.errors import Doc
from recoup.sandbox.http.lists import page
from recoup.sandbox.http.params import (
    ADDRESS,
    LABELS,
    TEXT,
    Fields,
    Text,
    Whole,
    listing,
    merge_labels,
    request,
)
from recoup.sandbox.http.routing import Call, given, router
from recoup.sandbox.objects.common import EMPTY_ADDRESS
from recoup.sandbox.service.methods import attach, create_from, detach, find_method
from recoup.sandbox.webhooks import tell_change

BILLING = Fields(address=ADDRESS, email=TEXT, name=TEXT, phone=TEXT, tax_id=TEXT)
CARD = Fields(token=TEXT, number=TEXT, exp_month=Whole(1, 12), exp_year=Whole(0, 9999), cvc=TEXT)


@router.add(
    "POST",
    "/v1/payment_methods",
    request(
        "type",
        type=Text("card", "sepa_debit"),
        card=CARD,
        sepa_debit=Fields(("iban",), iban=TEXT),
        billing_details=BILLING,
        metadata=LABELS,
        allow_redisplay=Text("always", "limited", "unspecified"),
    ),
)
def create(call: Call) -> Doc:
    """A new payment method from a token, a test card's number or an account number."""
    return create_from(call.work, call.params)


@router.add("GET", "/v1/payment_methods/{id}", request())
def retrieve(call: Call) -> Doc:
    """One payment method; a ready-made id (``pm_card_visa``) makes one."""
    return find_method(call.work, call.id, "id")


@router.add(
    "POST",
    "/v1/payment_methods/{id}",
    request(
        billing_details=BILLING,
        metadata=LABELS,
        card=Fields(exp_month=Whole(1, 12), exp_year=Whole(2000, 9999)),
    ),
)
def update(call: Call) -> Doc:
    """Change a payment method's details, a card's last month among them."""
    method = call.work.get("payment_method", call.id)
    for key, value in (call.params.get("billing_details") or {}).items():
        method["billing_details"][key] = {**EMPTY_ADDRESS, **(value or {})} if key == "address" else value
    if method["type"] == "card":
        method["card"].update(given(call.params.get("card") or {}, "exp_month", "exp_year"))
    method["metadata"] = merge_labels(method["metadata"], call.params.get("metadata"))
    tell_change(call.work, "payment_method.updated", method)
    return method


@router.add("POST", "/v1/payment_methods/{id}/attach", request("customer", customer=TEXT))
def attach_method(call: Call) -> Doc:
    """Attach it to a customer; the issuer may refuse."""
    customer = call.work.live("customer", call.params["customer"], "customer")
    return attach(call.work, call.id, customer, "id")


@router.add("POST", "/v1/payment_methods/{id}/detach", request())
def detach_method(call: Call) -> Doc:
    """Take it off its customer, for good."""
    return detach(call.work, call.work.get("payment_method", call.id))


@router.add("GET", "/v1/payment_methods", listing(customer=TEXT, type=TEXT))
def list_methods(call: Call) -> Doc:
    """Attached payment methods."""
    where = given(call.params, "customer", "type")
    if "customer" not in where:
        where["customer"] = ("IS NOT", None)
    return page(call.work, "payment_method", "/v1/payment_methods", call.params, where)
