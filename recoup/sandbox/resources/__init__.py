"""The endpoints: importing this package registers them all with :data:`recoup.sandbox.http.routing.router`."""

from recoup.sandbox.resources import (
    account,
    catalog,
    charges,
    checkout,
    customers,
    events,
    intents,
    invoice_actions,
    invoices,
    payment_methods,
    portal,
    subscription_actions,
    subscriptions,
    test_clocks,
)

__all__ = [
    "account",
    "catalog",
    "charges",
    "checkout",
    "customers",
    "events",
    "intents",
    "invoice_actions",
    "invoices",
    "payment_methods",
    "portal",
    "subscription_actions",
    "subscriptions",
    "test_clocks",
]
