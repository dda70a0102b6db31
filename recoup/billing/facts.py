"""What a policy's conditions look at, from an invoice as Stripe has it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from recoup.billing.invoices import invoice_state, moment, object_of
from recoup.rules.declines import DeclineClass
from recoup.rules.money import Money
from recoup.rules.segments import Facts

_MONTHS = {"day": Fraction(12, 365), "week": Fraction(12, 52), "month": Fraction(1), "year": Fraction(12)}
"""How many months each of Stripe's intervals is long."""


def facts_of(
    data: Mapping[str, Any], keys: Collection[str], decline_class: DeclineClass | None, now: datetime
) -> Facts:
    """The facts of an invoice that was read with its customer and subscription.

    Args:
        data: the invoice, expanded as :func:`recoup.billing.invoices.read_invoice_object` asks for.
        keys: the metadata keys that are looked at; no other metadata is taken along.
        decline_class: how the first failure is read.
        now: tenure counts up to this moment.
    """
    state = invoice_state(dict(data))
    details = (data.get("parent") or {}).get("subscription_details") or {}
    subscription = object_of(details.get("subscription"))
    customer = object_of(data.get("customer"))
    prices = [(item, item["price"]) for item in _items(subscription) if item.get("price")]
    method = state.method
    began = subscription.get("start_date")
    return Facts(
        amount=state.remaining,
        plans=_plans(prices),
        mrr=_mrr(prices, state.remaining.currency),
        country=(customer.get("address") or {}).get("country") or (method.country if method else None),
        tenure_days=max((now - moment(began)).days, 0) if began else None,
        method_type=method.type if method else None,
        funding=method.funding if method else None,
        brand=method.brand if method else None,
        decline_class=decline_class,
        metadata={key: found for key in sorted(keys) if (found := _values(key, subscription, customer))},
    )


def _items(subscription: Mapping[str, Any]) -> list[dict[str, Any]]:
    return (subscription.get("items") or {}).get("data") or []


def _plans(prices: list[tuple[dict[str, Any], dict[str, Any]]]) -> tuple[str, ...]:
    ids = [id_ for _, price in prices for id_ in (price["id"], object_of(price.get("product")).get("id"))]
    return tuple(dict.fromkeys(id_ for id_ in ids if id_))


def _mrr(prices: list[tuple[dict[str, Any], dict[str, Any]]], currency: str) -> Money | None:
    """What the fixed prices come to in a month; usage and tiers have no price until they are billed."""
    monthly = [
        Fraction(str(price.get("unit_amount_decimal") or price["unit_amount"]))
        * (1 if item.get("quantity") is None else item["quantity"])
        / (_MONTHS[price["recurring"]["interval"]] * (price["recurring"].get("interval_count") or 1))
        for item, price in prices
        if price.get("recurring")
        and price.get("currency") == currency
        and (price.get("unit_amount_decimal") or price.get("unit_amount")) is not None
    ]
    return Money(amount=round(sum(monthly, Fraction(0))), currency=currency) if monthly else None


def _values(key: str, *objects: Mapping[str, Any]) -> tuple[str, ...]:
    found = [(each.get("metadata") or {}).get(key) for each in objects]
    return tuple(dict.fromkeys(value for value in found if value))
