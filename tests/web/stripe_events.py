"""Events as Stripe sends them, in the shapes of API 2026-10-28.endive; only what a webhook may read is filled in."""

from __future__ import annotations

import itertools
import json
from typing import Any

_numbers = itertools.count(1)

CREATED = 1_795_338_000
"""2026-11-22 09:00 UTC."""


def event(
    type_: str, obj: dict[str, Any], previous: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """A snapshot event about ``obj``."""
    data: dict[str, Any] = {"object": obj}
    if previous is not None:
        data["previous_attributes"] = previous
    return {
        "id": f"evt_{next(_numbers)}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": CREATED,
        "data": data,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": type_,
        **more,
    }


def invoice(**more: Any) -> dict[str, Any]:
    """The open invoice of a renewal whose first attempt failed."""
    return {
        "id": "in_1",
        "object": "invoice",
        "amount_due": 4900,
        "amount_paid": 0,
        "amount_paid_off_stripe": 0,
        "amount_remaining": 4900,
        "attempt_count": 1,
        "attempted": True,
        "auto_advance": True,
        "billing_reason": "subscription_cycle",
        "collection_method": "charge_automatically",
        "currency": "pln",
        "customer": "cus_1",
        "customer_email": "jan@example.com",
        "customer_name": "Jan Kowalski",
        "parent": {
            "type": "subscription_details",
            "quote_details": None,
            "subscription_details": {"metadata": {}, "subscription": "sub_1"},
        },
        "status": "open",
        **more,
    }


def paid_invoice(**more: Any) -> dict[str, Any]:
    """The same invoice, paid."""
    return invoice(
        **{"status": "paid", "amount_remaining": 0, "amount_paid": 4900, "auto_advance": False} | more
    )


def subscription(**more: Any) -> dict[str, Any]:
    """A subscription in arrears."""
    return {
        "id": "sub_1",
        "object": "subscription",
        "customer": "cus_1",
        "status": "past_due",
        "default_payment_method": None,
        "pause_collection": None,
        **more,
    }


def customer(**more: Any) -> dict[str, Any]:
    """A customer with a default payment method."""
    return {
        "id": "cus_1",
        "object": "customer",
        "email": "jan@example.com",
        "invoice_settings": {"default_payment_method": "pm_2"},
        **more,
    }


def method(**more: Any) -> dict[str, Any]:
    """A card of the customer's."""
    return {
        "id": "pm_2",
        "object": "payment_method",
        "customer": "cus_1",
        "type": "card",
        "card": {"brand": "visa", "exp_month": 12, "exp_year": 2030, "last4": "4242"},
        **more,
    }


def setup_intent(**more: Any) -> dict[str, Any]:
    """A finished set-up for later charges."""
    return {
        "id": "seti_1",
        "object": "setup_intent",
        "customer": "cus_1",
        "payment_method": "pm_2",
        "status": "succeeded",
        "usage": "off_session",
        **more,
    }


def charge(**more: Any) -> dict[str, Any]:
    """A refused charge."""
    return {
        "id": "ch_1",
        "object": "charge",
        "amount": 4900,
        "created": CREATED,
        "currency": "pln",
        "customer": "cus_1",
        "failure_code": "card_declined",
        "outcome": {
            "type": "issuer_declined",
            "reason": "insufficient_funds",
            "advice_code": "try_again_later",
            "network_decline_code": "51",
            "network_advice_code": "24",
            "network_status": "declined_by_network",
        },
        "payment_intent": "pi_1",
        "payment_method": "pm_1",
        "payment_method_details": {"type": "card", "card": {"brand": "mastercard", "fingerprint": "fp_1"}},
        "status": "failed",
        **more,
    }


def dispute(**more: Any) -> dict[str, Any]:
    """A dispute about an earlier charge."""
    return {
        "id": "dp_1",
        "object": "dispute",
        "charge": "ch_0",
        "payment_intent": "pi_0",
        "reason": "fraudulent",
        **more,
    }


def body(told: Any) -> bytes:
    """The event as bytes."""
    return json.dumps(told).encode()


def failed(**more: Any) -> dict[str, Any]:
    """``invoice.payment_failed`` of a renewal."""
    return event("invoice.payment_failed", invoice(**more))


LIFE: dict[str, dict[str, Any]] = {
    "invoice.payment_failed": invoice(),
    "invoice.paid": paid_invoice(),
    "invoice.payment_succeeded": paid_invoice(),
    "invoice.voided": invoice(status="void"),
    "invoice.deleted": {"id": "in_1", "object": "invoice", "deleted": True},
    "invoice.marked_uncollectible": invoice(status="uncollectible"),
    "invoice.payment_action_required": invoice(),
    "invoice.overpaid": paid_invoice(),
    "invoice.finalization_failed": invoice(status="draft"),
    "invoice.payment_attempt_required": invoice(),
    "invoice.updated": invoice(),
    "invoice.overdue": invoice(),
    "invoice.will_be_due": invoice(),
    "invoice_payment.paid": {
        "id": "inpay_1",
        "object": "invoice_payment",
        "invoice": "in_1",
        "status": "paid",
    },
    "customer.subscription.created": subscription(status="active"),
    "customer.deleted": {"id": "cus_1", "object": "customer", "deleted": True},
    "customer.subscription.updated": subscription(),
    "customer.subscription.deleted": subscription(status="canceled"),
    "customer.subscription.paused": subscription(status="paused"),
    "customer.subscription.resumed": subscription(status="active"),
    "customer.updated": customer(),
    "payment_method.attached": method(),
    "payment_method.updated": method(),
    "payment_method.automatically_updated": method(),
    "payment_method.detached": method(customer=None),
    "setup_intent.succeeded": setup_intent(),
    "setup_intent.setup_failed": setup_intent(status="requires_payment_method"),
    "checkout.session.completed": {
        "id": "cs_1",
        "mode": "setup",
        "customer": "cus_1",
        "setup_intent": "seti_1",
    },
    "checkout.session.expired": {"id": "cs_1", "mode": "setup"},
    "payment_intent.payment_failed": {"id": "pi_1", "object": "payment_intent"},
    "payment_intent.requires_action": {"id": "pi_1", "object": "payment_intent"},
    "charge.failed": charge(),
    "charge.dispute.created": dispute(),
    "charge.dispute.closed": dispute(status="won"),
    "radar.early_fraud_warning.created": {"id": "issfr_1", "charge": "ch_0", "payment_intent": "pi_0"},
    "review.opened": {"id": "prv_1", "object": "review"},
    "mandate.updated": {"id": "mandate_1", "object": "mandate", "status": "inactive"},
    "customer.source.expiring": {"id": "card_1", "object": "card"},
    "billing_portal.session.created": {"id": "bps_1"},
    "billing_portal.configuration.updated": {"id": "bpc_1"},
    "test_helpers.test_clock.ready": {"id": "clock_1", "status": "ready"},
}
"""One object for each event type that Stripe's guides name for recovering subscription payments."""
