"""The parts of Stripe's events that Recoup reads, in the shapes of the API version below; everything else is left alone."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from recoup.rules.money import Currency

API_VERSION = "2026-10-28.endive"
"""The version that the webhook endpoint must be set to."""


OUR_KEYS = "recoup/"
"""How the idempotency keys of Recoup's own requests begin."""


class Shape(BaseModel):
    """A part of an object of Stripe's: keys it does not name are ignored, values are not converted."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


def _id_of(value: Any) -> Any:
    """The id, also where Stripe expanded the object."""
    return value.get("id") if isinstance(value, dict) else value


Id = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,255}$")]
Ref = Annotated[Id, BeforeValidator(_id_of)]
Amount = Annotated[int, Field(gt=-(2**53), lt=2**53)]
UnixTime = Annotated[int, Field(ge=0, le=32_503_680_000)]
"""Seconds since 1970, up to the year 3000."""
Code = Annotated[str, StringConstraints(pattern=r"^[ -~]{0,100}$")]


class EventData(Shape):
    """What an event is about, and what changed on it."""

    object: dict[str, Any]
    previous_attributes: dict[str, Any] | None = None


class _Request(Shape):
    idempotency_key: str | None = None


class Event(Shape):
    """A snapshot event."""

    id: Id
    object: Literal["event"]
    type: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.]{1,100}$")]
    created: UnixTime
    livemode: bool
    data: EventData
    api_version: Code | None = None
    account: Code | None = None
    """Set where the event belongs to a connected account."""

    request: _Request | None = None
    """The API request that caused it, if one did."""

    @property
    def made_by_recoup(self) -> bool:
        """Whether a request of Recoup's own caused it: all its idempotency keys begin alike."""
        key = self.request.idempotency_key if self.request else None
        return key is not None and key.startswith(OUR_KEYS)

    @property
    def previous(self) -> dict[str, Any]:
        """What changed, with the values before; empty except in ``….updated`` events."""
        return self.data.previous_attributes or {}

    @property
    def object_id(self) -> str | None:
        """The id of the object it tells of."""
        value = self.data.object.get("id")
        return value if isinstance(value, str) and value.isprintable() and 0 < len(value) <= 255 else None


class _SubscriptionDetails(Shape):
    subscription: Ref


class _Parent(Shape):
    subscription_details: _SubscriptionDetails | None = None


class Invoice(Shape):
    """An invoice, whole enough to judge whether it is a case."""

    id: Id
    customer: Ref
    currency: Currency
    amount_remaining: Amount
    amount_paid_off_stripe: Amount | None = None
    attempt_count: Amount
    auto_advance: bool | None = None
    next_payment_attempt: Amount | None = None
    billing_reason: Code | None = None
    collection_method: Code | None = None
    status: Code | None = None
    parent: _Parent | None = None
    old_subscription: Ref | None = Field(default=None, validation_alias="subscription")
    """Where events of versions before 2025-03-31 (basil) have it; a failure that they tell of is not to be lost."""
    paid_out_of_band: bool | None = None
    """The same of a payment outside Stripe."""

    @property
    def subscription(self) -> str | None:
        """The subscription it bills, if it does."""
        details = self.parent.subscription_details if self.parent else None
        return details.subscription if details else self.old_subscription

    @property
    def paid_outside(self) -> bool:
        """Whether it was paid outside Stripe, wholly or in part."""
        return bool(self.paid_out_of_band) or (self.amount_paid_off_stripe or 0) > 0


class EndedInvoice(Shape):
    """An invoice that ended; a deleted one is little more than its id."""

    id: Id
    customer: Ref | None = None


class Subscription(Shape):
    """A subscription."""

    id: Id
    customer: Ref
    status: Code
    default_payment_method: Ref | None = None


class _InvoiceSettings(Shape):
    default_payment_method: Ref | None = None


class Customer(Shape):
    """A customer: the default payment method, nothing personal."""

    id: Id
    invoice_settings: _InvoiceSettings


class PaymentMethod(Shape):
    """A payment method and whose it is."""

    id: Id
    customer: Ref | None = None


class SetupIntent(Shape):
    """The saving of a payment method for later."""

    id: Id
    customer: Ref | None = None
    payment_method: Ref | None = None
    usage: Code | None = None


class _ExpandedSetup(Shape):
    payment_method: Ref | None = None


class CheckoutSession(Shape):
    """A visit to Stripe's Checkout."""

    id: Id
    mode: Code | None = None
    customer: Ref | None = None
    setup_intent: Id | _ExpandedSetup | None = None


class Complaint(Shape):
    """A dispute, or an early fraud warning."""

    id: Id
    charge: Ref
    payment_intent: Ref | None = None


class _Outcome(Shape):
    type: Code | None = None
    reason: Code | None = None
    advice_code: Code | None = None
    network_decline_code: Code | None = None
    network_advice_code: Code | None = None


class _Card(Shape):
    brand: Code | None = None
    network: Code | None = None
    fingerprint: Code | None = None


class _MethodDetails(Shape):
    type: Code
    card: _Card | None = None


class Charge(Shape):
    """A charge with everything that a refusal tells."""

    id: Id
    customer: Ref | None = None
    amount: Amount
    currency: Currency
    created: UnixTime
    failure_code: Code | None = None
    outcome: _Outcome | None = None
    payment_method: Ref | None = None
    payment_method_details: _MethodDetails | None = None


class Named(Shape):
    """An object of which only the id, and whose it is, is recorded."""

    id: Id | None = None
    customer: Ref | None = None
    invoice: Ref | None = None
    status: Code | None = None


def sentence(error: ValidationError) -> str:
    """What does not fit, without the values: they may be personal."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = ".".join(str(part)[:40] for part in first["loc"][:6]) or "the event"
    return f"{place}: {first['type']}"
