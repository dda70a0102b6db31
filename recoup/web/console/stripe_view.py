"""What the console reads at Stripe while a page is made: who a customer is, what they owe, and with what they pay.

Everything here is personal: it is shown and let go, never kept, never logged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import stripe
from stripe import StripeClient

from recoup.billing.customers import Contact, read_contact
from recoup.billing.invoices import Method, object_of, read_invoice
from recoup.errors import RecoupError
from recoup.rules.money import Money
from recoup.web.stripe_side import OpenInvoice, StripeAway, StripeBilling

_MOST_METHODS = 20


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """A payment method as people know it."""

    id: str
    type: str
    brand: str | None
    last4: str | None
    exp_month: int | None
    exp_year: int | None
    is_default: bool


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as Stripe has them at this moment."""

    contact: Contact
    invoices: tuple[OpenInvoice, ...]
    methods: tuple[PaymentMethod, ...]


@dataclass(frozen=True, slots=True)
class Collecting:
    """What an attempt would be made with, and for how much."""

    method: Method | None
    due: Money


class NoSuchCustomer(StripeAway):
    """Stripe has no customer of this id."""


class Customers(Protocol):
    """Stripe, as the console sees it. Every method raises :class:`StripeAway` where Stripe gives no usable answer."""

    def customer(self, customer: str) -> Customer:
        """Who it is, their open invoices and their payment methods, read now."""
        ...

    def collecting(self, invoice: str) -> Collecting:
        """What an attempt at this invoice would use, read now."""
        ...


class StripeCustomers:
    """Asks Stripe."""

    def __init__(self, client: StripeClient) -> None:
        self._client = client
        self._billing = StripeBilling(client)

    def customer(self, customer: str) -> Customer:
        """See :meth:`Customers.customer`."""
        try:
            contact = read_contact(self._client, customer)
            data = self._client.v1.customers.retrieve(customer).to_dict()
            listed = self._client.v1.payment_methods.list({"customer": customer, "limit": _MOST_METHODS})
        except stripe.StripeError as error:
            if error.code == "resource_missing":
                raise NoSuchCustomer(f"Stripe has no customer {customer}: look at the id") from error
            raise _away("read the customer", error) from error
        invoices = self._billing.owing(customer).invoices
        default = object_of((data.get("invoice_settings") or {}).get("default_payment_method")).get("id")
        methods = (_method(each.to_dict(), default) for each in listed.data)
        return Customer(contact, invoices, tuple(methods))

    def collecting(self, invoice: str) -> Collecting:
        """See :meth:`Customers.collecting`."""
        try:
            state = read_invoice(self._client, invoice)
        except stripe.StripeError as error:
            raise _away("read the invoice", error) from error
        return Collecting(state.method, state.remaining)


def _method(data: dict[str, Any], default: str | None) -> PaymentMethod:
    kind = str(data["type"])
    details = data.get(kind) or {}
    return PaymentMethod(
        id=data["id"],
        type=kind,
        brand=details.get("brand"),
        last4=details.get("last4"),
        exp_month=details.get("exp_month"),
        exp_year=details.get("exp_year"),
        is_default=data["id"] == default,
    )


def _away(doing: str, error: stripe.StripeError) -> RecoupError:
    return StripeAway(f"Stripe could not {doing}: {error.code or type(error).__name__}")
