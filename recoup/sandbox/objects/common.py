"""Parts that several objects share."""

from __future__ import annotations

from typing import Any

from recoup.sandbox.http.errors import Doc

EMPTY_ADDRESS: Doc = {
    "city": None,
    "country": None,
    "line1": None,
    "line2": None,
    "postal_code": None,
    "state": None,
}


def list_of(items: list[Any], url: str) -> Doc:
    """A complete list object."""
    return {"object": "list", "data": items, "has_more": False, "url": url}


def billing_details(given: Doc | None = None) -> Doc:
    """Billing details with every field; what is not given is null."""
    details: Doc = {
        "address": dict(EMPTY_ADDRESS),
        "email": None,
        "name": None,
        "phone": None,
        "tax_id": None,
    }
    for key, value in (given or {}).items():
        details[key] = {**EMPTY_ADDRESS, **(value or {})} if key == "address" else value
    return details


def decimal_text(minor: int | None) -> str | None:
    """A minor-unit amount as Stripe's ``…_decimal`` fields write it."""
    return None if minor is None else str(minor)
