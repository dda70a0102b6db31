"""Payment methods: whose they are, what uses them, and making one the method of all of a customer's subscriptions."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import uuid4

from stripe import InvalidRequestError, RequestOptions, StripeClient

from recoup.billing.invoices import Method, method_of

ENDED = frozenset({"canceled", "incomplete_expired"})


class OwnedMethod(Method):
    """A payment method with the customer it is attached to."""

    customer: str | None = None
    created: int = 0
    """When it was made, in seconds since 1970."""


def read_method(client: StripeClient, method: str) -> OwnedMethod | None:
    """A payment method, or ``None`` if Stripe does not know it any more."""
    try:
        data = client.v1.payment_methods.retrieve(method).to_dict()
    except InvalidRequestError as error:
        if error.http_status == 404:
            return None
        raise
    made = data.get("created") or 0
    return OwnedMethod(**method_of(data).model_dump(), customer=data.get("customer"), created=made)


def is_old_news(client: StripeClient, method: OwnedMethod, happened: datetime | None) -> str | None:
    """Why what happened to this method then says nothing any more; ``None`` where it does.

    Webhooks come late and in any order: since then a bank may have refused this very method, or the customer may have
    chosen a newer one.
    """
    customer = client.v1.customers.retrieve(str(method.customer)).to_dict()
    default = (customer.get("invoice_settings") or {}).get("default_payment_method")
    chosen = read_method(client, default) if default and default != method.id else None
    if chosen is not None and chosen.created > method.created:
        return "the customer has chosen a newer method since"
    if happened is None:
        return None
    since: Any = {"customer": method.customer, "created": {"gt": int(happened.timestamp())}, "limit": 100}
    for charge in client.v1.charges.list(since).auto_paging_iter():
        if charge.payment_method == method.id and charge.status == "failed":
            return "the method has been refused since"
    return None


def is_in_use(client: StripeClient, customer: str, method: str) -> bool:
    """Whether the customer, or a subscription of theirs that has not ended, is collected with this method."""
    settings = client.v1.customers.retrieve(customer).to_dict().get("invoice_settings") or {}
    if settings.get("default_payment_method") == method:
        return True
    return any(own == method for _, own in _subscriptions(client, customer))


def adopt(client: StripeClient, customer: str, method: str) -> int:
    """Make ``method`` the default of the customer, and of every subscription and open invoice that had a default of its own.

    An invoice's own default beats its subscription's, and that one the customer's (Stripe, "payment method precedence"), so
    all must be set. Setting what is set already is harmless, so a repetition is too. Every request has a key of its own
    that names Recoup: Stripe's events tell it, and nobody takes the change for a choice of the customer's.

    Returns:
        How many subscriptions had a default of their own.
    """
    settings = client.v1.customers.retrieve(customer).to_dict().get("invoice_settings") or {}
    if settings.get("default_payment_method") != method:
        client.v1.customers.update(
            customer, {"invoice_settings": {"default_payment_method": method}}, _ours()
        )
    changed = 0
    for subscription, own in _subscriptions(client, customer):
        if own is not None and own != method:
            # One that ended meanwhile, or that refuses for reasons of its own, must not keep the others from the new method.
            with suppress(InvalidRequestError):
                client.v1.subscriptions.update(subscription, {"default_payment_method": method}, _ours())
        changed += own is not None
    for invoice in _open_invoices_with_another(client, customer, method):
        with suppress(InvalidRequestError):
            client.v1.invoices.update(invoice, {"default_payment_method": method}, _ours())
    return changed


def _ours() -> RequestOptions:
    # Never the same twice: Stripe would answer a repeated key with what it answered then, and change nothing.
    return {"idempotency_key": f"recoup/adopt/{uuid4()}"}


def _open_invoices_with_another(client: StripeClient, customer: str, method: str) -> list[str]:
    """Ids of the customer's open invoices that are to be charged with a method of their own, other than this one."""
    found = client.v1.invoices.list({"customer": customer, "status": "open", "limit": 100})
    return [
        data["id"]
        for data in (invoice.to_dict() for invoice in found.auto_paging_iter())
        if data.get("collection_method") == "charge_automatically"
        and (own := data.get("default_payment_method") or data.get("default_source"))
        and own != method
    ]


def _subscriptions(client: StripeClient, customer: str) -> list[tuple[str, str | None]]:
    """Id and own default of each subscription that has not ended."""
    found = client.v1.subscriptions.list({"customer": customer, "status": "all", "limit": 100})
    return [
        (data["id"], data.get("default_payment_method") or data.get("default_source"))
        for data in (subscription.to_dict() for subscription in found.auto_paging_iter())
        if data.get("status") not in ENDED
    ]
