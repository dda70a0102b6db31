"""The reservation of an attempt: the one place where a charge gets its number."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recoup.ledger._cards import counts
from recoup.ledger._store import Transaction, first
from recoup.ledger.cases import locked_case
from recoup.ledger.inputs import ReserveAttempt
from recoup.ledger.rows import AttemptCounts, AttemptRow, CaseRow, Reservation, Verdict
from recoup.ledger.schema import attempts
from recoup.rules.case import AttemptState

Guard = Callable[[AttemptCounts], Verdict]
"""Says whether an attempt may be made, from what the ledger knows of the card."""


def reserve(tx: Transaction, new: ReserveAttempt, at: datetime, guard: Guard | None) -> Reservation:
    """Reserve; this transaction has the invoice and the card for itself."""
    existing = _existing(tx, new)
    if existing is not None:
        return Reservation(attempt=existing, existing=True)
    case = locked_case(tx, new.case_id)
    verdict = _refusal_of_case(case, new)
    if verdict is None and guard is not None:
        verdict = guard(counts(tx.conn, new, at))
    if verdict is not None and not verdict.allowed:
        data = verdict.model_dump(mode="json", exclude={"allowed"}) | {"trigger": new.trigger}
        _event(tx, "attempt_refused", new, case, at, data, f"attempt_refused/{new.request}/{at.isoformat()}")
        return Reservation(refused=verdict)
    return Reservation(attempt=_insert(tx, new, case, at))


def _existing(tx: Transaction, new: ReserveAttempt) -> AttemptRow | None:
    """The attempt of this request; else one of the invoice that may still charge, or that paid it."""
    same = first(tx.conn, sa.select(attempts).where(attempts.c.request == new.request))
    if same is None:
        stands = sa.or_(attempts.c.settled_at.is_(None), attempts.c.state == AttemptState.PAID)
        of_invoice = sa.select(attempts).where(attempts.c.invoice == new.invoice, stands)
        same = first(tx.conn, of_invoice.order_by(attempts.c.number.desc()).limit(1))
    return AttemptRow.model_validate(same) if same else None


def _refusal_of_case(case: CaseRow, new: ReserveAttempt) -> Verdict | None:
    if case.invoice != new.invoice:
        raise ValueError(f"case {case.id} is about invoice {case.invoice}, not about {new.invoice}")
    if case.outcome is None:
        return None
    return Verdict(allowed=False, because=f"case {case.id} has ended as {case.outcome.value}")


def _insert(tx: Transaction, new: ReserveAttempt, case: CaseRow, at: datetime) -> AttemptRow:
    highest = sa.select(sa.func.max(attempts.c.number)).where(attempts.c.invoice == new.invoice)
    number = (tx.conn.execute(highest).scalar() or 0) + 1
    values = new.model_dump(mode="json", exclude={"key_prefix"}) | {
        "number": number,
        "key": f"{new.key_prefix}/{new.invoice}/{number}",
        "customer": case.customer,
        "state": AttemptState.RESERVED,
        "reserved_at": at,
        "counted_at": at,
    }
    row = tx.conn.execute(sa.insert(attempts).values(**values).returning(attempts)).mappings().one()
    frozen = {"attempt": number, "key": values["key"], "payment_method": new.payment_method}
    money = {"amount": new.amount, "currency": new.currency, "trigger": new.trigger}
    _event(tx, "attempt_reserved", new, case, at, frozen | money, None)
    return AttemptRow.model_validate(dict(row))


def _event(
    tx: Transaction,
    kind: str,
    new: ReserveAttempt,
    case: CaseRow,
    at: datetime,
    data: dict[str, Any],
    unique: str | None,
) -> None:
    tx.event(
        kind, at, case_id=new.case_id, invoice=new.invoice, customer=case.customer, data=data, unique=unique
    )
