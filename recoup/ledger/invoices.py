"""Invoices: what Recoup changed on them at Stripe, so that it can be put back."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from recoup.ledger._store import NotInLedger, Store, Transaction, first
from recoup.ledger.rows import InvoiceRow
from recoup.ledger.schema import invoices


class Invoices:
    """Invoices whose retries Recoup took over from Stripe; table ``invoices``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note_takeover(self, invoice: str, auto_advance_before: bool, at: datetime) -> InvoiceRow:
        """Record what the invoice said before Recoup changed it.

        Until it is released the first word stands: asked again, the invoice would already show Recoup's own change.
        """

        def work(tx: Transaction) -> InvoiceRow:
            row = {"auto_advance_before": auto_advance_before, "taken_over_at": at, "released_at": None}
            if not tx.insert_new(invoices, {"invoice": invoice} | row, "invoice"):
                before = _locked(tx, invoice)
                if before.released_at is None:
                    return before
                tx.conn.execute(sa.update(invoices).where(invoices.c.invoice == invoice).values(**row))
            said = {"auto_advance_before": auto_advance_before}
            tx.event("invoice_taken_over", at, invoice=invoice, data=said)
            return _locked(tx, invoice)

        return self._store.write(work)

    def takeover(self, invoice: str) -> InvoiceRow | None:
        """What Recoup changed on the invoice; None where it never did. See ``released_at``."""
        mine = sa.select(invoices).where(invoices.c.invoice == invoice)
        found = self._store.read(lambda conn: first(conn, mine))
        return InvoiceRow.model_validate(found) if found else None

    def note_released(self, invoice: str, at: datetime) -> InvoiceRow:
        """Record that the invoice was put back as it was; once."""

        def work(tx: Transaction) -> InvoiceRow:
            before = _locked(tx, invoice)
            if before.released_at is not None:
                return before
            tx.conn.execute(sa.update(invoices).where(invoices.c.invoice == invoice).values(released_at=at))
            tx.event("invoice_released", at, invoice=invoice)
            return _locked(tx, invoice)

        return self._store.write(work)


def _locked(tx: Transaction, invoice: str) -> InvoiceRow:
    found = first(tx.conn, sa.select(invoices).where(invoices.c.invoice == invoice).with_for_update())
    if found is None:
        raise NotInLedger(f"the ledger has no takeover of invoice {invoice}")
    return InvoiceRow.model_validate(found)
