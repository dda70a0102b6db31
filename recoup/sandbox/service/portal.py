"""The billing portal: short-lived sessions, and what a customer can do in one."""

from __future__ import annotations

from dataclasses import dataclass

from recoup.sandbox.http.errors import Doc, StripeError
from recoup.sandbox.service.methods import create_from, detach, own_method, set_default
from recoup.sandbox.service.setup import confirm_setup, create_setup_intent
from recoup.sandbox.webhooks import tell_change
from recoup.sandbox.work import Work


@dataclass(frozen=True)
class CardForm:
    """What a customer typed into a card form."""

    number: str
    exp_month: int
    exp_year: int
    cvc: str = ""
    name: str | None = None
    email: str | None = None


@dataclass(frozen=True)
class Saved:
    """How saving a card ended: saved, or a 3-D Secure page to visit first, or why not."""

    method: str | None = None
    authenticate_at: str | None = None
    error: Doc | None = None


def open_session(work: Work, token: str) -> Doc | None:
    """The portal session of an address, alive and now visited; None when there is none or it has run out."""
    session = work.first("billing_portal.session", {"_token": token})
    if session is None or work.now >= session["_expires_at"]:
        return None
    session["_expires_at"] = work.now + int(work.switches.number("portal_visited_seconds"))
    return session


def method_from_form(work: Work, form: CardForm) -> Doc:
    """A payment method from a card form; StripeError with the message for the customer when the number is none."""
    card = {"number": form.number, "exp_month": form.exp_month, "exp_year": form.exp_year, "cvc": form.cvc}
    owner = {"name": form.name, "email": form.email}
    return create_from(work, {"type": "card", "card": card, "billing_details": owner})


def save_card(work: Work, session: Doc, form: CardForm) -> Saved:
    """Save a card in the session and make it the customer's default, unless authentication comes first."""
    try:
        method = method_from_form(work, form)
    except StripeError as error:
        return Saved(error=error.error)
    intent = create_setup_intent(work, session["customer"])
    intent["_portal"] = session["id"]
    error_ = confirm_setup(work, intent, method)
    if error_ is not None:
        return Saved(error=error_.error)
    if intent["status"] == "requires_action":
        return Saved(authenticate_at=intent["next_action"]["redirect_to_url"]["url"])
    make_default(work, session["customer"], method["id"])
    return Saved(method=method["id"])


def make_default(work: Work, customer: str, method: str) -> None:
    """Make an attached payment method the customer's default, as the portal does."""
    doc = work.live("customer", customer)
    set_default(work, doc, method)
    tell_change(work, "customer.updated", doc)


def remove_method(work: Work, session: Doc, method: str) -> None:
    """Take a payment method off the session's customer."""
    detach(work, own_method(work, session["customer"], method, "payment_method"))


def methods_of(work: Work, session: Doc) -> list[Doc]:
    """What the session's customer has on file, newest first."""
    return work.select("payment_method", {"customer": session["customer"]})
