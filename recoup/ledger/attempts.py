"""Attempts: reserved before anything is charged, settled once, counted for the card networks."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic_core import to_json

from recoup.ledger._cards import counts, observe
from recoup.ledger._reserving import Guard, reserve
from recoup.ledger._store import NotInLedger, Store, Transaction, every, first
from recoup.ledger.inputs import AttemptResult, ObservedCharge, ReserveAttempt
from recoup.ledger.rows import AttemptCounts, AttemptRow, EventRow, Reservation
from recoup.ledger.schema import attempts
from recoup.rules.case import AttemptState

_ASKED = (AttemptState.RESERVED, AttemptState.SENT)
_UNANSWERED = (AttemptState.SENT, AttemptState.UNKNOWN)


class Attempts:
    """Our attempts to collect, and the charges of others that count with them; tables ``attempts``, ``observed_charges``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def reserve(self, new: ReserveAttempt, at: datetime, guard: Guard | None = None) -> Reservation:
        """Give an attempt its number and key and freeze its parameters, or say why it may not be.

        One transaction: the same request gets the same row; an attempt of the invoice that is not settled, or that paid it, is given
        back instead of a second one; then ``guard`` is asked with what the card has seen, and a no is recorded. The guard runs
        inside the transaction, perhaps more than once: it must be quick and touch nothing.
        """
        locks = [f"invoice/{new.invoice}"] + ([f"card/{new.fingerprint}"] if new.fingerprint else [])
        return self._store.write(lambda tx: reserve(tx, new, at, guard), lock=locks)

    def mark_sent(self, attempt_id: int, at: datetime) -> AttemptRow:
        """Stripe is about to be asked. The first time is kept: the key's age counts from it."""
        values = {"state": AttemptState.SENT, "sent_at": at, "counted_at": at}
        return self._move(attempt_id, (AttemptState.RESERVED,), values, at, "attempt_sent")

    def ask_again(self, attempt_id: int, at: datetime) -> AttemptRow:
        """Stripe is about to be asked once more under the same key: the quiet time counts from now on, the key's age does not.

        Gives the attempt as it was before, so that its ``counted_at`` says when it was asked last. A settled one must not be sent.
        """

        def work(tx: Transaction) -> AttemptRow:
            before = _locked(tx, attempt_id)
            if before.state in _UNANSWERED:
                _event(tx, "attempt_asked_again", before, at, {})
                _update(tx, attempt_id, {"counted_at": at})
            return before

        return self._store.write(work)

    def mark_unknown(self, attempt_id: int, at: datetime, because: str | None = None) -> AttemptRow:
        """Stripe was asked and no usable answer came: it may have charged. Not for one that Stripe has accepted."""
        values = {"state": AttemptState.UNKNOWN, "because": because, "counted_at": at}
        return self._move(attempt_id, _ASKED, values, at, "attempt_unknown")

    def mark_pending(
        self, attempt_id: int, at: datetime, *, charge: str | None = None, payment_intent: str | None = None
    ) -> AttemptRow:
        """Stripe has accepted it, and the bank takes its time."""
        values = {
            "state": AttemptState.PENDING,
            "charge": charge,
            "payment_intent": payment_intent,
            "counted_at": at,
        }
        return self._move(attempt_id, (*_ASKED, AttemptState.UNKNOWN), values, at, "attempt_pending")

    def settle(self, attempt_id: int, result: AttemptResult, at: datetime) -> AttemptRow:
        """Give the attempt its final result. A settled one never changes: another result later is recorded as a conflict."""
        return self._store.write(lambda tx: _settle(tx, attempt_id, result, at))

    def withdraw(self, attempt_id: int, because: str, at: datetime) -> AttemptRow:
        """Skip an attempt that is merely reserved; one that Stripe may have been asked about stays as it is.

        Whoever reserved it and wakes up late is told by :meth:`mark_sent` that it is settled.
        """

        def work(tx: Transaction) -> AttemptRow:
            before = _locked(tx, attempt_id)
            if before.state is not AttemptState.RESERVED:
                return before
            return _settle(tx, attempt_id, AttemptResult(state=AttemptState.SKIPPED, because=because), at)

        return self._store.write(work)

    def give_up(self, attempt_id: int, because: str, at: datetime, *, asked_until: datetime) -> AttemptRow:
        """Skip an attempt of which nothing came; one that somebody asked Stripe about after ``asked_until`` stays as it is."""

        def work(tx: Transaction) -> AttemptRow:
            before = _locked(tx, attempt_id)
            if before.settled_at is not None or before.counted_at > asked_until:
                return before
            return _settle(tx, attempt_id, AttemptResult(state=AttemptState.SKIPPED, because=because), at)

        return self._store.write(work)

    def observe(self, charge: ObservedCharge, at: datetime) -> bool:
        """Count a charge that Recoup did not make; True where it was new. One of ours is left out, now or when it is settled."""
        return self._store.write(lambda tx: observe(tx, charge, at))

    def seen_besides(self, row: AttemptRow, at: datetime) -> AttemptCounts:
        """What is known at this moment of an attempt's card and debt, the attempt itself left out."""
        return self._store.read(lambda conn: counts(conn, row, at, besides=row.id))

    def seen(self, new: ReserveAttempt, at: datetime) -> AttemptCounts:
        """What is known at this moment of the card and the debt of an attempt that might be made; nothing is reserved."""
        return self._store.read(lambda conn: counts(conn, new, at))

    def get(self, attempt_id: int) -> AttemptRow | None:
        """The attempt with this id."""
        return self._one(sa.select(attempts).where(attempts.c.id == attempt_id))

    def made(self, charge: str) -> bool:
        """Whether one of our attempts made this charge, as far as its answer is known."""
        return self._one(sa.select(attempts).where(attempts.c.charge == charge).limit(1)) is not None

    def has_told_of_itself(self, event: EventRow) -> bool:
        """Whether an event tells of somebody else's charge that was one of ours, seen before its answer was known."""
        return event.kind == "charge_observed" and self.made(str(event.data.get("charge")))

    def latest(self, invoice: str) -> AttemptRow | None:
        """The invoice's attempt with the highest number."""
        mine = sa.select(attempts).where(attempts.c.invoice == invoice)
        return self._one(mine.order_by(attempts.c.number.desc()).limit(1))

    def unsettled(self, invoice: str) -> AttemptRow | None:
        """The one attempt of the invoice whose result is not known yet, if there is one."""
        return self._one(
            sa.select(attempts).where(attempts.c.invoice == invoice, attempts.c.settled_at.is_(None))
        )

    def of_invoice(self, invoice: str) -> list[AttemptRow]:
        """The invoice's attempts by number."""
        return self._list(
            sa.select(attempts).where(attempts.c.invoice == invoice).order_by(attempts.c.number)
        )

    def list_unsettled(self, older_than: datetime, limit: int = 1000, after: int = 0) -> list[AttemptRow]:
        """Attempts reserved before this moment whose result is still not known, page by page: what the sweep looks at.

        They come in the order in which they were reserved; ``after`` is the id of the last one seen.
        """
        old = attempts.c.settled_at.is_(None) & (attempts.c.reserved_at < older_than)
        page = sa.select(attempts).where(old, attempts.c.id > after).order_by(attempts.c.id).limit(limit)
        return self._list(page)

    def _move(
        self,
        attempt_id: int,
        origins: tuple[AttemptState, ...],
        values: dict[str, Any],
        at: datetime,
        kind: str,
    ) -> AttemptRow:
        def work(tx: Transaction) -> AttemptRow:
            before = _locked(tx, attempt_id)
            if before.state not in origins:
                return before
            _event(tx, kind, before, at, {})
            return _update(tx, attempt_id, values)

        return self._store.write(work)

    def _one(self, statement: sa.Select[Any]) -> AttemptRow | None:
        found = self._store.read(lambda conn: first(conn, statement))
        return AttemptRow.model_validate(found) if found else None

    def _list(self, statement: sa.Select[Any]) -> list[AttemptRow]:
        return [
            AttemptRow.model_validate(row) for row in self._store.read(lambda conn: every(conn, statement))
        ]


def _locked(tx: Transaction, attempt_id: int) -> AttemptRow:
    found = first(tx.conn, sa.select(attempts).where(attempts.c.id == attempt_id).with_for_update())
    if found is None:
        raise NotInLedger(f"the ledger has no attempt {attempt_id}")
    return AttemptRow.model_validate(found)


def _update(tx: Transaction, attempt_id: int, values: dict[str, Any]) -> AttemptRow:
    tx.conn.execute(sa.update(attempts).where(attempts.c.id == attempt_id).values(**values))
    return _locked(tx, attempt_id)


def _settle(tx: Transaction, attempt_id: int, result: AttemptResult, at: datetime) -> AttemptRow:
    before = _locked(tx, attempt_id)
    said = result.model_dump(mode="json", exclude={"charged_at"})
    if before.settled_at is not None:
        if said != _result_of(before):
            digest = hashlib.sha256(to_json(said)).hexdigest()[:16]
            _event(tx, "settle_conflict", before, at, said, unique=f"settle_conflict/{attempt_id}/{digest}")
        return before
    known = {name: value for name, value in said.items() if value is not None}
    counted = result.charged_at or (before.counted_at if before.state is AttemptState.PENDING else at)
    frozen = {"trigger": before.trigger, "amount": before.amount, "currency": before.currency}
    _event(tx, f"attempt_{result.state.value}", before, at, frozen | known)
    return _update(tx, attempt_id, known | {"settled_at": at, "counted_at": counted})


def _result_of(row: AttemptRow) -> dict[str, Any]:
    return row.model_dump(mode="json", include=set(AttemptResult.model_fields) - {"charged_at"})


def _event(
    tx: Transaction, kind: str, row: AttemptRow, at: datetime, data: dict[str, Any], unique: str | None = None
) -> None:
    tx.event(
        kind,
        at,
        case_id=row.case_id,
        invoice=row.invoice,
        customer=row.customer,
        data={"attempt": row.number} | data,
        unique=unique,
    )
