"""Cases: whether one may begin, where it stands, and its one outcome."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recoup.ledger._admission import admit
from recoup.ledger._store import NotInLedger, Store, Transaction, every, first
from recoup.ledger.exclusions import customer_lock
from recoup.ledger.inputs import NewCase
from recoup.ledger.rows import Admission, CaseRow
from recoup.ledger.schema import cases
from recoup.rules.case import Outcome, Stage
from recoup.rules.declines import Decline, DeclineClass


class Cases:
    """The recovery cases; see ``docs/ledger.md``, table ``cases``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(self, new: NewCase, at: datetime, *, is_paid: bool = False) -> Admission:
        """Whether this case may begin, and its row when it may.

        The same run asking again gets the same yes and the campaign stored the first time. Another run of the same workflow takes an
        open case over. A return is admitted only where a case of the invoice ended suspended and nothing has come of it since.
        Of an excluded customer only what ``is_paid`` already is taken up, to give the access back.
        """
        lock = [f"invoice/{new.invoice}", customer_lock(new.customer)]
        return self._store.write(lambda tx: admit(tx, new, at, is_paid=is_paid), lock=lock)

    def note(
        self,
        case_id: str,
        stage: Stage,
        at: datetime,
        *,
        next_kind: str | None = None,
        next_at: datetime | None = None,
        next_because: str | None = None,
        decline: Decline | None = None,
        decline_class: DeclineClass | None = None,
    ) -> CaseRow:
        """Record where the case stands and what comes next (nothing, where it is left out); a decline stays until another comes.

        A closed case stays as it is; final stages are reached through :meth:`close` alone.
        """
        if stage.is_final:
            raise ValueError(f"{stage.value} is reached by closing the case, not by a note")
        values: dict[str, Any] = {
            "stage": stage,
            "next_kind": next_kind,
            "next_at": next_at,
            "next_because": next_because,
        }
        if decline is not None:
            values |= {"decline": decline.model_dump(mode="json"), "decline_class": decline_class}
        return self._store.write(lambda tx: _note(tx, case_id, values, at))

    def close(self, case_id: str, outcome: Outcome, because: str, at: datetime) -> CaseRow:
        """Give the case its outcome. The first one stands: a different one later is recorded as a conflict and changes nothing."""
        return self._store.write(lambda tx: _close(tx, case_id, outcome, because, at))

    def get(self, case_id: str) -> CaseRow | None:
        """The case with this id."""
        found = self._store.read(lambda conn: first(conn, sa.select(cases).where(cases.c.id == case_id)))
        return CaseRow.model_validate(found) if found else None

    def by_invoice(self, invoice: str) -> list[CaseRow]:
        """The cases of an invoice, in the order they were opened: the first one, then its returns."""
        return self._list(cases.c.invoice == invoice, order=(cases.c.opened_at, cases.c.id))

    def open_of_customer(self, customer: str) -> list[CaseRow]:
        """The customer's open cases, newest invoice first: the order in which they are collected after a card update."""
        return self._list(cases.c.customer == customer, cases.c.outcome.is_(None), order=_NEWEST_FAILURE)

    def open_of_subscription(self, subscription: str) -> list[CaseRow]:
        """The subscription's open cases, newest invoice first."""
        return self._list(
            cases.c.subscription == subscription, cases.c.outcome.is_(None), order=_NEWEST_FAILURE
        )

    def suspended_of_customer(self, customer: str) -> list[CaseRow]:
        """The customer's cases that ended in a suspension from which there has been no way back yet, newest invoice first.

        One for each invoice; a return that is open or has recovered takes the invoice off the list.
        """
        later = cases.alias("later")
        came_after = sa.or_(
            later.c.opened_at > cases.c.opened_at,
            sa.and_(later.c.opened_at == cases.c.opened_at, later.c.id > cases.c.id),
        )
        ended_elsewhere = (Stage.LOST.value, Stage.CLOSED.value)
        counts = sa.or_(later.c.stage.not_in(ended_elsewhere), later.c.outcome == Outcome.LOST_SUSPENDED)
        superseded = sa.exists().where(later.c.invoice == cases.c.invoice, came_after, counts)
        return self._list(
            cases.c.customer == customer,
            cases.c.outcome == Outcome.LOST_SUSPENDED,
            ~superseded,
            order=_NEWEST_FAILURE,
        )

    def concerned(self, customer: str, at: datetime) -> list[CaseRow]:
        """The customer's cases that what happened at this moment may concern, newest invoice first: open then, or suspended."""
        begun = cases.c.customer == customer, cases.c.opened_at <= at
        open_then = sa.or_(cases.c.closed_at.is_(None), cases.c.closed_at >= at)
        return self._list(
            *begun, sa.or_(open_then, cases.c.outcome == Outcome.LOST_SUSPENDED), order=_NEWEST_FAILURE
        )

    def ended_of_customer(self, customer: str, since: datetime) -> list[CaseRow]:
        """The customer's cases that have ended since a moment, newest invoice first."""
        return self._list(cases.c.customer == customer, cases.c.closed_at > since, order=_NEWEST_FAILURE)

    def recovered_of_customer(self, customer: str, since: datetime) -> list[CaseRow]:
        """Those of them that have recovered."""
        return [case for case in self.ended_of_customer(customer, since) if case.stage is Stage.RECOVERED]

    def list_open(self) -> list[CaseRow]:
        """All open cases, the one opened last first."""
        return self._list(cases.c.outcome.is_(None), order=_NEWEST_OPENED)

    def open_after(self, case_id: str, limit: int = 100) -> list[CaseRow]:
        """Open cases page by page, by their ids: the ones after this id, ``""`` for the first."""
        return self._list(cases.c.outcome.is_(None), cases.c.id > case_id, order=(cases.c.id,), limit=limit)

    def known(self, invoices: Collection[str]) -> set[str]:
        """Those of the invoices that have, or had, a case."""
        mine = sa.select(cases.c.invoice).where(cases.c.invoice.in_(sorted(invoices)))
        return set(self._store.read(lambda conn: conn.execute(mine).scalars().all()))

    def list_all(self, limit: int = 100, offset: int = 0) -> list[CaseRow]:
        """All cases page by page, the one opened last first."""
        return self._list(sa.true(), order=_NEWEST_OPENED, limit=limit, offset=offset)

    def _list(
        self,
        *where: sa.ColumnElement[bool],
        order: tuple[sa.ColumnElement[Any], ...],
        limit: int | None = None,
        offset: int = 0,
    ) -> list[CaseRow]:
        statement = sa.select(cases).where(*where).order_by(*order).offset(offset)
        if limit is not None:
            statement = statement.limit(limit)
        return [CaseRow.model_validate(row) for row in self._store.read(lambda conn: every(conn, statement))]


_NEWEST_FAILURE = (cases.c.failed_at.desc(), cases.c.id.desc())
_NEWEST_OPENED = (cases.c.opened_at.desc(), cases.c.id.desc())


def locked_case(tx: Transaction, case_id: str) -> CaseRow:
    """The case, kept from being closed by anybody else until this transaction ends."""
    found = first(tx.conn, sa.select(cases).where(cases.c.id == case_id).with_for_update())
    if found is None:
        raise NotInLedger(f"the ledger has no case {case_id}")
    return CaseRow.model_validate(found)


def _update(tx: Transaction, case_id: str, values: dict[str, Any]) -> CaseRow:
    tx.conn.execute(sa.update(cases).where(cases.c.id == case_id).values(**values))
    return locked_case(tx, case_id)


def _note(tx: Transaction, case_id: str, values: dict[str, Any], at: datetime) -> CaseRow:
    before = locked_case(tx, case_id)
    if not before.is_open:
        return before
    after = _update(tx, case_id, values)
    if after == before:
        return before
    said = {name: value for name, value in values.items() if value is not None}
    tx.event("case_noted", at, case_id=case_id, invoice=before.invoice, customer=before.customer, data=said)
    return _update(tx, case_id, {"updated_at": at})


def _close(tx: Transaction, case_id: str, outcome: Outcome, because: str, at: datetime) -> CaseRow:
    before = locked_case(tx, case_id)
    who = {"case_id": case_id, "invoice": before.invoice, "customer": before.customer}
    if before.outcome is not None:
        if before.outcome is not outcome:
            said = {"outcome": outcome, "because": because, "stands": before.outcome}
            tx.event(
                "outcome_conflict", at, **who, data=said, unique=f"outcome_conflict/{case_id}/{outcome.value}"
            )
        return before
    values = {
        "stage": outcome.stage,
        "outcome": outcome,
        "because": because,
        "next_kind": None,
        "next_at": None,
        "next_because": None,
        "updated_at": at,
        "closed_at": at,
    }
    tx.event("case_closed", at, **who, data={"outcome": outcome, "because": because})
    return _update(tx, case_id, values)
