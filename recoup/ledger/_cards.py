"""What a card has seen: our attempts and everybody else's charges on it, as the card networks count them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from recoup.ledger._store import Transaction, every, first
from recoup.ledger.inputs import ObservedCharge, ReserveAttempt
from recoup.ledger.rows import AttemptCounts, AttemptRow, PastAttempt, PastDecline
from recoup.ledger.schema import attempts, observed_charges
from recoup.rules.case import AttemptState
from recoup.rules.declines import forbidden

LONGEST_WINDOW = timedelta(days=30)
"""The longest window of any network's rule."""
CLOCKS_APART = timedelta(minutes=1)
"""A charge that Stripe tells of was made by a clock that is not ours, in whole seconds: it counts so much longer, in case ours is ahead."""


def counts(
    conn: sa.Connection, new: ReserveAttempt | AttemptRow, at: datetime, besides: int | None = None
) -> AttemptCounts:
    """What is known of the card at this moment, over all invoices, customers and currencies; and of this debt with it.

    ``besides`` is an attempt to leave out: the one that is asked about.
    """
    fingerprint, of_debt = new.fingerprint, _of_debt(conn, new, besides)
    if fingerprint is None:
        return AttemptCounts(at=at, fingerprint=None, of_debt=of_debt)
    moments = sorted(_ours(conn, fingerprint, at, besides) + _others(conn, fingerprint, at))
    return AttemptCounts(
        at=at,
        fingerprint=fingerprint,
        attempts=tuple(moments),
        last_decline=_last_decline(conn, fingerprint),
        final_no=_final_no(conn, fingerprint, at),
        of_debt=of_debt,
    )


def _of_debt(
    conn: sa.Connection, new: ReserveAttempt | AttemptRow, besides: int | None
) -> tuple[PastAttempt, ...]:
    """Attempts at one invoice with one method. A bank account keeps its fingerprint when it is given again."""
    mine = attempts.c
    same = mine.payment_method == new.payment_method
    if new.fingerprint is not None:
        same = sa.or_(same, mine.fingerprint == new.fingerprint)
    statement = sa.select(mine.counted_at.label("at"), mine.trigger).where(
        mine.invoice == new.invoice, mine.state != AttemptState.SKIPPED, _but(besides), same
    )
    found = conn.execute(statement.order_by(mine.number)).mappings()
    return tuple(PastAttempt.model_validate(dict(row)) for row in found)


def _ours(conn: sa.Connection, fingerprint: str, at: datetime, besides: int | None) -> list[datetime]:
    """Attempts that reached a bank or still may; one that was never sent does not count."""
    mine = attempts.c
    statement = sa.select(mine.counted_at, mine.settled_at).where(
        mine.fingerprint == fingerprint,
        mine.state != AttemptState.SKIPPED,
        sa.or_(mine.settled_at.is_(None), mine.counted_at > at - LONGEST_WINDOW),
        _but(besides),
    )
    return [at if settled is None else counted for counted, settled in conn.execute(statement)]


def _but(besides: int | None) -> sa.ColumnElement[bool]:
    return sa.true() if besides is None else attempts.c.id != besides


def _others(conn: sa.Connection, fingerprint: str, at: datetime) -> list[datetime]:
    seen = observed_charges.c
    since = at - LONGEST_WINDOW - CLOCKS_APART
    statement = sa.select(seen.made_at).where(
        seen.fingerprint == fingerprint, _not_ours(), seen.made_at > since
    )
    return [made_at + CLOCKS_APART for made_at in conn.execute(statement).scalars()]


def _not_ours() -> sa.ColumnElement[bool]:
    """A charge can be seen before its attempt knows that it made it; from then on the attempt alone counts."""
    return ~sa.exists().where(attempts.c.charge == observed_charges.c.charge)


def _last_decline(conn: sa.Connection, fingerprint: str) -> PastDecline | None:
    newest = [first(conn, part.order_by(sa.desc("at")).limit(1)) for part in _declines(fingerprint)]
    found = [PastDecline.model_validate(row) for row in newest if row is not None]
    return max(found, key=lambda past: past.at, default=None)


def _final_no(conn: sa.Connection, fingerprint: str, at: datetime) -> PastDecline | None:
    """Neither time nor a milder refusal that follows undoes a network's "never"; only a later payment with the card does."""
    paid = max(_payments(conn, fingerprint), default=None)
    rows = [row for part in _declines(fingerprint) for row in every(conn, part)]
    found = [past for past in map(PastDecline.model_validate, rows) if paid is None or past.at >= paid]
    final = (past for past in found if forbidden(past.decline, at.astimezone(UTC).date()))
    return max(final, key=lambda past: past.at, default=None)


def _payments(conn: sa.Connection, fingerprint: str) -> list[datetime]:
    mine, seen = attempts.c, observed_charges.c
    ours = sa.select(mine.counted_at).where(mine.fingerprint == fingerprint, mine.state == AttemptState.PAID)
    others = sa.select(seen.made_at).where(seen.fingerprint == fingerprint, seen.failed.is_(False))
    return [moment for part in (ours, others) for moment in conn.execute(part).scalars()]


def _declines(fingerprint: str) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """The refusals of a card, each with its moment: ours, and everybody else's."""
    mine, seen = attempts.c, observed_charges.c
    ours = sa.select(mine.counted_at.label("at"), mine.decline).where(
        mine.fingerprint == fingerprint, mine.state == AttemptState.DECLINED, mine.decline.is_not(None)
    )
    others = sa.select(seen.made_at.label("at"), seen.decline).where(
        seen.fingerprint == fingerprint, _not_ours(), seen.decline.is_not(None)
    )
    return ours, others


def observe(tx: Transaction, charge: ObservedCharge, at: datetime) -> bool:
    """Record a charge seen at Stripe; True where it was new and not one of ours."""
    made_by = sa.select(attempts.c.id).where(attempts.c.charge == charge.charge)
    if tx.conn.execute(made_by).first() is not None:
        return False
    values = charge.model_dump(mode="json") | {"made_at": charge.made_at or at, "seen_at": at}
    if not tx.insert_new(observed_charges, values, "charge"):
        return _failed_later(tx, charge, at)
    _event(tx, "charge_observed", charge, at)
    return True


def _failed_later(tx: Transaction, charge: ObservedCharge, at: datetime) -> bool:
    """A bank debit is seen while it is pending and again when it fails: the same charge, now with its decline."""
    seen = observed_charges.c
    if charge.failed:
        decline = charge.decline.model_dump(mode="json") if charge.decline else None
        was_pending = seen.charge == charge.charge, seen.failed.is_(False)
        update = sa.update(observed_charges).where(*was_pending).values(failed=True, decline=decline)
        if tx.conn.execute(update).rowcount:
            _event(tx, "observed_charge_failed", charge, at)
    return False


def _event(tx: Transaction, kind: str, charge: ObservedCharge, at: datetime) -> None:
    codes: dict[str, Any] = (
        charge.decline.model_dump(mode="json", exclude_none=True) if charge.decline else {}
    )
    data = {
        "charge": charge.charge,
        "amount": charge.amount,
        "currency": charge.currency,
        "failed": charge.failed,
    }
    tx.event(
        kind,
        at,
        invoice=charge.invoice,
        customer=charge.customer,
        actor="stripe",
        data=data | {"decline": codes},
    )
