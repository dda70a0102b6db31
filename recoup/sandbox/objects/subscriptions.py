"""Customers, products, prices and subscriptions."""

from __future__ import annotations

from typing import Any

from recoup.sandbox.http.errors import Doc
from recoup.sandbox.ids import new_id, random_text
from recoup.sandbox.objects.common import decimal_text, list_of
from recoup.sandbox.work import Work


def create_customer(work: Work, **fields: Any) -> Doc:
    """A customer."""
    blank: Doc = {
        "address": None,
        "balance": 0,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": random_text(8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
    return work.create("customer", **(blank | fields))


def create_product(work: Work, name: str, **fields: Any) -> Doc:
    """A product."""
    blank: Doc = {
        "active": True,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": name,
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": "service",
        "unit_label": None,
        "updated": work.now,
        "url": None,
    }
    return work.create("product", **(blank | fields))


def create_price(
    work: Work, product: str, currency: str, unit_amount: int, recurring: Doc | None, **fields: Any
) -> Doc:
    """A price; recurring with an interval, or for one time."""
    rhythm = None
    if recurring:
        rhythm = {
            "interval": recurring["interval"],
            "interval_count": recurring.get("interval_count") or 1,
            "meter": None,
            "usage_type": "licensed",
        }
    blank: Doc = {
        "active": True,
        "billing_scheme": "per_unit",
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": product,
        "recurring": rhythm,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if rhythm else "one_time",
        "unit_amount": unit_amount,
        "unit_amount_decimal": decimal_text(unit_amount),
    }
    return work.create("price", **(blank | fields))


def create_subscription(work: Work, customer: Doc, items: list[tuple[Doc, int]], **fields: Any) -> Doc:
    """A subscription without periods yet; items are prices with their quantities."""
    blank = _blank_subscription(work, customer, items[0][0]["currency"])
    subscription = work.create("subscription", **(blank | fields))
    entries = [_item(work, subscription, price, quantity) for price, quantity in items]
    subscription["items"] = list_of(entries, f"/v1/subscription_items?subscription={subscription['id']}")
    return subscription


def _blank_subscription(work: Work, customer: Doc, currency: str) -> Doc:
    return {
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": work.now,
        "billing_cycle_anchor_config": None,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically",
        "currency": currency,
        "customer": customer["id"],
        "customer_account": None,
        "days_until_due": None,
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": {"type": "self"},
        },
        "latest_invoice": None,
        "livemode": False,
        "metadata": {},
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": work.now,
        "status": "active",
        "status_details": None,
        "test_clock": customer.get("test_clock"),
        "transfer_data": None,
        "trial_end": None,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": None,
    }


def _item(work: Work, subscription: Doc, price: Doc, quantity: int) -> Doc:
    rhythm = price["recurring"]
    plan = {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": rhythm["interval"],
        "interval_count": rhythm["interval_count"],
        "livemode": False,
        "metadata": {},
        "meter": None,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }
    return {
        "id": new_id("subscription_item"),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": work.now,
        "current_period_end": work.now,
        "current_period_start": work.now,
        "discounts": [],
        "metadata": {},
        "plan": plan,
        "price": {key: value for key, value in price.items() if not key.startswith("_")},
        "quantity": quantity,
        "subscription": subscription["id"],
        "tax_rates": [],
    }
