"""The sandbox's own books: for each invoice what was asked, what came in, and how."""

from __future__ import annotations

from typing import Any

from recoup.sandbox.work import Work


def books(work: Work) -> list[dict[str, Any]]:
    """One entry for each invoice, oldest first: the proof that a paid one has exactly one successful charge."""
    charges: dict[str, list[dict[str, Any]]] = {}
    for charge in reversed(work.select("charge")):
        charges.setdefault(charge["_invoice"], []).append(charge)
    refunds: dict[str, list[dict[str, Any]]] = {}
    for refund in reversed(work.select("refund")):
        entry = {"id": refund["id"], "amount": refund["amount"]}
        refunds.setdefault(refund["charge"], []).append(entry)
    entries = []
    for invoice in reversed(work.select("invoice")):
        own = charges.get(invoice["id"], [])
        entries.append(
            {
                "id": invoice["id"],
                "customer": invoice["customer"],
                "subscription": invoice["_subscription"],
                "status": invoice["status"],
                "billing_reason": invoice["billing_reason"],
                "amount_due": invoice["amount_due"],
                "amount_paid": invoice["amount_paid"],
                "currency": invoice["currency"],
                "paid_out_of_band": invoice["amount_paid_off_stripe"] > 0,
                "charges": [charge["id"] for charge in own],
                "successful_charges": [charge["id"] for charge in own if charge["status"] == "succeeded"],
                "automatic_charges": [
                    charge["id"]
                    for charge in own
                    if charge["status"] == "succeeded" and charge.get("_automatic")
                ],
                "pending_charges": [charge["id"] for charge in own if charge["status"] == "pending"],
                "failed_charges": len([charge for charge in own if charge["status"] == "failed"]),
                "refunds": [refund for charge in own for refund in refunds.get(charge["id"], [])],
            }
        )
    return entries
