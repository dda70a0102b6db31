"""An invoice as Stripe has it at this moment, in the few words that recovery needs.

Shapes of API 2026-10-28: the subscription stands in ``parent.subscription_details``, payments are InvoicePayments, and
the decline is on the latest charge of the invoice's payment intent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from stripe import StripeClient

from recoup.rules.base import Wire
from recoup.rules.declines import Decline
from recoup.rules.money import Money

_INVOICE_EXPAND = [
    "default_payment_method",
    "customer.invoice_settings.default_payment_method",
    "parent.subscription_details.subscription.default_payment_method",
    "default_source",
    "customer.default_source",
    "parent.subscription_details.subscription.default_source",
]
MOST_PAYMENTS = 6
"""Of so many payments of an invoice the earlier charges are read; each takes a call."""

_CHARGES_EXPAND = ["data.payment.payment_intent.latest_charge"]


class Method(Wire):
    """A payment method, without what must not be kept of it."""

    id: str
    type: str = "card"
    brand: str | None = None
    fingerprint: str | None = None
    country: str | None = None
    """Where the card was issued; two letters."""
    funding: str | None = None
    version: str
    """The id and the expiry: a renewed card has the same id and another version."""


class ChargeState(Wire):
    """One charge: an attempt that reached Stripe."""

    id: str
    status: str
    """succeeded, pending or failed."""
    at: datetime
    amount: int | None = None
    refunded: int = 0
    """So much of the amount was given back."""
    disputed: bool = False
    currency: str | None = None
    payment_intent: str | None = None
    intent_status: str | None = None
    is_default: bool = True
    """Whether it was made on the payment that Stripe keeps for the invoice: what ours are made on, and no part paid apart from it."""
    method: str | None = None
    brand: str | None = None
    fingerprint: str | None = None
    """Of a card that Stripe gives no fingerprint of: its method's id."""
    decline: Decline | None = None


class InvoiceState(Wire):
    """An invoice, its subscription and what it would be collected with."""

    id: str
    number: str | None = None
    status: str
    remaining: Money
    due: int | None = None
    """All that the invoice asks for, in minor units: what has been paid of it already is part of it."""
    customer: str
    customer_deleted: bool = False
    subscription: str | None = None
    subscription_status: str | None = None
    subscription_ends: bool = False
    subscription_ended_at: datetime | None = None
    """When the subscription was cancelled."""
    collection_method: str = "charge_automatically"
    billing_reason: str | None = None
    auto_advance: bool = False
    attempt_count: int = 0
    next_payment_attempt: datetime | None = None
    paid_off_stripe: bool = False
    off_stripe: int = 0
    """What was paid outside Stripe, in minor units."""
    credited: bool = False
    """Settled without any payment: credit notes took all of it."""
    method: Method | None = None

    @property
    def is_open(self) -> bool:
        """Whether something is still to be collected."""
        return self.status == "open" and self.remaining.amount > 0

    @property
    def is_payable(self) -> bool:
        """Whether a payment may still come through: what was written off can be paid all the same."""
        return self.status in ("open", "uncollectible") and self.remaining.amount > 0


def read_invoice(client: StripeClient, invoice: str) -> InvoiceState:
    """Read an invoice with its customer, its subscription and the method Stripe would use: one call."""
    return invoice_state(read_invoice_object(client, invoice))


def read_invoice_object(client: StripeClient, invoice: str) -> dict[str, Any]:
    """As :func:`read_invoice`, in Stripe's own words."""
    return client.v1.invoices.retrieve(invoice, {"expand": _INVOICE_EXPAND}).to_dict()


def invoice_state(data: dict[str, Any]) -> InvoiceState:
    """Read an invoice's fields, expanded as :func:`read_invoice` asks for."""
    details = (data.get("parent") or {}).get("subscription_details") or {}
    subscription = object_of(details.get("subscription"))
    customer = object_of(data.get("customer"))
    due = data.get("next_payment_attempt")
    return InvoiceState(
        id=data["id"],
        number=data.get("number"),
        status=data.get("status") or "draft",
        remaining=Money(amount=data.get("amount_remaining") or 0, currency=data["currency"]),
        due=data.get("amount_due"),
        customer=customer.get("id", ""),
        customer_deleted=bool(customer.get("deleted")),
        subscription=subscription.get("id"),
        subscription_status=subscription.get("status"),
        subscription_ends=bool(subscription.get("cancel_at_period_end")),
        subscription_ended_at=moment(ended) if (ended := subscription.get("ended_at")) else None,
        collection_method=data.get("collection_method") or "charge_automatically",
        billing_reason=data.get("billing_reason"),
        auto_advance=bool(data.get("auto_advance")),
        attempt_count=data.get("attempt_count") or 0,
        next_payment_attempt=moment(due) if due else None,
        paid_off_stripe=bool(data.get("amount_paid_off_stripe")),
        off_stripe=data.get("amount_paid_off_stripe") or 0,
        credited=is_credited(data),
        method=_method_to_use(data, subscription, customer),
    )


def is_credited(data: dict[str, Any]) -> bool:
    """Whether an invoice that counts as paid was settled by credit notes alone."""
    return (
        data.get("status") == "paid"
        and data.get("amount_paid") == 0
        and not data.get("amount_paid_off_stripe")
        and bool(data.get("pre_payment_credit_notes_amount"))
    )


def _method_to_use(
    data: dict[str, Any], subscription: dict[str, Any], customer: dict[str, Any]
) -> Method | None:
    """Stripe's own order (Smart Retries, "payment method precedence"): invoice, subscription, customer; sources last."""
    settings = customer.get("invoice_settings") or {}
    for candidate in (
        data.get("default_payment_method"),
        data.get("default_source"),
        subscription.get("default_payment_method"),
        subscription.get("default_source"),
        settings.get("default_payment_method"),
        customer.get("default_source"),
    ):
        if candidate:
            return method_of(object_of(candidate))
    return None


def method_of(data: dict[str, Any]) -> Method:
    """What recovery needs of a payment method object."""
    kind = data.get("type") or data.get("object") or "card"
    # An old card object is what it tells of; payment methods and sources have that beside them, under their kind.
    details = data if data.get("object") == "card" else data.get(kind) or {}
    expiry = f"{details.get('exp_year', '')}-{details.get('exp_month', '')}" if "exp_year" in details else ""
    version = "/".join(part for part in (data["id"], expiry, details.get("last4") or "") if part)
    return Method(
        id=data["id"],
        type=kind,
        brand=brand.lower() if (brand := details.get("brand")) else None,
        fingerprint=details.get("fingerprint"),
        country=details.get("country"),
        funding=details.get("funding"),
        version=version,
    )


def read_charges(client: StripeClient, invoice: str) -> list[ChargeState]:
    """The latest charge of each payment of an invoice, newest first: one call."""
    return charges_of(list_payments(client, invoice))


def list_payments(client: StripeClient, invoice: str) -> list[dict[str, Any]]:
    """An invoice's payments as Stripe has them, each with its intent and that one's latest charge."""
    found = client.v1.invoice_payments.list({"invoice": invoice, "limit": 20, "expand": _CHARGES_EXPAND})
    return [payment.to_dict() for payment in found.data]


def charges_of(payments: Sequence[dict[str, Any]]) -> list[ChargeState]:
    """The latest charge of each of these payments, newest first."""
    charges = [charge for payment in payments if (charge := _charge_of(payment)) is not None]
    return sorted(charges, key=lambda charge: charge.at, reverse=True)


def read_all_charges(client: StripeClient, charges: Sequence[ChargeState]) -> list[ChargeState]:
    """Every charge of the payments that these are the latest of, newest first: one call for each payment.

    Of one payment the newest hundred are read: more than any network allows in the time that counts. Of more than
    :data:`MOST_PAYMENTS` those charged last are read, so that an attempt has its time.
    """
    found = {charge.id: charge for charge in charges}
    intents = dict.fromkeys(charge.payment_intent for charge in charges if charge.payment_intent)
    for intent in list(intents)[:MOST_PAYMENTS]:
        listed = client.v1.charges.list({"payment_intent": intent, "limit": 100})
        for charge in listed.data:
            found.setdefault(charge.id, charge_state(charge.to_dict()))
    return sorted(found.values(), key=lambda charge: charge.at, reverse=True)


def charges_of_customer(client: StripeClient, customer: str) -> list[ChargeState]:
    """The customer's newest hundred charges, for whatever debt: one call."""
    listed = client.v1.charges.list({"customer": customer, "limit": 100})
    return [charge_state(charge.to_dict()) for charge in listed.data]


def is_being_paid(charges: list[ChargeState]) -> bool:
    """Whether one of an invoice's payments is on its way, as bank debits are for days; Stripe takes no other one beside it."""
    return any(charge.status == "pending" or charge.intent_status == "processing" for charge in charges)


def _charge_of(payment: dict[str, Any]) -> ChargeState | None:
    intent = object_of((payment.get("payment") or {}).get("payment_intent"))
    charge = object_of(intent.get("latest_charge")) if intent.get("latest_charge") else {}
    if "status" not in charge:
        return None
    found = charge_state(charge, intent.get("status"))
    return found.model_copy(update={"is_default": payment.get("is_default", True)})


def charge_state(data: dict[str, Any], intent_status: str | None = None) -> ChargeState:
    """What recovery needs of a charge object."""
    details = data.get("payment_method_details") or {}
    kind = details.get("type") or "card"
    card = details.get(kind) or {}
    intent = data.get("payment_intent")
    return ChargeState(
        id=data["id"],
        status=data["status"],
        at=moment(data["created"]),
        amount=data.get("amount"),
        refunded=data.get("amount_refunded") or 0,
        disputed=bool(data.get("disputed")),
        currency=data.get("currency"),
        payment_intent=intent if isinstance(intent, str) else (intent or {}).get("id"),
        intent_status=intent_status,
        method=data.get("payment_method"),
        brand=card.get("network") or card.get("brand"),
        fingerprint=card.get("fingerprint") or (data.get("payment_method") if kind == "card" else None),
        decline=_decline(data, kind, card) if data["status"] == "failed" else None,
    )


def _decline(data: dict[str, Any], kind: str, card: dict[str, Any]) -> Decline:
    outcome = data.get("outcome") or {}
    code = outcome.get("reason") or data.get("failure_code") or "generic_decline"
    return Decline(
        code=code,
        advice_code=outcome.get("advice_code"),
        network_decline_code=outcome.get("network_decline_code"),
        network_advice_code=outcome.get("network_advice_code"),
        kind=outcome.get("type"),
        brand=card.get("network") or card.get("brand"),
        method_type=kind,
    )


def failed_renewals_of(client: StripeClient, customer: str) -> list[str]:
    """Ids of the customer's open invoices of subscriptions that were charged and failed, newest first."""
    found = client.v1.invoices.list({"customer": customer, "status": "open", "limit": 100})
    invoices = (invoice.to_dict() for invoice in found.auto_paging_iter())
    return [data["id"] for data in invoices if is_failed_renewal(data)]


def is_failed_renewal(data: dict[str, Any]) -> bool:
    """Whether an open invoice, as a list has it, is of a subscription, was charged, and still has something to collect."""
    return bool(
        data.get("attempted")
        and data.get("amount_remaining")
        and data.get("collection_method") == "charge_automatically"
        and data.get("billing_reason") != "subscription_create"
        and ((data.get("parent") or {}).get("subscription_details") or {}).get("subscription")
    )


def moment(seconds: int) -> datetime:
    """A Unix time as an aware moment."""
    return datetime.fromtimestamp(seconds, UTC)


def object_of(value: Any) -> dict[str, Any]:
    """An expandable field as an object: the id alone becomes one with nothing but its id."""
    if isinstance(value, str):
        return {"id": value}
    return value or {}
