"""Invoices and invoice items: make, read, change, list."""

from __future__ import annotations

from typing import Any

from recoup.sandbox.billing.dunning import auto_advance_changed
from recoup.sandbox.billing.invoicing import pending_lines
from recoup.sandbox.billing.periods import DAY
from recoup.sandbox.billing.prorating import create_item
from recoup.sandbox.http.errors import Doc, invalid_parameter, invalid_request
from recoup.sandbox.http.lists import page, slice_page
from recoup.sandbox.http.params import (
    FLAG,
    LABELS,
    MOMENT,
    RANGE,
    TEXT,
    Fields,
    Text,
    Whole,
    listing,
    merge_labels,
    request,
)
from recoup.sandbox.http.routing import Call, given, router
from recoup.sandbox.objects.invoices import create_invoice, pricing_of, set_lines
from recoup.sandbox.service.methods import own_method
from recoup.sandbox.webhooks import tell, tell_change

_SHARED = request(
    auto_advance=FLAG,
    collection_method=Text("charge_automatically", "send_invoice"),
    days_until_due=Whole(0, 3650),
    due_date=MOMENT,
    default_payment_method=TEXT,
    description=TEXT,
    footer=TEXT,
    metadata=LABELS,
)


@router.add(
    "POST",
    "/v1/invoices",
    _SHARED.plus(
        customer=TEXT,
        currency=TEXT,
        subscription=TEXT,
        pending_invoice_items_behavior=Text("include", "exclude"),
    ),
)
def create(call: Call) -> Doc:
    """A draft invoice, with the customer's pending items where asked for."""
    work, params = call.work, call.params
    if not params.get("customer"):
        raise invalid_parameter("Missing required param: customer.", "customer", "parameter_missing")
    customer = work.live("customer", params["customer"], "customer")
    subscription = (
        work.get("subscription", params["subscription"], "subscription")
        if params.get("subscription")
        else None
    )
    pending = [
        item for item in work.select("invoiceitem", {"customer": customer["id"]}) if item["invoice"] is None
    ]
    currency = (params.get("currency") or (pending[0]["currency"] if pending else None) or "pln").lower()
    fields = given(params, "collection_method", "description", "footer", "due_date")
    if params.get("days_until_due") is not None:
        fields["due_date"] = work.now + params["days_until_due"] * DAY
    fields["auto_advance"] = params.get("auto_advance", False)
    fields["metadata"] = merge_labels({}, params.get("metadata"))
    invoice = create_invoice(
        work, customer, currency=currency, reason="manual", lines=[], subscription=subscription, **fields
    )
    if params.get("pending_invoice_items_behavior") == "include":
        set_lines(invoice, pending_lines(work, invoice, customer, subscription))
    if params.get("default_payment_method"):
        own_method(work, customer["id"], params["default_payment_method"], "default_payment_method")
        invoice["default_payment_method"] = params["default_payment_method"]
    tell(work, "invoice.created", invoice)
    if invoice["auto_advance"]:
        auto_advance_changed(work, invoice)
    return invoice


@router.add("GET", "/v1/invoices/{id}", request())
def retrieve(call: Call) -> Doc:
    """One invoice."""
    return call.work.get("invoice", call.id)


@router.add("POST", "/v1/invoices/{id}", _SHARED)
def update(call: Call) -> Doc:
    """Change an invoice; once it is finalized only a little may change."""
    work, params = call.work, call.params
    invoice = work.get("invoice", call.id)
    late = set(params) & {"collection_method", "days_until_due", "due_date", "description", "footer"}
    if invoice["status"] != "draft" and late:
        raise invalid_request(f"Finalized invoices can't be updated in this way: {', '.join(sorted(late))}.")
    invoice.update(given(params, "collection_method", "description", "footer", "due_date"))
    if params.get("default_payment_method"):
        own_method(work, invoice["customer"], params["default_payment_method"], "default_payment_method")
    invoice.update(given(params, "default_payment_method"))
    invoice["metadata"] = merge_labels(invoice["metadata"], params.get("metadata"))
    if "auto_advance" in params and params["auto_advance"] != invoice["auto_advance"]:
        if invoice["status"] not in ("draft", "open"):
            raise invalid_request(
                "You can't set auto_advance on an invoice that is paid, void or uncollectible."
            )
        invoice["auto_advance"] = params["auto_advance"]
        auto_advance_changed(work, invoice)
    tell_change(work, "invoice.updated", invoice)
    return invoice


@router.add("DELETE", "/v1/invoices/{id}", request())
def delete(call: Call) -> Doc:
    """Delete a draft."""
    invoice = call.work.get("invoice", call.id)
    if invoice["status"] != "draft" or invoice["_subscription"]:
        raise invalid_request("You can only delete draft invoices that do not belong to a subscription.")
    for item in call.work.select("invoiceitem", {"invoice": call.id}):
        item["invoice"] = None
    call.work.unplan("finalize", call.id)
    tell(call.work, "invoice.deleted", invoice)
    call.work.remove(invoice)
    return {"id": call.id, "object": "invoice", "deleted": True}


@router.add(
    "GET",
    "/v1/invoices",
    listing(
        customer=TEXT,
        subscription=TEXT,
        status=Text("draft", "open", "paid", "uncollectible", "void"),
        collection_method=TEXT,
        created=RANGE,
        due_date=RANGE,
    ),
)
def list_invoices(call: Call) -> Doc:
    """Invoices, newest first."""
    where: dict[str, Any] = given(call.params, "customer", "status", "collection_method")
    if call.params.get("subscription"):
        where["_subscription"] = call.params["subscription"]
    return page(call.work, "invoice", "/v1/invoices", call.params, where)


@router.add("GET", "/v1/invoices/{id}/lines", listing())
def list_lines(call: Call) -> Doc:
    """The lines of one invoice."""
    invoice = call.work.get("invoice", call.id)
    return slice_page(invoice["lines"]["data"], f"/v1/invoices/{call.id}/lines", call.params)


@router.add(
    "POST",
    "/v1/invoiceitems",
    request(
        "customer",
        customer=TEXT,
        amount=Whole(-99_999_999, 99_999_999),
        currency=TEXT,
        description=TEXT,
        invoice=TEXT,
        subscription=TEXT,
        quantity=Whole(0, 10**6),
        pricing=Fields(("price",), price=TEXT),
        metadata=LABELS,
    ),
)
def create_invoice_item(call: Call) -> Doc:
    """A pending item, or one on a draft invoice."""
    work, params = call.work, call.params
    customer = work.live("customer", params["customer"], "customer")
    quantity = params.get("quantity", 1)
    fields: dict[str, Any] = {"description": params.get("description"), "quantity": quantity}
    fields["quantity_decimal"] = str(quantity)
    amount, currency = params.get("amount"), params.get("currency")
    if params.get("pricing"):
        price = work.live("price", params["pricing"]["price"], "pricing[price]")
        amount, currency = price["unit_amount"] * quantity, price["currency"]
        fields["pricing"] = pricing_of(price)
    if amount is None or not currency:
        raise invalid_parameter("Missing required param: amount.", "amount", "parameter_missing")
    fields["metadata"] = merge_labels({}, params.get("metadata"))
    fields["_subscription"] = params.get("subscription")
    item = create_item(work, customer["id"], amount, currency.lower(), **fields)
    if params.get("invoice"):
        invoice = work.get("invoice", params["invoice"], "invoice")
        if invoice["status"] != "draft":
            raise invalid_request("The invoice is no longer editable.", code="invoice_not_editable")
        set_lines(invoice, invoice["lines"]["data"] + pending_lines(work, invoice, customer, None))
        tell_change(work, "invoice.updated", invoice)
    return item


@router.add("GET", "/v1/invoiceitems/{id}", request())
def retrieve_invoice_item(call: Call) -> Doc:
    """One invoice item."""
    return call.work.get("invoiceitem", call.id)


@router.add("GET", "/v1/invoiceitems", listing(customer=TEXT, invoice=TEXT, pending=FLAG))
def list_invoice_items(call: Call) -> Doc:
    """Invoice items, newest first."""
    where: dict[str, Any] = given(call.params, "customer", "invoice")
    if "pending" in call.params:
        where["invoice"] = ("IS" if call.params["pending"] else "IS NOT", None)
    return page(call.work, "invoiceitem", "/v1/invoiceitems", call.params, where)
