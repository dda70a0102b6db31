"""What happened at Stripe, page by page: ids, codes, amounts and moments, and nothing of whom it happened to.

In this API an invoice's charges are found over its payments (InvoicePayment) and their payment intents. Lists come newest first.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from stripe import StripeClient

from recoup.billing.invoices import charge_state, moment, object_of
from recoup.ledger.history_rows import (
    Kind,
    Past,
    PastCharge,
    PastInvoice,
    PastPayment,
    PastSubscription,
)

PAGE = 100
"""The most that a page of Stripe's can hold."""


class PastPage(NamedTuple):
    """One page."""

    rows: list[Past]
    after: str | None
    """Where the next page begins; None after the last."""


def read_past(
    client: StripeClient, kind: Kind, since: datetime, after: str | None, read_at: datetime
) -> PastPage:
    """One page of what was made since a moment; of subscriptions all, because old ones go on. One call."""
    params: dict[str, Any] = {"limit": PAGE}
    if kind is Kind.SUBSCRIPTIONS:
        params["status"] = "all"
    else:
        params["created"] = {"gte": int(since.timestamp())}
    if after:
        params["starting_after"] = after
    found = _lister(client, kind)(params)
    page = [each.to_dict() for each in found.data]
    rows = [_READERS[kind](data, read_at) for data in page]
    return PastPage(rows, page[-1]["id"] if found.has_more and page else None)


def _lister(client: StripeClient, kind: Kind) -> Callable[[Any], Any]:
    services: dict[Kind, Any] = {
        Kind.SUBSCRIPTIONS: client.v1.subscriptions,
        Kind.INVOICES: client.v1.invoices,
        Kind.PAYMENTS: client.v1.invoice_payments,
        Kind.CHARGES: client.v1.charges,
    }
    lister: Callable[[Any], Any] = services[kind].list
    return lister


def _subscription(data: dict[str, Any], read_at: datetime) -> PastSubscription:
    details = data.get("cancellation_details") or {}
    return PastSubscription(
        subscription=data["id"],
        customer=object_of(data["customer"])["id"],
        status=data["status"],
        currency=data["currency"],
        started_at=moment(data.get("start_date") or data["created"]),
        trial_end=_moment(data.get("trial_end")),
        ended_at=_moment(data.get("ended_at")),
        end_reason=details.get("reason") if data.get("ended_at") else None,
        live=bool(data["livemode"]),
        read_at=read_at,
    )


def _invoice(data: dict[str, Any], read_at: datetime) -> PastInvoice:
    details = (data.get("parent") or {}).get("subscription_details") or {}
    return PastInvoice(
        invoice=data["id"],
        customer=object_of(data.get("customer")).get("id"),
        subscription=object_of(details.get("subscription")).get("id"),
        reason=data.get("billing_reason"),
        status=data.get("status") or "draft",
        currency=data["currency"],
        due=data.get("amount_due") or 0,
        paid=data.get("amount_paid") or 0,
        made_at=moment(data["created"]),
        paid_at=_moment((data.get("status_transitions") or {}).get("paid_at")),
        live=bool(data["livemode"]),
        read_at=read_at,
    )


def _payment(data: dict[str, Any], read_at: datetime) -> PastPayment:
    intent = (data.get("payment") or {}).get("payment_intent")
    return PastPayment(
        payment=data["id"],
        invoice=object_of(data["invoice"])["id"],
        payment_intent=object_of(intent).get("id"),
        status=data["status"],
        currency=data["currency"],
        paid=data.get("amount_paid") or 0,
        made_at=moment(data["created"]),
        paid_at=_moment((data.get("status_transitions") or {}).get("paid_at")),
        read_at=read_at,
    )


def _charge(data: dict[str, Any], read_at: datetime) -> PastCharge:
    state = charge_state(data)
    return PastCharge(
        charge=state.id,
        customer=object_of(data.get("customer")).get("id"),
        payment_intent=state.payment_intent,
        status=state.status,
        currency=data["currency"],
        amount=data["amount"],
        refunded=state.refunded,
        disputed=bool(data.get("disputed")),
        code=state.decline.code if state.decline else None,
        brand=state.brand,
        made_at=state.at,
        read_at=read_at,
    )


def _moment(seconds: int | None) -> datetime | None:
    return moment(seconds) if seconds else None


_READERS: dict[Kind, Callable[[dict[str, Any], datetime], Past]] = {
    Kind.SUBSCRIPTIONS: _subscription,
    Kind.INVOICES: _invoice,
    Kind.PAYMENTS: _payment,
    Kind.CHARGES: _charge,
}
