"""What the web process asks of Stripe itself, in the few words that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import stripe
from stripe import StripeClient

from recoup.billing.customers import read_contact
from recoup.billing.invoices import moment, object_of
from recoup.billing.lines import described
from recoup.billing.plans import Plan, plan_of, read_plan
from recoup.errors import ConnectionFailed
from recoup.rules.money import Money

_PAGE = 100
"""So many of a list come in one answer; all of it is read."""


class StripeAway(ConnectionFailed):
    """Stripe did not give a usable answer; the same question later may get one."""


@dataclass(frozen=True, slots=True)
class OpenInvoice:
    """An invoice that is still to be paid."""

    id: str
    number: str | None
    description: str | None
    """What it is for: the plan's name."""
    due: Money
    pay_url: str | None
    """Stripe's hosted page, which offers the account's other ways to pay."""
    subscription: str | None = None


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription of the customer's, as their page speaks of it."""

    id: str
    status: str
    plans: tuple[Plan, ...]
    """What it consists of, without the names of the products."""
    renews_at: datetime | None
    """When the period that has begun ends, and the next invoice is made if it is not the last."""
    ends: bool = False
    """Whether it ends then."""
    paused_until: datetime | None = None
    """Until when no invoice is made."""

    @property
    def has_ended(self) -> bool:
        """Whether it is over."""
        return self.status in ("canceled", "incomplete_expired")


@dataclass(frozen=True, slots=True)
class Owing:
    """What a customer owes at this moment."""

    locales: tuple[str, ...]
    """The customer's languages as Stripe knows them, the most wanted first."""
    timezone: str | None
    """The customer's time zone, where their metadata names one."""
    invoices: tuple[OpenInvoice, ...]


class Billing(Protocol):
    """Stripe, as the web process sees it. Every method raises :class:`StripeAway` where Stripe gives no usable answer."""

    def owing(self, customer: str) -> Owing:
        """The customer's languages, time zone and open invoices, read now."""
        ...

    def portal_address(self, customer: str, *, back: str, done: str) -> str:
        """A fresh, short-lived address of Stripe's page for changing the payment method."""
        ...

    def subscriptions(self, customer: str) -> tuple[Subscribed, ...]:
        """The customer's subscriptions, those that have ended too, read now."""
        ...

    def plan(self, price: str) -> Plan | None:
        """A price with its name; None where it is no plan that anybody can have."""
        ...

    def customer_of_charge(self, charge: str) -> str | None:
        """Whom a charge was made to; None where it belongs to no customer, or is not known."""
        ...

    def has_failed_renewal(self, customer: str) -> bool:
        """Whether a renewal of the customer's has failed and is still open."""
        ...


class StripeBilling:
    """Asks Stripe."""

    def __init__(self, client: StripeClient, portal_configuration: str | None = None) -> None:
        self._client = client
        self._configuration = portal_configuration

    def owing(self, customer: str) -> Owing:
        """See :meth:`Billing.owing`. The customer's name and address are read along, and let go."""
        with _answers("read what the customer owes"):
            about = read_contact(self._client, customer)
            found = self._open_invoices(customer)
        invoices = (_open_invoice(data) for data in found if (data.get("amount_remaining") or 0) > 0)
        return Owing(locales=about.locales, timezone=about.timezone, invoices=tuple(invoices))

    def portal_address(self, customer: str, *, back: str, done: str) -> str:
        """See :meth:`Billing.portal_address`: a deep link to the payment method, nothing else."""
        params: dict[str, Any] = {
            "customer": customer,
            "return_url": back,
            "flow_data": {
                "type": "payment_method_update",
                "after_completion": {"type": "redirect", "redirect": {"return_url": done}},
            },
        }
        if self._configuration:
            params["configuration"] = self._configuration
        with _answers("open the page for a new payment method"):
            return self._client.v1.billing_portal.sessions.create(params).url  # type: ignore[arg-type]  # a plain dict

    def subscriptions(self, customer: str) -> tuple[Subscribed, ...]:
        """See :meth:`Billing.subscriptions`."""
        with _answers("read the customer's subscriptions"):
            found = self._client.v1.subscriptions.list(
                {"customer": customer, "status": "all", "limit": _PAGE}
            )
            return tuple(_subscribed(subscription.to_dict()) for subscription in found.auto_paging_iter())

    def plan(self, price: str) -> Plan | None:
        """See :meth:`Billing.plan`."""
        with _answers("read a price"):
            return read_plan(self._client, price)

    def customer_of_charge(self, charge: str) -> str | None:
        """See :meth:`Billing.customer_of_charge`."""
        try:
            with _answers("say whom a charge was made to"):
                data = self._client.v1.charges.retrieve(charge).to_dict()
        except StripeAway as error:
            if isinstance(error.__cause__, stripe.InvalidRequestError) and error.__cause__.http_status == 404:
                return None
            raise
        return object_of(data.get("customer")).get("id")

    def has_failed_renewal(self, customer: str) -> bool:
        """See :meth:`Billing.has_failed_renewal`."""
        with _answers("read what the customer owes"):
            found = self._open_invoices(customer)
        return any(_is_failed_renewal(data) for data in found)

    def _open_invoices(self, customer: str) -> list[dict[str, Any]]:
        found = self._client.v1.invoices.list({"customer": customer, "status": "open", "limit": _PAGE})
        return [invoice.to_dict() for invoice in found.auto_paging_iter()]


def _open_invoice(data: dict[str, Any]) -> OpenInvoice:
    details = (data.get("parent") or {}).get("subscription_details") or {}
    return OpenInvoice(
        id=data["id"],
        number=data.get("number"),
        description=described(data),
        due=Money(amount=data["amount_remaining"], currency=data["currency"]),
        pay_url=data.get("hosted_invoice_url"),
        subscription=object_of(details.get("subscription")).get("id"),
    )


def _subscribed(data: dict[str, Any]) -> Subscribed:
    items = data["items"]["data"]
    ends = [item["current_period_end"] for item in items if item.get("current_period_end")]
    resumes = (data.get("pause_collection") or {}).get("resumes_at")
    plans = (plan_of(item["price"]) for item in items)
    return Subscribed(
        id=data["id"],
        status=data["status"],
        plans=tuple(plan for plan in plans if plan is not None),
        renews_at=moment(max(ends)) if ends else None,
        ends=bool(data.get("cancel_at_period_end")),
        paused_until=moment(resumes) if resumes else None,
    )


def _is_failed_renewal(data: dict[str, Any]) -> bool:
    details = (data.get("parent") or {}).get("subscription_details") or {}
    return bool(
        details.get("subscription")
        and data.get("attempted")
        and data.get("collection_method") == "charge_automatically"
        and data.get("billing_reason") != "subscription_create"
        and (data.get("amount_remaining") or 0) > 0
    )


@contextmanager
def _answers(doing: str) -> Iterator[None]:
    try:
        yield
    except stripe.StripeError as error:
        told = error.code or type(error).__name__
        raise StripeAway(
            f"Stripe could not {doing}: {told} (request {error.request_id or 'without id'})"
        ) from error
