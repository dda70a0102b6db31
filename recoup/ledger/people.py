"""People: whose a case is, which campaign it was moved to, and which cases wait for somebody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recoup.ledger._store import Store, Transaction, every
from recoup.ledger.cases import locked_case
from recoup.ledger.rows import CaseRow
from recoup.ledger.schema import cases
from recoup.rules.case import Stage


class People:
    """What operators do with cases; columns of the table ``cases``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def assign(
        self, case_id: str, to: str | None, at: datetime, *, actor: str, because: str, unique: str
    ) -> CaseRow:
        """The case is this operator's now; None: nobody's."""

        def work(tx: Transaction) -> CaseRow:
            row = _change(tx, case_id, {"assigned_to": to}, at)
            said = {"to": to, "because": because}
            who = {"case_id": case_id, "invoice": row.invoice, "customer": row.customer}
            tx.event("case_assigned", at, **who, actor=actor, data=said, unique=unique)
            return row

        return self._store.write(work)

    def move(
        self,
        case_id: str,
        *,
        campaign: str,
        policy: Mapping[str, Any],
        policy_version: str,
        priority: int | None,
        at: datetime,
        actor: str,
        because: str,
        unique: str,
    ) -> CaseRow:
        """The case goes on by another campaign; a priority stays where none is given."""
        values: dict[str, Any] = {"campaign": campaign, "policy": dict(policy)}
        values["policy_version"] = policy_version
        if priority is not None:
            values["priority"] = priority

        def work(tx: Transaction) -> CaseRow:
            before = locked_case(tx, case_id)
            row = _change(tx, case_id, values, at)
            said = {"from": before.policy_version, "to": policy_version, "campaign": campaign}
            who = {"case_id": case_id, "invoice": row.invoice, "customer": row.customer}
            data = said | {"because": because}
            tx.event("case_moved", at, **who, actor=actor, data=data, unique=unique)
            return row

        return self._store.write(work)

    def queue(self, stage: Stage | None = None, limit: int = 100) -> list[CaseRow]:
        """Open cases, the most important first, of the same importance the oldest; of one stage where it is named."""
        where = [cases.c.outcome.is_(None)] if stage is None else [cases.c.stage == stage]
        order = (cases.c.priority.desc(), cases.c.failed_at, cases.c.id)
        statement = sa.select(cases).where(*where).order_by(*order).limit(limit)
        return [CaseRow.model_validate(row) for row in self._store.read(lambda conn: every(conn, statement))]


def _change(tx: Transaction, case_id: str, values: dict[str, Any], at: datetime) -> CaseRow:
    """A closed case stays as it is."""
    before = locked_case(tx, case_id)
    if not before.is_open or all(getattr(before, name) == value for name, value in values.items()):
        return before
    tx.conn.execute(sa.update(cases).where(cases.c.id == case_id).values(**values, updated_at=at))
    return locked_case(tx, case_id)
