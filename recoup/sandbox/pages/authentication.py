"""The bank's page: the customer confirms a payment, or the saving of a card, with 3-D Secure."""

from __future__ import annotations

from recoup.sandbox.http.errors import Doc
from recoup.sandbox.pages import checkout, portal
from recoup.sandbox.pages._visit import Answer, Page, SendTo, Visit, merchant, message
from recoup.sandbox.service.hosted import Challenge, Paid, challenge, complete_challenge
from recoup.sandbox.work import Work

_REFUSED = "Your bank did not confirm that it was you, so nothing was done."


def visit(visit: Visit) -> Answer:
    """Ask, or take the answer."""
    with visit.sandbox.work() as work:
        waiting = challenge(work, visit.token)
        if waiting is None:
            return message(
                "Nothing to confirm", "This was confirmed or refused before, or is no longer needed.", 410
            )
        decision = visit.form.get("decision")
        if not visit.posted or decision not in ("approve", "refuse"):
            return _page(work, waiting)
        redirect = waiting.intent["next_action"]["redirect_to_url"]
        result = complete_challenge(work, waiting, passed=decision == "approve")
        return _afterwards(work, waiting, result, redirect["return_url"])


def _afterwards(work: Work, waiting: Challenge, result: Paid, return_url: str | None) -> Answer:
    """Back to where the customer came from; whoever sent them there reads how it ended from the API."""
    origin = _origin(work, waiting)
    if result.result == "declined":
        text = str((result.error or {}).get("message") or _REFUSED)
        return message("Not confirmed", text, 402, return_url or _way_back(waiting, origin))
    if return_url:
        return SendTo(return_url)
    if waiting.invoice is not None:
        return SendTo(waiting.invoice["hosted_invoice_url"])
    if origin is None:
        return message("Confirmed", "You can close this page.")
    return portal.after_saving(origin) if _is_portal(origin) else checkout.after_completion(origin)


def _origin(work: Work, waiting: Challenge) -> Doc | None:
    """The portal or checkout session in which the card is being saved."""
    intent = waiting.intent
    if intent.get("_portal"):
        return work.get("billing_portal.session", intent["_portal"])
    return work.get("checkout.session", intent["_checkout"]) if intent.get("_checkout") else None


def _way_back(waiting: Challenge, origin: Doc | None) -> str | None:
    if waiting.invoice is not None:
        return str(waiting.invoice["hosted_invoice_url"])
    return origin["url"] if origin is not None else None


def _is_portal(origin: Doc) -> bool:
    return bool(origin["object"] == "billing_portal.session")


def _page(work: Work, waiting: Challenge) -> Page:
    origin, intent = _origin(work, waiting), waiting.intent
    leads_to: tuple[str, ...] = ()
    if origin is not None:
        leads_to = portal.leads_to(origin) if _is_portal(origin) else checkout.leads_to(origin)
    return_url = intent["next_action"]["redirect_to_url"]["return_url"]
    saving = waiting.amount is None
    values = {
        "title": "Confirm your card" if saving else "Confirm your payment",
        "question": "Do you want to save this card for later payments?"
        if saving
        else "Did you make this payment?",
        "merchant": merchant(work),
        "amount": waiting.amount,
        "currency": waiting.currency,
        "method": work.find("payment_method", _method(intent)),
    }
    return Page("authentication.html", values, leads_to=(*leads_to, *([return_url] if return_url else [])))


def _method(intent: Doc) -> str | None:
    return intent.get("_method") or (intent.get("_how") or {}).get("method")
