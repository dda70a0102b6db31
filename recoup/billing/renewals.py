"""Renewals to come, with the card that each will be charged with: what the mirror of cards is made from.

A subscription's own default beats the customer's (Stripe, "payment method precedence"), so one reading of subscriptions with both
expanded tells everything. Stripe lists no cards by their expiry.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from stripe import StripeClient

from recoup.billing.invoices import moment, object_of
from recoup.ledger import Mirrored, MirroredCard, MirroredRenewal
from recoup.rules.base import Wire

PAGE = 100
"""Subscriptions on a page of Stripe's, the most that there can be."""

_EXPAND = ["data.default_payment_method", "data.customer.invoice_settings.default_payment_method"]
_RENEWS = ("active", "trialing", "past_due")


class RenewalsPage(Mirrored):
    """One page of all subscriptions."""

    looked: int
    after: str | None
    """Where the next page begins; None after the last."""


def read_renewals(client: StripeClient, after: str | None) -> RenewalsPage:
    """One page of the account's subscriptions: one call."""
    params: Any = {"limit": PAGE, "expand": _EXPAND, **({"starting_after": after} if after else {})}
    found = client.v1.subscriptions.list(params)
    page = [subscription.to_dict() for subscription in found.data]
    mirrored = mirrored_from(page)
    last = page[-1]["id"] if found.has_more and page else None
    return RenewalsPage(renewals=mirrored.renewals, cards=mirrored.cards, looked=len(page), after=last)


def read_customer_renewals(client: StripeClient, customer: str) -> Mirrored:
    """All that one customer's subscriptions will renew with: one call for each hundred of them."""
    params: Any = {"customer": customer, "limit": PAGE, "expand": _EXPAND}
    found = client.v1.subscriptions.list(params)
    return mirrored_from([subscription.to_dict() for subscription in found.auto_paging_iter()])


def mirrored_from(subscriptions: list[dict[str, Any]]) -> Mirrored:
    """What the mirror keeps of subscription objects, expanded as above."""
    renewals: list[MirroredRenewal] = []
    cards: dict[str, MirroredCard] = {}
    for data in subscriptions:
        if not _renews(data):
            continue
        method = _method_of(data)
        card = card_of(method) if method else None
        if card is not None:
            cards[card.method] = card
        renewals.append(_renewal(data, card.method if card else None))
    return Mirrored(renewals=tuple(renewals), cards=tuple(cards.values()))


def card_of(method: dict[str, Any]) -> MirroredCard | None:
    """A payment method object as the mirror keeps it; None for what is no card, or belongs to nobody."""
    details = method.get("card") if method.get("type") == "card" else None
    customer = object_of(method.get("customer")).get("id")
    if not details or not customer or not details.get("exp_year"):
        return None
    return MirroredCard(
        method=method["id"],
        customer=customer,
        brand=details.get("brand"),
        funding=details.get("funding"),
        country=details.get("country"),
        fingerprint=details.get("fingerprint"),
        issuer=details.get("issuer"),
        bin=details.get("iin"),
        exp_year=details["exp_year"],
        exp_month=details["exp_month"],
    )


def _renews(data: dict[str, Any]) -> bool:
    """Whether it will be charged by itself again."""
    return (
        data.get("status") in _RENEWS
        and data.get("collection_method") == "charge_automatically"
        and not data.get("cancel_at_period_end")
        and not data.get("cancel_at")
        and not data.get("pause_collection")
        and not object_of(data.get("customer")).get("deleted")
        and bool((data.get("items") or {}).get("data"))
    )


def _method_of(data: dict[str, Any]) -> dict[str, Any] | None:
    """The method that it will be charged with, whole; None where there is none, or a legacy source comes first."""
    own = data.get("default_payment_method")
    if own or data.get("default_source"):
        return object_of(own) if own else None
    settings = object_of(data.get("customer")).get("invoice_settings") or {}
    default = settings.get("default_payment_method")
    return object_of(default) if default else None


def _renewal(data: dict[str, Any], method: str | None) -> MirroredRenewal:
    items = data["items"]["data"]
    recurring = (items[0].get("price") or {}).get("recurring") or {}
    return MirroredRenewal(
        subscription=data["id"],
        customer=object_of(data["customer"])["id"],
        method=method,
        renews_at=moment(min(item["current_period_end"] for item in items)),
        interval=recurring.get("interval") or "month",
        interval_count=recurring.get("interval_count") or 1,
        charged_at=None if data.get("status") == "trialing" else _began(items),
        amount=_amount(items),
        currency=data.get("currency"),
    )


def _began(items: list[dict[str, Any]]) -> datetime | None:
    starts = [item["current_period_start"] for item in items if item.get("current_period_start")]
    return moment(min(starts)) if starts else None


def _amount(items: list[dict[str, Any]]) -> int | None:
    """What the items come to, before discounts and taxes; None where one of them depends on use."""
    parts = [
        price["unit_amount"] * (item.get("quantity") or 1)
        for item in items
        if (price := item.get("price") or {}).get("unit_amount") is not None
    ]
    return sum(parts) if len(parts) == len(items) else None


class CardWords(Wire):
    """What a customer knows a card by; read for one message, and let go."""

    brand: str | None = None
    last4: str | None = None


def read_card_words(client: StripeClient, method: str) -> CardWords:
    """What the customer knows this card by."""
    card = client.v1.payment_methods.retrieve(method).to_dict().get("card") or {}
    return CardWords(brand=card.get("display_brand") or card.get("brand"), last4=card.get("last4"))


def read_plan(client: StripeClient, subscription: str) -> str | None:
    """What the subscription is for, in the merchant's words."""
    params: Any = {"expand": ["items.data.price.product"]}
    data = client.v1.subscriptions.retrieve(subscription, params).to_dict()
    items = (data.get("items") or {}).get("data") or [{}]
    price = items[0].get("price") or {}
    return data.get("description") or object_of(price.get("product")).get("name") or price.get("nickname")
