"""Invoices: finalize, pay, void, write off, send; their payments and credit notes."""

from __future__ import annotations

from typing import Any

from recoup.sandbox.billing import invoicing, partial
from recoup.sandbox.billing.collecting import collect, resolve_method
from recoup.sandbox.http.errors import Doc, StripeError, invalid_request
from recoup.sandbox.http.lists import page
from recoup.sandbox.http.params import (
    FLAG,
    LABELS,
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
from recoup.sandbox.objects.credit_notes import create_note
from recoup.sandbox.service.methods import own_method
from recoup.sandbox.webhooks import tell, tell_change


@router.add("POST", "/v1/invoices/{id}/finalize", request(auto_advance=FLAG))
def finalize(call: Call) -> Doc:
    """Draft to open."""
    invoice = call.work.get("invoice", call.id)
    if "auto_advance" in call.params:
        invoice["auto_advance"] = call.params["auto_advance"]
    invoicing.finalize(call.work, invoice)
    return invoice


@router.add(
    "POST",
    "/v1/invoices/{id}/pay",
    request(
        payment_method=TEXT, off_session=FLAG, paid_out_of_band=FLAG, forgive=FLAG, mandate=TEXT, source=TEXT
    ),
    locks=True,
)
def pay(call: Call) -> Doc:
    """Try to collect the invoice now; a decline is answered with 402, and stands."""
    work, params = call.work, call.params
    invoice = work.get("invoice", call.id)
    status = work.seen.get(call.id, invoice["status"])
    if status == "paid":
        raise invalid_request("Invoice is already paid")
    if status == "void":
        raise invalid_request("Voided invoices can't be paid.")
    if invoice["status"] == "draft":
        invoicing.finalize(work, invoice)
    if params.get("source"):
        raise invalid_request("The sandbox has no sources; pass payment_method.", param="source")
    if params.get("paid_out_of_band") or (params.get("forgive") and invoice["amount_remaining"] <= 0):
        invoicing.refuse_while_processing(work, invoice)
        invoicing.mark_paid(work, invoice, out_of_band=True)
        return invoice
    method = resolve_method(work, invoice)
    if params.get("payment_method"):
        method = own_method(work, invoice["customer"], params["payment_method"], "payment_method")
    on_session = not params.get("off_session", True)
    collect(work, invoice, method, on_session=on_session).check()
    return invoice


@router.add(
    "POST", "/v1/invoices/{id}/attach_payment", request("payment_intent", payment_intent=TEXT), locks=True
)
def attach_payment(call: Call) -> Doc:
    """Credit a payment that was made apart from the invoice to it."""
    invoice = call.work.get("invoice", call.id)
    intent = call.work.get("payment_intent", call.params["payment_intent"], "payment_intent")
    partial.attach(call.work, invoice, intent)
    return invoice


@router.add("POST", "/v1/invoices/{id}/void", request(), locks=True)
def void(call: Call) -> Doc:
    """Make the invoice void, for good."""
    invoice = call.work.get("invoice", call.id)
    invoicing.void(call.work, invoice)
    return invoice


@router.add("POST", "/v1/invoices/{id}/mark_uncollectible", request(), locks=True)
def mark_uncollectible(call: Call) -> Doc:
    """Write the invoice off; it can still be paid."""
    invoice = call.work.get("invoice", call.id)
    invoicing.mark_uncollectible(call.work, invoice)
    return invoice


@router.add("POST", "/v1/invoices/{id}/send", request())
def send(call: Call) -> Doc:
    """Send the invoice to the customer (nothing is sent; the event is told)."""
    invoice = call.work.get("invoice", call.id)
    if invoice["status"] == "draft":
        invoicing.finalize(call.work, invoice)
    if invoice["status"] != "open":
        raise invalid_request("You can only send open invoices.")
    tell(call.work, "invoice.sent", invoice)
    return invoice


@router.add(
    "GET",
    "/v1/invoice_payments",
    listing(
        invoice=TEXT,
        status=Text("open", "paid", "canceled"),
        payment=Fields(
            ("type",), type=Text("payment_intent", "charge", "payment_record"), payment_intent=TEXT
        ),
        created=RANGE,
    ),
)
def list_payments(call: Call) -> Doc:
    """What pays an invoice, or which invoice a PaymentIntent pays."""
    params = call.params
    where: dict[str, Any] = {key: params[key] for key in ("invoice", "status") if key in params}
    if params.get("payment"):
        where["_intent"] = params["payment"].get("payment_intent") or "none"
    return page(call.work, "invoice_payment", "/v1/invoice_payments", params, where)


@router.add("GET", "/v1/invoice_payments/{id}", request())
def retrieve_payment(call: Call) -> Doc:
    """One InvoicePayment."""
    return call.work.get("invoice_payment", call.id)


@router.add(
    "POST",
    "/v1/credit_notes",
    request(
        "invoice",
        invoice=TEXT,
        amount=Whole(1),
        memo=TEXT,
        reason=Text("duplicate", "fraudulent", "order_change", "product_unsatisfactory"),
        refund_amount=Whole(0),
        credit_amount=Whole(0),
        out_of_band_amount=Whole(0),
        metadata=LABELS,
    ),
)
def create_credit_note(call: Call) -> Doc:
    """Lower what an open invoice asks for, or note what was given back of a paid one."""
    work, params = call.work, call.params
    invoice = work.get("invoice", params["invoice"], "invoice")
    if invoice["status"] not in ("open", "paid", "uncollectible"):
        raise invalid_request("You can only create credit notes for finalized invoices.")
    before = invoice["status"] != "paid"
    most = invoice["amount_remaining"] if before else invoice["amount_paid"]
    amount = params.get("amount") or most
    if amount > most or amount <= 0:
        text = f"The amount of the credit note must be between 1 and {most}."
        raise StripeError(400, "invalid_request_error", text, param="amount")
    note = create_note(work, invoice, amount, params, merge_labels({}, params.get("metadata")))
    _settle_credit(call, invoice, amount, before=before)
    tell(work, "credit_note.created", note)
    return note


@router.add("GET", "/v1/credit_notes/{id}", request())
def retrieve_credit_note(call: Call) -> Doc:
    """One credit note."""
    return call.work.get("credit_note", call.id)


@router.add("GET", "/v1/credit_notes", listing(invoice=TEXT, customer=TEXT, created=RANGE))
def list_credit_notes(call: Call) -> Doc:
    """Credit notes, newest first."""
    where = given(call.params, "invoice", "customer")
    return page(call.work, "credit_note", "/v1/credit_notes", call.params, where)


def _settle_credit(call: Call, invoice: Doc, amount: int, *, before: bool) -> None:
    if not before:
        invoice["post_payment_credit_notes_amount"] += amount
    else:
        invoice["pre_payment_credit_notes_amount"] += amount
        invoice["amount_due"] -= amount
        invoice["amount_remaining"] -= amount
        partial.keep_in_step(call.work, invoice)
    tell_change(call.work, "invoice.updated", invoice)
    if before and invoice["amount_remaining"] == 0:
        invoicing.mark_paid(call.work, invoice)
