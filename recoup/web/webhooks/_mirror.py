"""Whose cards or subscriptions an event changed: the customer is marked, and read again by who keeps the mirror of cards.

What the event says of the change is left alone: events come in any order, and Stripe is read anyhow.
"""

from __future__ import annotations

from recoup.web.webhooks.shapes import Event

TELLS_OF_CUSTOMER = frozenset({"customer.deleted", "customer.updated"})
TELLS_OF_OWNER = frozenset(
    """
    customer.subscription.created customer.subscription.updated customer.subscription.deleted
    customer.subscription.paused customer.subscription.resumed
    payment_method.attached payment_method.updated payment_method.automatically_updated payment_method.detached
    """.split()
)
"""Events about something that belongs to a customer; what was taken off names them in its former values."""

_ADDRESSES = frozenset({"address", "email", "name", "phone", "preferred_locales", "metadata", "description"})
"""Of a customer's own fields those that no renewal depends on."""


def touched_by(event: Event) -> str | None:
    """The customer to be read again; None where nothing of the kind was told."""
    if event.type in TELLS_OF_CUSTOMER:
        irrelevant = event.type == "customer.updated" and event.previous.keys() <= _ADDRESSES
        return None if irrelevant else event.object_id
    if event.type not in TELLS_OF_OWNER:
        return None
    return _id(event.data.object.get("customer")) or _id(event.previous.get("customer"))


def _id(value: object) -> str | None:
    """The id, also where Stripe expanded the object; None for whatever else stands there."""
    if isinstance(value, dict):
        value = value.get("id")
    fits = isinstance(value, str) and value.isascii() and value.isprintable() and 0 < len(value) <= 255
    return str(value) if fits else None
