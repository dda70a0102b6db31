"""The rows of history that figures are made from, live ones where there are any."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recoup.ledger._store import Store, every
from recoup.ledger.history_schema import (
    history_charges,
    history_invoices,
    history_payments,
    history_subscriptions,
)


@dataclass(frozen=True, slots=True)
class KnownSubscription:
    """A subscription of the account's."""

    id: str
    currency: str
    status: str
    started_at: datetime
    """The end of its trial, where it had one: from here on it pays."""
    ended_at: datetime | None
    end_reason: str | None


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that an invoice brought, less what was given back of it."""

    invoice: str
    subscription: str | None
    currency: str
    amount: int
    given_back: int
    disputed: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class UnpaidInvoice:
    """An invoice of a subscription's that was made and never paid."""

    invoice: str
    subscription: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class KnownHistory:
    """All of it."""

    subscriptions: list[KnownSubscription]
    payments: list[Payment]
    unpaid: list[UnpaidInvoice]
    failed: frozenset[str]
    """Subscriptions of which any charge failed."""
    tests: frozenset[str]
    """Invoices of test mode, where there are live ones too."""


class HistoryRows:
    """What an import has brought, as figures need it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def known(self) -> KnownHistory:
        """Everything that was imported."""
        invoices = self._rows(sa.select(history_invoices))
        subscriptions = self._rows(sa.select(history_subscriptions))
        has_live = any(row["live"] for row in (*invoices, *subscriptions))
        kept = {row["invoice"]: row for row in invoices if row["live"] or not has_live}
        return KnownHistory(
            subscriptions=[_subscription(row) for row in subscriptions if row["live"] or not has_live],
            payments=self._payments(kept),
            unpaid=[
                UnpaidInvoice(row["invoice"], row["subscription"], row["made_at"])
                for row in kept.values()
                if row["status"] in ("open", "uncollectible") and row["subscription"] and row["due"] > 0
            ],
            failed=self._failed(kept),
            tests=frozenset(row["invoice"] for row in invoices if row["invoice"] not in kept),
        )

    def _payments(self, invoices: dict[str, dict[str, Any]]) -> list[Payment]:
        """Every payment through Stripe, and of each invoice what was paid beside them."""
        charges: dict[str, list[dict[str, Any]]] = {}
        for row in self._rows(sa.select(history_charges).where(history_charges.c.status == "succeeded")):
            charges.setdefault(row["payment_intent"], []).append(row)
        paid = self._rows(sa.select(history_payments).where(history_payments.c.paid > 0))
        found, rest = [], {id_: row["paid"] for id_, row in invoices.items()}
        for row in paid:
            if row["invoice"] in rest:
                rest[row["invoice"]] -= row["paid"]
                mine = charges.get(row["payment_intent"], [])
                found.append(
                    _payment(invoices[row["invoice"]], row["paid"], mine, row["paid_at"] or row["made_at"])
                )
        for id_, amount in rest.items():
            if amount > 0:
                found.append(
                    _payment(invoices[id_], amount, [], invoices[id_]["paid_at"] or invoices[id_]["made_at"])
                )
        return sorted(found, key=lambda payment: (payment.at, payment.invoice))

    def _failed(self, invoices: dict[str, dict[str, Any]]) -> frozenset[str]:
        query = (
            sa.select(history_payments.c.invoice)
            .join(history_charges, history_charges.c.payment_intent == history_payments.c.payment_intent)
            .where(history_charges.c.status == "failed")
        )
        named = (
            invoices[row["invoice"]]["subscription"]
            for row in self._rows(query)
            if row["invoice"] in invoices
        )
        return frozenset(filter(None, named))

    def _rows(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        return self._store.read(lambda conn: every(conn, query))


def _subscription(row: dict[str, Any]) -> KnownSubscription:
    return KnownSubscription(
        id=row["subscription"],
        currency=row["currency"],
        status=row["status"],
        started_at=max(row["started_at"], row["trial_end"] or row["started_at"]),
        ended_at=row["ended_at"],
        end_reason=row["end_reason"],
    )


def _payment(invoice: dict[str, Any], amount: int, charges: list[dict[str, Any]], at: datetime) -> Payment:
    return Payment(
        invoice=invoice["invoice"],
        subscription=invoice["subscription"],
        currency=invoice["currency"],
        amount=amount,
        given_back=sum(charge["refunded"] for charge in charges),
        disputed=any(charge["disputed"] for charge in charges),
        at=at,
    )
