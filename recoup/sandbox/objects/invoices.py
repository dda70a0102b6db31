"""Invoices, their lines and their payments."""

from __future__ import annotations

from typing import Any

from recoup.sandbox.http.errors import Doc
from recoup.sandbox.ids import new_id
from recoup.sandbox.objects.common import list_of
from recoup.sandbox.work import Work


def create_invoice(
    work: Work, customer: Doc, *, currency: str, reason: str, lines: list[Doc], **fields: Any
) -> Doc:
    """A draft invoice with its totals worked out of the lines."""
    subscription = fields.pop("subscription", None)
    invoice = work.create("invoice", **_blank(work, customer, currency, reason))
    invoice["_subscription"] = subscription["id"] if subscription else None
    if subscription:
        invoice["parent"] = {
            "quote_details": None,
            "subscription_details": {
                "metadata": dict(subscription["metadata"]),
                "subscription": subscription["id"],
            },
            "type": "subscription_details",
        }
    invoice.update(fields)
    set_lines(invoice, lines)
    return invoice


def set_lines(invoice: Doc, lines: list[Doc]) -> None:
    """Put the lines on a draft and work out its totals."""
    for line in lines:
        line["invoice"] = invoice["id"]
    total = sum(line["amount"] for line in lines)
    invoice["lines"] = list_of(lines, f"/v1/invoices/{invoice['id']}/lines")
    for field in ("subtotal", "total", "subtotal_excluding_tax", "total_excluding_tax"):
        invoice[field] = total
    invoice["amount_due"] = invoice["amount_remaining"] = max(total, 0)


def line_item(description: str, amount: int, currency: str, start: int, end: int, **fields: Any) -> Doc:
    """One line of an invoice."""
    return {
        "id": new_id("line_item"),
        "object": "line_item",
        "amount": amount,
        "currency": currency,
        "description": description,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "parent": None,
        "period": {"end": end, "start": start},
        "pretax_credit_amounts": [],
        "pricing": None,
        "quantity": 1,
        "quantity_decimal": str(fields.get("quantity", 1)),
        "subscription": None,
        "subtotal": amount,
        "taxes": [],
        **fields,
    }


def pricing_of(price: Doc) -> Doc:
    """The ``pricing`` of a line or invoice item that stands for a price."""
    return {
        "price_details": {"price": price["id"], "product": price["product"]},
        "type": "price_details",
        "unit_amount_decimal": price["unit_amount_decimal"],
    }


def create_invoice_payment(work: Work, invoice: Doc, intent: Doc, *, is_default: bool) -> Doc:
    """The link between an invoice and a PaymentIntent that pays it."""
    return work.create(
        "invoice_payment",
        amount_paid=None,
        amount_requested=intent["amount"],
        currency=invoice["currency"],
        invoice=invoice["id"],
        is_default=is_default,
        livemode=False,
        payment={"payment_intent": intent["id"], "type": "payment_intent"},
        status="open",
        status_transitions={"canceled_at": None, "paid_at": None},
        _intent=intent["id"],
    )


def _blank(work: Work, customer: Doc, currency: str, reason: str) -> Doc:
    return {
        "account_country": "PL",
        "account_name": "Recoup sandbox",
        "account_tax_ids": None,
        "amount_due": 0,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_paid_off_stripe": 0,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": _no_tax() | {"provider": None, "status": None},
        "automatically_finalizes_at": None,
        "billing_reason": reason,
        "collection_method": "charge_automatically",
        "currency": currency,
        "custom_fields": None,
        "customer": customer["id"],
        "customer_account": None,
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": None,
        "customer_tax_exempt": customer["tax_exempt"],
        "customer_tax_ids": [],
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "due_date": None,
        "effective_at": None,
        "ending_balance": None,
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": list_of([], ""),
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None,
        "number": None,
        "on_behalf_of": None,
        "parent": None,
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": work.now,
        "period_start": work.now,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": "draft",
        "status_details": None,
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "subtotal": 0,
        "subtotal_excluding_tax": 0,
        "test_clock": customer.get("test_clock"),
        "total": 0,
        "total_discount_amounts": [],
        "total_excluding_tax": 0,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": None,
    }


def _no_tax() -> Doc:
    return {"disabled_reason": None, "enabled": False, "liability": None}
