"""Customers."""

from __future__ import annotations

from recoup.sandbox.http.errors import Doc, missing
from recoup.sandbox.http.lists import page
from recoup.sandbox.http.params import (
    ADDRESS,
    LABELS,
    RANGE,
    TEXT,
    Fields,
    Many,
    Params,
    Text,
    listing,
    merge_labels,
    request,
)
from recoup.sandbox.http.routing import Call, given, router
from recoup.sandbox.objects.common import EMPTY_ADDRESS
from recoup.sandbox.objects.subscriptions import create_customer
from recoup.sandbox.service.methods import attach, set_default
from recoup.sandbox.service.removal import delete_customer
from recoup.sandbox.webhooks import tell, tell_change
from recoup.sandbox.work import Work

_PLAIN = ("description", "email", "name", "phone", "preferred_locales", "tax_exempt")
_FIELDS = request(
    address=ADDRESS,
    description=TEXT,
    email=Text(longest=512),
    name=TEXT,
    phone=TEXT,
    preferred_locales=Many(TEXT),
    tax_exempt=Text("none", "exempt", "reverse"),
    metadata=LABELS,
    invoice_settings=Fields(default_payment_method=TEXT, footer=TEXT),
)


@router.add("POST", "/v1/customers", _FIELDS.plus(payment_method=TEXT, test_clock=TEXT, invoice_prefix=TEXT))
def create(call: Call) -> Doc:
    """A new customer; a payment method given with it is attached."""
    fields = given(call.params, "test_clock", "invoice_prefix")
    if "test_clock" in fields:
        call.work.live("test_helpers.test_clock", fields["test_clock"], "test_clock")
    customer = create_customer(call.work, **fields)
    _apply(
        call.work, customer, {key: value for key, value in call.params.items() if key != "invoice_settings"}
    )
    tell(call.work, "customer.created", customer)
    if call.params.get("payment_method"):
        attach(call.work, call.params["payment_method"], customer, "payment_method")
    if call.params.get("invoice_settings"):
        _apply(call.work, customer, {"invoice_settings": call.params["invoice_settings"]})
        tell_change(call.work, "customer.updated", customer)
    return customer


@router.add("GET", "/v1/customers/{id}", request())
def retrieve(call: Call) -> Doc:
    """One customer; a deleted one says so."""
    customer = call.work.get("customer", call.id)
    return {"id": call.id, "object": "customer", "deleted": True} if customer.get("deleted") else customer


@router.add("POST", "/v1/customers/{id}", _FIELDS)
def update(call: Call) -> Doc:
    """Change a customer; the default payment method too."""
    customer = call.work.live("customer", call.id)
    _apply(call.work, customer, call.params)
    tell_change(call.work, "customer.updated", customer)
    return customer


@router.add("DELETE", "/v1/customers/{id}", request())
def delete(call: Call) -> Doc:
    """Delete a customer: subscriptions end, payment methods come off."""
    delete_customer(call.work, call.work.live("customer", call.id))
    return {"id": call.id, "object": "customer", "deleted": True}


@router.add("GET", "/v1/customers", listing(email=TEXT, created=RANGE, test_clock=TEXT))
def list_customers(call: Call) -> Doc:
    """Customers, newest first."""
    return page(
        call.work, "customer", "/v1/customers", call.params, given(call.params, "email", "test_clock")
    )


@router.add("GET", "/v1/customers/{id}/payment_methods", listing(type=TEXT))
def list_payment_methods(call: Call) -> Doc:
    """What the customer has attached."""
    call.work.live("customer", call.id)
    where = {"customer": call.id, **given(call.params, "type")}
    return page(call.work, "payment_method", f"/v1/customers/{call.id}/payment_methods", call.params, where)


@router.add("GET", "/v1/customers/{customer}/payment_methods/{id}", request())
def retrieve_payment_method(call: Call) -> Doc:
    """One payment method of the customer."""
    method = call.work.get("payment_method", call.id)
    if method["customer"] != call.path["customer"]:
        raise missing("payment_method", call.id, "id")
    return method


def _apply(work: Work, customer: Doc, params: Params) -> None:
    customer.update(given(params, *_PLAIN))
    customer["preferred_locales"] = customer["preferred_locales"] or []
    if "address" in params:
        customer["address"] = {**EMPTY_ADDRESS, **params["address"]} if params["address"] else None
    customer["metadata"] = merge_labels(customer["metadata"], params.get("metadata"))
    settings = params.get("invoice_settings") or {}
    if "footer" in settings:
        customer["invoice_settings"]["footer"] = settings["footer"]
    if "default_payment_method" in settings:
        set_default(work, customer, settings["default_payment_method"])
