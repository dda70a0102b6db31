"""What an import from Stripe keeps: ids, codes, amounts and moments."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from recoup.rules.base import Frozen


class Kind(StrEnum):
    """What is imported, in this order: who reads a charge knows its payment, and who reads a payment its invoice."""

    SUBSCRIPTIONS = "subscriptions"
    INVOICES = "invoices"
    PAYMENTS = "payments"
    CHARGES = "charges"


class PastSubscription(Frozen):
    """A subscription, running or ended."""

    subscription: str
    customer: str
    status: str
    currency: str
    started_at: datetime
    trial_end: datetime | None
    ended_at: datetime | None
    end_reason: str | None
    live: bool
    read_at: datetime


class PastInvoice(Frozen):
    """An invoice."""

    invoice: str
    customer: str | None
    subscription: str | None
    reason: str | None
    status: str
    currency: str
    due: int
    paid: int
    made_at: datetime
    paid_at: datetime | None
    live: bool
    read_at: datetime


class PastPayment(Frozen):
    """What paid an invoice, or was meant to."""

    payment: str
    invoice: str
    payment_intent: str | None
    status: str
    currency: str
    paid: int
    made_at: datetime
    paid_at: datetime | None
    read_at: datetime


class PastCharge(Frozen):
    """A charge of the account's."""

    charge: str
    customer: str | None
    payment_intent: str | None
    status: str
    currency: str
    amount: int
    refunded: int
    disputed: bool
    code: str | None
    brand: str | None
    made_at: datetime
    read_at: datetime


Past = PastSubscription | PastInvoice | PastPayment | PastCharge


class HistoryImport(Frozen):
    """How far the import of one kind came."""

    name: Kind
    since: datetime
    """The history is whole from this moment on."""
    reads_since: datetime
    """This time only what was made from here on is read."""
    after: str | None
    """The last one that was read; the next page begins behind it."""
    seen: int
    began_at: datetime
    finished_at: datetime | None
