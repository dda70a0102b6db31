"""Whether a case may begin: the rules behind :meth:`recoup.ledger.cases.Cases.open`."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from recoup.ledger._store import Transaction, every
from recoup.ledger.exclusions import excluded
from recoup.ledger.inputs import NewCase
from recoup.ledger.rows import Admission, CaseRow
from recoup.ledger.schema import cases
from recoup.rules.case import Outcome, Stage


def admit(tx: Transaction, new: NewCase, at: datetime, *, is_paid: bool = False) -> Admission:
    """The answer to a case that wants to begin; the invoice is held by this transaction."""
    earlier = _of_invoice(tx, new.invoice)
    own = next((case for case in earlier if case.workflow_id == new.workflow_id or case.id == new.id), None)
    if own is not None and own.workflow_id == new.workflow_id:
        if own.run_id == new.run_id:
            return Admission(admitted=True, because="this run was admitted before", case=own)
        if own.is_open:
            return _take_over(tx, own, new, at)
    refusal = (None if is_paid else _excluded(tx, new)) or _refusal(earlier, new)
    if refusal is not None:
        because, case = refusal
        _event(tx, "case_not_admitted", new, at, {"because": because})
        return Admission(admitted=False, because=because, case=case)
    return _begin(tx, new, at)


def _excluded(tx: Transaction, new: NewCase) -> tuple[str, CaseRow | None] | None:
    found = excluded(tx.conn, new.customer)
    return (found.said, None) if found is not None else None


def _refusal(earlier: list[CaseRow], new: NewCase) -> tuple[str, CaseRow | None] | None:
    still_open = next((case for case in earlier if case.is_open), None)
    if still_open is not None:
        return f"case {still_open.id} of this invoice is open", still_open
    last = earlier[-1] if earlier else None
    if not new.is_return:
        return (f"case {last.id} of this invoice has ended as {last.outcome}", last) if last else None
    if last is None:
        return "the invoice has no case to return to", None
    taken = next((case for case in earlier if case.id == new.id or case.workflow_id == new.workflow_id), None)
    if taken is not None:
        return f"case {taken.id} has ended as {taken.outcome}", taken
    return _refused_return(earlier, last)


def _refused_return(earlier: list[CaseRow], last: CaseRow) -> tuple[str, CaseRow | None] | None:
    """A return needs a suspension that no later case has undone."""
    for case in reversed(earlier):
        if case.outcome is Outcome.LOST_SUSPENDED:
            return None
        if case.stage is Stage.RECOVERED:
            return f"case {case.id} of this invoice has ended as {case.outcome}", case
    return f"no case of this invoice ended in a suspension; {last.id} ended as {last.outcome}", last


def _begin(tx: Transaction, new: NewCase, at: datetime) -> Admission:
    moments = {"failed_at": new.failed_at, "opened_at": at, "updated_at": at}
    values = new.model_dump(mode="json") | moments | {"stage": Stage.OPEN}
    tx.conn.execute(sa.insert(cases).values(**values))
    data = {"campaign": new.campaign, "policy_version": new.policy_version, "is_return": new.is_return}
    _event(tx, "case_opened", new, at, data | {"workflow_id": new.workflow_id, "run_id": new.run_id})
    because = "a return after a suspension" if new.is_return else "the invoice had no case yet"
    case = next(case for case in _of_invoice(tx, new.invoice) if case.id == new.id)
    return Admission(admitted=True, because=because, case=case)


def _take_over(tx: Transaction, own: CaseRow, new: NewCase, at: datetime) -> Admission:
    tx.conn.execute(sa.update(cases).where(cases.c.id == own.id).values(run_id=new.run_id, updated_at=at))
    _event(tx, "case_taken_over", new, at, {"from_run": own.run_id})
    case = own.model_copy(update={"run_id": new.run_id, "updated_at": at})
    return Admission(admitted=True, because=f"case {own.id} is open; this run takes it over", case=case)


def _of_invoice(tx: Transaction, invoice: str) -> list[CaseRow]:
    statement = sa.select(cases).where(cases.c.invoice == invoice).order_by(cases.c.opened_at, cases.c.id)
    return [CaseRow.model_validate(row) for row in every(tx.conn, statement.with_for_update())]


def _event(tx: Transaction, kind: str, new: NewCase, at: datetime, data: dict[str, object]) -> None:
    unique = f"{kind}/{new.workflow_id}/{new.run_id}"
    tx.event(kind, at, case_id=new.id, invoice=new.invoice, customer=new.customer, data=data, unique=unique)
