"""What happens from outside, on request: a bank takes a charge back, a network renews a card."""

from __future__ import annotations

from typing import Any

from recoup.sandbox.billing.periods import DAY
from recoup.sandbox.http.errors import Doc, invalid_request
from recoup.sandbox.ids import type_of
from recoup.sandbox.objects.methods import create_card
from recoup.sandbox.objects.payments import create_dispute
from recoup.sandbox.webhooks import tell, tell_about, tell_change
from recoup.sandbox.work import Work, public

_DUE_DAYS = 9


def open_dispute(work: Work, charge_id: str, reason: str) -> Doc:
    """The customer's bank disputes a charge that succeeded."""
    charge = work.get("charge", charge_id, "charge")
    if charge["status"] != "succeeded" or charge["disputed"]:
        raise invalid_request(
            f"Charge {charge_id} cannot be disputed: it did not succeed, or is disputed already"
        )
    charge["disputed"] = True
    tell_change(work, "charge.updated", charge)
    dispute = create_dispute(work, charge, reason, work.now + _DUE_DAYS * DAY)
    tell(work, "charge.dispute.created", dispute)
    return public(dispute)


def close_dispute(work: Work, dispute_id: str, status: str) -> Doc:
    """The dispute is decided."""
    dispute = work.get("dispute", dispute_id, "dispute")
    if status not in ("won", "lost") or dispute["status"] in ("won", "lost"):
        raise invalid_request("An open dispute is closed as won or lost")
    dispute["status"] = status
    tell(work, "charge.dispute.closed", dispute)
    return public(dispute)


def tell_anything(work: Work, given: dict[str, Any]) -> Doc:
    """Tell an event of any type, known or not, about an object of the sandbox (its id) or any other (as JSON)."""
    type_, about = given.get("type"), given.get("object")
    if not isinstance(type_, str) or not type_:
        raise invalid_request("An event needs its type")
    if isinstance(about, str):
        known = type_of(about)
        if known is None:
            raise invalid_request(f"No object has the id {about!r}")
        return public(tell(work, type_, work.get(known, about, "object")))
    if not isinstance(about, dict):
        raise invalid_request("An event needs its object: an id, or a JSON object")
    return public(tell_about(work, type_, public(about)))


def renew_card(work: Work, given: dict[str, Any]) -> Doc:
    """The network's card updater tells a new expiry, or (``card``: a token of a known card) a new number."""
    method = work.get("payment_method", str(given.get("payment_method")), "payment_method")
    if method["type"] != "card" or method["customer"] is None:
        raise invalid_request("Only attached cards are updated")
    if given.get("card"):
        known = work.issuer.by_id(str(given["card"]))
        if known is None:
            raise invalid_request(f"No card is called {given['card']!r}")
        fresh = create_card(work, known)
        method["card"] = fresh["card"]
        method.update(_card=fresh["_card"], _fingerprint=fresh["_fingerprint"])
        work.remove(fresh)
    for name in ("exp_month", "exp_year"):
        if name in given:
            method["card"][name] = int(given[name])
    previous = work.changed_since_told(method)
    tell(work, "payment_method.automatically_updated", method, previous)
    return public(method)
