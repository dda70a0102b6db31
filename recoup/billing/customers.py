"""Customers as messages need them. What is read here is personal: it is used and let go, never kept or logged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from stripe import StripeClient

from recoup.billing.lines import described
from recoup.billing.places import usable_zone, zone_of
from recoup.messages import OpenInvoice, usable_address, usable_number
from recoup.rules.base import Wire
from recoup.rules.money import Money

TIMEZONE_KEY = "timezone"
"""The metadata key on a Stripe customer that names their time zone."""


class Contact(Wire):
    """How to write to a customer."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    """As E.164 has it."""
    locales: tuple[str, ...] = ()
    """The languages they want, the most wanted first."""
    timezone: str | None = None
    """What the customer's metadata say, or else what their address tells."""
    country: str | None = None
    """Of the address: two letters."""
    state: str | None = None
    others: tuple[str, ...] = ()
    """Mail addresses of other people of the account, in the order in which they are turned to."""


def read_contact(client: StripeClient, customer: str, others: Sequence[str] = ()) -> Contact:
    """Read name, address, language, time zone and place of a customer, and the addresses under these keys of the metadata."""
    data = client.v1.customers.retrieve(customer).to_dict()
    if data.get("deleted"):
        return Contact()
    place = data.get("address") or (data.get("shipping") or {}).get("address") or {}
    country, state = place.get("country"), place.get("state")
    email, metadata = _usable(data.get("email"), usable_address), data.get("metadata") or {}
    further = [_usable(metadata.get(key), usable_address) for key in others]
    return Contact(
        name=data.get("name"),
        email=email,
        phone=_usable(data.get("phone"), usable_number),
        locales=tuple(data.get("preferred_locales") or ()),
        timezone=usable_zone(metadata.get(TIMEZONE_KEY)) or zone_of(country, state),
        country=country,
        state=state,
        others=tuple(dict.fromkeys(each for each in further if each and each != email)),
    )


def open_invoice(data: dict[str, Any], *, failed_at: datetime) -> OpenInvoice:
    """An invoice object as an item of a message: what is still owed, or what was paid."""
    amount = data.get("amount_remaining") or data.get("amount_due") or 0
    return OpenInvoice(
        number=data.get("number") or data["id"],
        description=described(data) or data.get("number") or data["id"],
        due=Money(amount=amount, currency=data["currency"]),
        failed_at=failed_at,
        pay_url=data.get("hosted_invoice_url") if data.get("status") == "open" else None,
    )


def _usable(text: str | None, checked: Callable[[str], str]) -> str | None:
    if not text:
        return None
    try:
        return checked(text)
    except ValueError:
        return None
