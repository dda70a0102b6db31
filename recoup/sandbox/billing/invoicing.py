"""The life of an invoice: draft, open, then paid, void or uncollectible."""

from __future__ import annotations

from recoup.sandbox.billing.lifecycle import invoice_settled, stop_collecting
from recoup.sandbox.http.errors import Doc, invalid_request
from recoup.sandbox.ids import random_text
from recoup.sandbox.objects.invoices import create_invoice_payment, line_item, pricing_of
from recoup.sandbox.objects.payments import create_intent
from recoup.sandbox.webhooks import tell, tell_change
from recoup.sandbox.work import Work


def subscription_lines(work: Work, subscription: Doc, start: int, end: int) -> list[Doc]:
    """One line for each item of the subscription, for this period."""
    lines = []
    for item in subscription["items"]["data"]:
        price, quantity = item["price"], item["quantity"]
        parent = {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": subscription["id"],
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        }
        product = work.find("product", price["product"])
        text = f"{quantity} × {product['name'] if product else price['product']}"
        extra = {
            "parent": parent,
            "pricing": pricing_of(price),
            "quantity": quantity,
            "subscription": subscription["id"],
        }
        lines.append(line_item(text, price["unit_amount"] * quantity, price["currency"], start, end, **extra))
    return lines


def pending_lines(work: Work, invoice: Doc, customer: Doc, subscription: Doc | None) -> list[Doc]:
    """Lines for the customer's pending invoice items, which then belong to this invoice."""
    lines = []
    for item in reversed(work.select("invoiceitem", {"customer": customer["id"]})):
        wanted = item["_subscription"] in (None, subscription["id"] if subscription else None)
        if item["invoice"] is not None or item["currency"] != invoice["currency"] or not wanted:
            continue
        item["invoice"] = invoice["id"]
        parent = {
            "invoice_item_details": {
                "invoice_item": item["id"],
                "proration": item["proration"],
                "proration_details": {"credited_items": None},
                "subscription": item["_subscription"],
            },
            "subscription_item_details": None,
            "type": "invoice_item_details",
        }
        period, extra = (
            item["period"],
            {"parent": parent, "pricing": item["pricing"], "quantity": item["quantity"]},
        )
        text = item["description"] or "Invoice item"
        lines.append(
            line_item(text, item["amount"], item["currency"], period["start"], period["end"], **extra)
        )
    return lines


def finalize(work: Work, invoice: Doc) -> None:
    """Draft to open: the number, the page for the customer, the PaymentIntent; nothing to pay is paid at once."""
    if invoice["status"] != "draft":
        raise invalid_request("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    work.unplan("finalize", invoice["id"])
    customer = work.get("customer", invoice["customer"])
    invoice["number"] = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    customer["next_invoice_sequence"] += 1
    work.told(customer)
    token = random_text(40)
    invoice.update(
        status="open",
        effective_at=work.now,
        ending_balance=0,
        automatically_finalizes_at=None,
        hosted_invoice_url=f"{work.base_url}/pages/invoice/{token}",
        invoice_pdf=f"{work.base_url}/pages/invoice/{token}/pdf",
        _token=token,
    )
    invoice["status_transitions"]["finalized_at"] = work.now
    if invoice["amount_due"] > 0:
        _open_payment(work, invoice)
    tell_change(work, "invoice.updated", invoice)
    tell(work, "invoice.finalized", invoice)
    if invoice["amount_due"] == 0:
        mark_paid(work, invoice)


def _open_payment(work: Work, invoice: Doc) -> None:
    reason = "Subscription update" if invoice["_subscription"] else f"Payment for Invoice {invoice['number']}"
    intent = create_intent(
        work, invoice["customer"], invoice["amount_remaining"], invoice["currency"], reason
    )
    intent["_invoice"] = invoice["id"]
    create_invoice_payment(work, invoice, intent, is_default=True)
    tell(work, "payment_intent.created", intent)
    if invoice["due_date"] is not None:
        work.plan("overdue", invoice["id"], invoice["due_date"])


def default_payment(work: Work, invoice: Doc) -> Doc | None:
    """The InvoicePayment that Stripe keeps for collecting this invoice."""
    return work.first("invoice_payment", {"invoice": invoice["id"], "is_default": 1})


def settle_payment(work: Work, payment: Doc, invoice: Doc, amount: int) -> None:
    """A payment of this amount came in for the invoice."""
    payment.update(status="paid", amount_paid=amount)
    payment["status_transitions"]["paid_at"] = work.now
    tell(work, "invoice_payment.paid", payment)
    invoice["amount_paid"] += amount
    over = invoice["amount_paid"] - invoice["amount_due"]
    invoice["amount_overpaid"] = max(over, 0)
    invoice["amount_remaining"] = max(-over, 0)
    if invoice["status"] == "paid":
        tell_change(work, "invoice.updated", invoice)
        tell(work, "invoice.overpaid", invoice)
    elif invoice["amount_remaining"] == 0:
        mark_paid(work, invoice)


def mark_paid(work: Work, invoice: Doc, *, out_of_band: bool = False) -> None:
    """Open (or uncollectible) to paid, with everything that follows from it."""
    stop_collecting(work, invoice)
    for kind in ("final", "overdue"):
        work.unplan(kind, invoice["id"])
    invoice.update(status="paid", attempted=True, status_details=None)
    if out_of_band:
        invoice["amount_paid_off_stripe"] = invoice["amount_paid"] = invoice["amount_due"]
        invoice["amount_remaining"] = 0
        cancel_payments(work, invoice, "void_invoice")
    invoice["status_transitions"]["paid_at"] = work.now
    tell_change(work, "invoice.updated", invoice)
    tell(work, "invoice.paid", invoice)
    if not out_of_band:
        tell(work, "invoice.payment_succeeded", invoice)
    invoice_settled(work, invoice)


def void(work: Work, invoice: Doc) -> None:
    """Open or uncollectible to void, for good."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise invalid_request(
            "You can only pass in open and uncollectible invoices. This invoice isn't open."
        )
    refuse_while_processing(work, invoice)
    stop_collecting(work, invoice)
    for kind in ("final", "overdue"):
        work.unplan(kind, invoice["id"])
    invoice.update(status="void", status_details=None)
    invoice["status_transitions"]["voided_at"] = work.now
    cancel_payments(work, invoice, "void_invoice")
    tell_change(work, "invoice.updated", invoice)
    tell(work, "invoice.voided", invoice)


def mark_uncollectible(work: Work, invoice: Doc, reason: str = "user_forgiven") -> None:
    """Open to uncollectible: written off, but still payable."""
    if invoice["status"] not in ("draft", "open"):
        raise invalid_request("You can only mark draft and open invoices as uncollectible.")
    if invoice["status"] == "draft":
        finalize(work, invoice)
    stop_collecting(work, invoice)
    invoice.update(status="uncollectible", status_details={"uncollectible": {"reason": reason}})
    invoice["status_transitions"]["marked_uncollectible_at"] = work.now
    tell_change(work, "invoice.updated", invoice)
    tell(work, "invoice.marked_uncollectible", invoice)
    invoice_settled(work, invoice)


def refuse_while_processing(work: Work, invoice: Doc) -> None:
    """Refuse to settle an invoice in another way while a debit for it is on its way."""
    payment = default_payment(work, invoice)
    if payment is not None and work.get("payment_intent", payment["_intent"])["status"] == "processing":
        text = "The invoice already has a payment in progress."
        raise invalid_request(text, code="payment_intent_unexpected_state")


def cancel_payments(work: Work, invoice: Doc, reason: str) -> None:
    """Close what could still collect the invoice."""
    for payment in work.select("invoice_payment", {"invoice": invoice["id"], "status": "open"}):
        payment["status"] = "canceled"
        payment["status_transitions"]["canceled_at"] = work.now
        intent = work.get("payment_intent", payment["_intent"])
        if intent["status"] not in ("succeeded", "canceled", "processing"):
            intent.update(
                status="canceled", canceled_at=work.now, cancellation_reason=reason, next_action=None
            )
            tell(work, "payment_intent.canceled", intent)
