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
from recoup.billing.outcomes import decline_of_error, ended_as
from recoup.billing.payments import InvoicePayments, read_payments

__all__ = [
    "ChargeState",
    "InvoicePayments",
    "InvoiceState",
    "Method",
    "decline_of_error",
    "ended_as",
    "read_all_charges",
    "read_charges",
    "read_invoice",
    "read_payments",
    "stripe_client",
]
