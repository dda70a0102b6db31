"""The hosted invoice: what is owed, and every way to pay it."""

from __future__ import annotations

from recoup.sandbox.billing.collecting import resolve_method
from recoup.sandbox.http.errors import Doc
from recoup.sandbox.pages._cards import Problem, listed_cards, refusal, shown_again, typed_card
from recoup.sandbox.pages._visit import Answer, Page, SendTo, Visit, merchant, message
from recoup.sandbox.service import hosted
from recoup.sandbox.work import Work

_TITLES = {
    "paid": "This invoice is paid",
    "void": "This invoice was cancelled",
    "uncollectible": "You owe",
    "open": "You owe",
}
_NOTICES = {
    "processing": "Your payment is on its way. Your bank needs a few days to answer.",
    "void": "There is nothing to pay any more.",
    "paid": "Thank you. There is nothing left to pay.",
}
_OTHER_WAYS = {"blik": ("pln",), "bank_transfer": ("pln", "eur")}


def visit(visit: Visit) -> Answer:
    """Show the invoice, or pay it in the way that was chosen."""
    with visit.sandbox.work() as work:
        invoice = hosted.hosted_invoice(work, visit.token)
        if invoice is None:
            return message("No such page", "There is no such invoice, or its page has expired.", 404)
        if not visit.posted:
            return _page(visit, work, invoice, None)
        paid = _pay(visit, work, invoice)
        if isinstance(paid, Problem):
            return _page(visit, work, invoice, paid)
        if paid.authenticate_at is not None:
            return SendTo(paid.authenticate_at)
        if paid.result == "declined":
            return _page(visit, work, invoice, refusal(paid.error))
        return SendTo(invoice["hosted_invoice_url"])


def print_out(visit: Visit) -> Answer:
    """The invoice to keep; Stripe has a PDF here, the sandbox shows the page without its forms."""
    with visit.sandbox.work() as work:
        invoice = hosted.hosted_invoice(work, visit.token)
        if invoice is None:
            return message("No such page", "There is no such invoice, or its page has expired.", 404)
        page = _page(visit, work, invoice, None)
        return Page(page.template, {**page.values, "payable": False}, page.status)


def _pay(visit: Visit, work: Work, invoice: Doc) -> hosted.Paid | Problem:
    way = visit.form.get("method", "card")
    if way == "saved":
        method = resolve_method(work, invoice)
        return (
            Problem("No card is on file.")
            if method is None
            else hosted.pay_with_method(work, invoice, method)
        )
    if way in _ways(invoice):
        code = visit.form.get("code", "").replace(" ", "")
        if way == "blik" and not (code.isascii() and code.isdigit() and len(code) == 6):
            return Problem("A BLIK code has six digits.", "code")
        return hosted.pay_with_other(work, invoice, way)
    if way != "card":
        return Problem("This invoice cannot be paid in that way.")
    card = typed_card(visit.form, work.now)
    return card if isinstance(card, Problem) else hosted.pay_with_card(work, invoice, card)


def _ways(invoice: Doc) -> list[str]:
    return [way for way in hosted.OTHER_WAYS if invoice["currency"] in _OTHER_WAYS[way]]


def _page(visit: Visit, work: Work, invoice: Doc, problem: Problem | None) -> Page:
    processing = _is_processing(work, invoice)
    payable = hosted.is_payable(invoice) and not processing
    paid = invoice["status"] == "paid"
    values = {
        "title": _TITLES[invoice["status"]],
        "merchant": merchant(work),
        "invoice": invoice,
        "shown_amount": invoice["amount_paid"] if paid else invoice["amount_remaining"],
        "notice": _NOTICES.get("processing" if processing else invoice["status"]),
        "payable": payable,
        "saved": resolve_method(work, invoice) if payable else None,
        "others": _ways(invoice),
        "cards": listed_cards(visit.sandbox),
        "form": shown_again(visit.form),
        "problem": problem,
    }
    return Page("invoice.html", values, 402 if problem else 200)


def _is_processing(work: Work, invoice: Doc) -> bool:
    return work.first("payment_intent", {"_invoice": invoice["id"], "status": "processing"}) is not None
