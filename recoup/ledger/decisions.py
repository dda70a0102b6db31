"""Decisions: what was known, what could have been done, what was chosen, and why. Never changed."""

from __future__ import annotations

import sqlalchemy as sa

from recoup.ledger._store import NotInLedger, Store, Transaction, every, first
from recoup.ledger.inputs import DecisionRecord
from recoup.ledger.rows import DecisionRow
from recoup.ledger.schema import cases, decisions


class Decisions:
    """The record that explanations and learning rest on; table ``decisions``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(self, record: DecisionRecord, request: str) -> DecisionRow:
        """Write a decision down once: the same request of the same case again gives the row that is there."""

        def work(tx: Transaction) -> DecisionRow:
            case = first(tx.conn, sa.select(cases).where(cases.c.id == record.case_id))
            if case is None:
                raise NotInLedger(f"the ledger has no case {record.case_id}")
            values = record.model_dump(mode="json") | {"at": record.at, "request": request}
            inserted = tx.insert_new(decisions, values, "case_id", "request")
            mine = decisions.c.case_id == record.case_id, decisions.c.request == request
            row = DecisionRow.model_validate(first(tx.conn, sa.select(decisions).where(*mine)))
            if inserted:
                who = {"case_id": row.case_id, "invoice": case["invoice"], "customer": case["customer"]}
                said = {"decision": row.id, "choice": row.choice, "because": row.because}
                tx.event("decided", row.at, **who, data=said)
            return row

        return self._store.write(work)

    def of_case(self, case_id: str) -> list[DecisionRow]:
        """The case's decisions in the order they were recorded."""
        statement = sa.select(decisions).where(decisions.c.case_id == case_id).order_by(decisions.c.id)
        return [
            DecisionRow.model_validate(row) for row in self._store.read(lambda conn: every(conn, statement))
        ]
