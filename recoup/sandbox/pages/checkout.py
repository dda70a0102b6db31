"""Checkout in setup mode: the customer saves a card, and the company does the rest."""

from __future__ import annotations

from recoup.sandbox.http.errors import Doc, StripeError
from recoup.sandbox.pages._cards import Problem, listed_cards, refusal, shown_again, typed_card
from recoup.sandbox.pages._visit import Answer, Page, SendTo, Visit, merchant, message
from recoup.sandbox.service.hosted import complete_checkout
from recoup.sandbox.service.portal import CardForm, method_from_form
from recoup.sandbox.service.setup import confirm_setup
from recoup.sandbox.work import Work


def visit(visit: Visit) -> Answer:
    """Show the session, or save the card that was typed into it."""
    with visit.sandbox.work() as work:
        session = work.first("checkout.session", {"_token": visit.token})
        if session is None:
            return message("No such page", "This address was never given out.", 404)
        if session["status"] == "complete":
            return message("Done", "Your payment method is saved.", back=session["success_url"])
        if session["status"] != "open":
            text = "This page has expired. Go back to where you came from, and open it anew."
            return message("This page has expired", text, 410, session["cancel_url"])
        if not visit.posted:
            return _page(visit, work, session, None)
        card = typed_card(visit.form, work.now)
        if isinstance(card, Problem):
            return _page(visit, work, session, card)
        return _save(visit, work, session, card)


def after_completion(session: Doc) -> Answer:
    """Where a customer goes whose card was saved."""
    if not session["success_url"]:
        return message("Done", "Your payment method is saved.")
    return SendTo(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))


def leads_to(session: Doc) -> tuple[str, ...]:
    """The addresses that this session may end at."""
    return tuple(address for address in (session["success_url"], session["cancel_url"]) if address)


def _save(visit: Visit, work: Work, session: Doc, card: CardForm) -> Answer:
    intent = work.get("setup_intent", session["setup_intent"])
    try:
        error = confirm_setup(work, intent, method_from_form(work, card))
    except StripeError as refused:
        error = refused
    if error is not None:
        return _page(visit, work, session, refusal(error.error))
    if intent["status"] == "requires_action":
        return SendTo(intent["next_action"]["redirect_to_url"]["url"])
    complete_checkout(work, session)
    return after_completion(session)


def _page(visit: Visit, work: Work, session: Doc, problem: Problem | None) -> Page:
    values = {
        "title": "Save a payment method",
        "merchant": merchant(work),
        "button": "Save the card",
        "current": None,
        "return_url": session["cancel_url"],
        "invoices": [],
        "cards": listed_cards(visit.sandbox),
        "form": shown_again(visit.form),
        "problem": problem,
    }
    return Page("portal.html", values, 402 if problem else 200, leads_to(session))
