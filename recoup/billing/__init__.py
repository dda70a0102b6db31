"""Reading Stripe: one client, and invoices, methods and declines in Recoup's own words."""

from recoup.billing.client import stripe_client
from recoup.billing.invoices import (
    ChargeState,
    InvoiceState,
    Method,
    read_all_charges,
    read_charges,
    read_invoice,
)
from recoup.billing.outcomes import decline_of_charge, decline_of_error, ended_as

__all__ = [
    "ChargeState",
    "InvoiceState",
    "Method",
    "decline_of_charge",
    "decline_of_error",
    "ended_as",
    "read_all_charges",
    "read_charges",
    "read_invoice",
    "stripe_client",
]
