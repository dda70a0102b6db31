"""Credit notes."""

from __future__ import annotations

from recoup.sandbox.http.errors import Doc
from recoup.sandbox.http.params import Params
from recoup.sandbox.ids import new_id
from recoup.sandbox.objects.common import list_of
from recoup.sandbox.work import Work


def create_note(work: Work, invoice: Doc, amount: int, params: Params, labels: dict[str, str]) -> Doc:
    """A credit note over this amount of the invoice, before or after it was paid."""
    before = invoice["status"] != "paid"
    count = len(work.select("credit_note", {"invoice": invoice["id"]})) + 1
    note = work.create(
        "credit_note",
        amount=amount,
        amount_shipping=0,
        currency=invoice["currency"],
        customer=invoice["customer"],
        customer_account=None,
        customer_balance_transaction=None,
        discount_amount=0,
        discount_amounts=[],
        effective_at=work.now,
        invoice=invoice["id"],
        livemode=False,
        memo=params.get("memo"),
        metadata=labels,
        number=f"{invoice['number']}-CN-{count:02d}",
        out_of_band_amount=params.get("out_of_band_amount"),
        pdf=f"{invoice['invoice_pdf']}?credit_note={count}",
        post_payment_amount=0 if before else amount,
        pre_payment_amount=amount if before else 0,
        pretax_credit_amounts=[],
        reason=params.get("reason"),
        refunds=[],
        shipping_cost=None,
        status="issued",
        subtotal=amount,
        subtotal_excluding_tax=amount,
        total=amount,
        total_excluding_tax=amount,
        total_taxes=[],
        type="pre_payment" if before else "post_payment",
        voided_at=None,
        lines={},
    )
    note["lines"] = list_of([_line(amount, params.get("memo"))], f"/v1/credit_notes/{note['id']}/lines")
    return note


def _line(amount: int, memo: str | None) -> Doc:
    return {
        "id": new_id("credit_note_line_item"),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": memo or "Credit",
        "discount_amount": 0,
        "discount_amounts": [],
        "livemode": False,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity": 1,
        "tax_rates": [],
        "taxes": [],
        "type": "custom_line_item",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }
