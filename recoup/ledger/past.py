"""The past: cases with all that was known and done, page by page, as learning and looking back need them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from recoup.ledger._store import Store, every
from recoup.ledger.past_rows import ObservedRow, PastCase
from recoup.ledger.rows import AttemptRow, CaseRow, DecisionRow, EventRow
from recoup.ledger.schema import attempts, cases, decisions, events, observed_charges

FAILURE_READ = "failure_read"
"""The card and the refusals of an invoice as its case found them; one for each case."""
CARD_READ = "card_read"
"""Another card that an attempt of a case was made with; one for each case and method."""
TIMING = "/timing"
"""The end of the requests under which planned moments are recorded as decisions."""

_PAGE = 200


class Past:
    """Reading only; tables ``cases``, ``attempts``, ``observed_charges``, ``decisions`` and ``events``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def newest_first(self, since: datetime | None = None) -> Iterator[PastCase]:
        """Every case that began at or after ``since``, the newest first, without the returns after a suspension.

        A page is one consistent view of the database; cases that begin meanwhile are left out.
        """
        before: tuple[datetime, str] | None = None
        while page := self._store.read(partial(_page, since=since, before=before)):
            yield from page
            before = page[-1].case.opened_at, page[-1].case.id

    def failure(self, case_id: str) -> EventRow | None:
        """How a case found its invoice."""
        statement = sa.select(events).where(events.c.unique_key == f"{FAILURE_READ}/{case_id}")
        found = self._store.read(lambda conn: every(conn, statement))
        return EventRow.model_validate(found[0]) if found else None

    def plans_of(self, case_id: str) -> list[DecisionRow]:
        """The planned moments of a case, in order."""
        return self._store.read(lambda conn: _plans(conn, [case_id])).get(case_id, [])

    def newest_event(self, *kinds: str) -> EventRow | None:
        """The newest event of one of these kinds, whomever it is about; reads from the end until it finds one."""
        statement = sa.select(events).where(events.c.kind.in_(kinds)).order_by(events.c.id.desc()).limit(1)
        found = self._store.read(lambda conn: every(conn, statement))
        return EventRow.model_validate(found[0]) if found else None


def _page(conn: sa.Connection, since: datetime | None, before: tuple[datetime, str] | None) -> list[PastCase]:
    statement = sa.select(cases).where(cases.c.is_return.is_(False))
    if since is not None:
        statement = statement.where(cases.c.opened_at >= since)
    if before is not None:
        at, name = before
        older = sa.and_(cases.c.opened_at == at, cases.c.id < name)
        statement = statement.where(sa.or_(cases.c.opened_at < at, older))
    newest = statement.order_by(cases.c.opened_at.desc(), cases.c.id.desc()).limit(_PAGE)
    found = [CaseRow.model_validate(row) for row in every(conn, newest)]
    ids, invoices = [row.id for row in found], [row.invoice for row in found]
    made = _grouped(
        conn, sa.select(attempts).where(attempts.c.case_id.in_(ids)).order_by(attempts.c.id), "case_id"
    )
    seen = sa.select(observed_charges).where(observed_charges.c.invoice.in_(invoices))
    others = _grouped(conn, seen.order_by(observed_charges.c.made_at, observed_charges.c.charge), "invoice")
    about = sa.select(events).where(events.c.case_id.in_(ids), events.c.kind.in_((FAILURE_READ, CARD_READ)))
    read = _grouped(conn, about.order_by(events.c.id), "case_id")
    plans = _plans(conn, ids)
    return [
        PastCase(
            case=row,
            attempts=tuple(AttemptRow.model_validate(each) for each in made.get(row.id, ())),
            observed=tuple(ObservedRow.model_validate(each) for each in others.get(row.invoice, ())),
            read=tuple(EventRow.model_validate(each) for each in read.get(row.id, ())),
            plans=tuple(plans.get(row.id, ())),
        )
        for row in found
    ]


def _plans(conn: sa.Connection, ids: Sequence[str]) -> dict[str, list[DecisionRow]]:
    planned = decisions.c.request.like(f"%{TIMING}")
    statement = sa.select(decisions).where(decisions.c.case_id.in_(ids), planned).order_by(decisions.c.id)
    return {
        case_id: [DecisionRow.model_validate(row) for row in rows]
        for case_id, rows in _grouped(conn, statement, "case_id").items()
    }


def _grouped(conn: sa.Connection, statement: sa.Select[Any], by: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in every(conn, statement):
        found.setdefault(str(row[by]), []).append(row)
    return found
