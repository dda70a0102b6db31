"""The billing portal: the customer puts another card on file."""

from __future__ import annotations

from recoup.sandbox.http.errors import Doc
from recoup.sandbox.pages._cards import Problem, listed_cards, refusal, shown_again, typed_card
from recoup.sandbox.pages._visit import Answer, Page, SendTo, Visit, merchant, message
from recoup.sandbox.service.portal import open_session, save_card
from recoup.sandbox.work import Work

_GONE = "Links to the billing portal work for a few minutes only. Go back to where you came from, and open it anew."


def visit(visit: Visit) -> Answer:
    """Show the session, or save the card that was typed into it."""
    with visit.sandbox.work() as work:
        session = open_session(work, visit.token)
        if session is None:
            return message("This link has expired", _GONE, 410)
        flow = session["flow"]
        if flow is not None and flow["type"] != "payment_method_update":
            return message(
                "Not in the sandbox",
                f"The sandbox's portal has no {flow['type']}.",
                501,
                session["return_url"],
            )
        if not visit.posted:
            return _page(visit, work, session, None)
        card = typed_card(visit.form, work.now)
        if isinstance(card, Problem):
            return _page(visit, work, session, card)
        saved = save_card(work, session, card)
        if saved.authenticate_at is not None:
            return SendTo(saved.authenticate_at)
        if saved.error is not None:
            return _page(visit, work, session, refusal(saved.error))
        return after_saving(session)


def after_saving(session: Doc) -> Answer:
    """Where a customer goes whose card was saved, as the flow says."""
    after = (session["flow"] or {}).get("after_completion") or {"type": "portal_homepage"}
    if after["type"] == "redirect":
        return SendTo(after["redirect"]["return_url"])
    if after["type"] == "hosted_confirmation":
        text = (after.get("hosted_confirmation") or {}).get("custom_message")
        return message("Thank you", text or "Your payment method was updated.", back=session["return_url"])
    return SendTo(session["url"])


def leads_to(session: Doc) -> tuple[str, ...]:
    """The addresses that saving a card in this session may end at."""
    after = (session["flow"] or {}).get("after_completion") or {}
    addresses = (session["return_url"], (after.get("redirect") or {}).get("return_url"))
    return tuple(address for address in addresses if address)


def _page(visit: Visit, work: Work, session: Doc, problem: Problem | None) -> Page:
    customer = work.get("customer", session["customer"])
    values = {
        "title": "Update your payment method",
        "merchant": merchant(work),
        "button": "Save the card",
        "current": work.find("payment_method", customer["invoice_settings"]["default_payment_method"]),
        "return_url": session["return_url"],
        "invoices": []
        if session["flow"]
        else work.select("invoice", {"customer": customer["id"], "status": "open"}),
        "cards": listed_cards(visit.sandbox),
        "form": shown_again(visit.form),
        "problem": problem,
    }
    return Page("portal.html", values, 402 if problem else 200, leads_to(session))
