"""Mass updates: whom each is about, how far it is with each of them, and that nobody is in one twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from recoup.ledger._store import NotInLedger, Store, Transaction, every, first
from recoup.ledger.cards_rows import (
    CardRow,
    RefreshRow,
    Selection,
    TargetDone,
    TargetRow,
    TargetState,
)
from recoup.ledger.cards_schema import cards, refresh_targets, refreshes

SELECTED_AT_ONCE = 500
"""So many cards of the mirror are taken in with one transaction, so that no selection holds up other writers."""


class Refreshes:
    """Mass updates and their targets; tables ``refreshes`` and ``refresh_targets``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, name: str, selection: Selection, per_hour: int, at: datetime) -> RefreshRow:
        """The mass update of this name; one that is there already keeps its selection and gets the new rate.

        ``finished_at`` is taken back: who begins it again may have more targets for it.
        """
        said = selection.model_dump(exclude_none=True)
        new = {"name": name, "selection": said, "per_hour": per_hour, "begun_at": at, "finished_at": None}

        def work(tx: Transaction) -> RefreshRow:
            if tx.insert_new(refreshes, new, "name"):
                tx.event("refresh_begun", at, data={"refresh": name, **said})
            else:
                again = {"per_hour": per_hour, "finished_at": None}
                tx.conn.execute(sa.update(refreshes).where(refreshes.c.name == name).values(**again))
            return _known(tx.conn, name)

        return self._store.write(work, lock=[f"refresh/{name}"])

    def get(self, name: str) -> RefreshRow | None:
        """The mass update; None where there is none of this name."""
        found = self._store.read(lambda conn: first(conn, _named(name)))
        return RefreshRow.model_validate(found) if found else None

    def all(self) -> list[RefreshRow]:
        """Every mass update, the newest first."""
        newest = sa.select(refreshes).order_by(refreshes.c.begun_at.desc(), refreshes.c.name)
        return [RefreshRow.model_validate(row) for row in self._store.read(lambda conn: every(conn, newest))]

    def add(self, name: str, references: Sequence[str]) -> int:
        """Take some ids of payment methods or customers in; how many were new.

        A card that the mirror knows is taken in with its version, so that a renewal until its turn is noticed.
        """

        def work(tx: Transaction) -> int:
            known = sa.select(cards).where(cards.c.method.in_(references))
            of = {row["method"]: CardRow.model_validate(row) for row in every(tx.conn, known)}
            return _insert(tx, name, [(reference, of.get(reference)) for reference in references])

        return self._store.write(work)

    def select(self, name: str, after: str) -> tuple[int, str | None]:
        """Take the next cards of the mirror in that the selection is about: how many were new, and where to go on.

        The second part is None after the last of them.
        """

        def work(tx: Transaction) -> tuple[int, str | None]:
            wanted = _matching(_known(tx.conn, name).selection).where(cards.c.method > after)
            page = wanted.order_by(cards.c.method).limit(SELECTED_AT_ONCE)
            found = [CardRow.model_validate(row) for row in every(tx.conn, page)]
            more = found[-1].method if len(found) == SELECTED_AT_ONCE else None
            return _insert(tx, name, [(card.method, card) for card in found]), more

        return self._store.write(work)

    def knows(self, column: str) -> bool:
        """Whether the mirror has this word (``issuer``, ``bin``) of any card: Stripe tells it to few accounts."""
        any_ = sa.select(sa.exists().where(cards.c[column].is_not(None)))
        return bool(self._store.read(lambda conn: conn.execute(any_).scalar_one()))

    def waiting(self, name: str, now: datetime, limit: int) -> list[TargetRow]:
        """The next targets, in the order in which they were taken in, without those put off until later than now."""
        moment = refresh_targets.c.not_before
        due = sa.or_(moment.is_(None), moment <= now)
        page = sa.select(refresh_targets).where(*_still_waiting(name), due)
        page = page.order_by(refresh_targets.c.id).limit(limit)
        return [TargetRow.model_validate(row) for row in self._store.read(lambda conn: every(conn, page))]

    def next_try(self, name: str) -> datetime | None:
        """When the first of those that were put off is to be looked at again; None where none was."""
        first_of = sa.select(sa.func.min(refresh_targets.c.not_before)).where(*_still_waiting(name))
        moment: datetime | None = self._store.read(lambda conn: conn.execute(first_of).scalar_one())
        return moment

    def note(self, done: Iterable[TargetDone], at: datetime) -> None:
        """Write down what became of some targets; the first word about each that ends its waiting stands."""
        rows = [
            {
                "of": one.id,
                "customer": one.customer,
                "state": one.state,
                "because": one.because,
                "not_before": one.not_before,
                "done_at": None if one.state is TargetState.WAITING else at,
            }
            for one in done
        ]
        if not rows:
            return
        mine = refresh_targets.c.id == sa.bindparam("of"), refresh_targets.c.state == TargetState.WAITING
        names = ("customer", "state", "because", "not_before", "done_at")
        change = sa.update(refresh_targets).where(*mine).values({name: sa.bindparam(name) for name in names})
        self._store.write(lambda tx: tx.conn.execute(change, rows))

    def finish(self, name: str, at: datetime) -> None:
        """Every target is done."""

        def work(tx: Transaction) -> None:
            mine = refreshes.c.name == name, refreshes.c.finished_at.is_(None)
            if tx.conn.execute(sa.update(refreshes).where(*mine).values(finished_at=at)).rowcount == 1:
                tx.event("refresh_finished", at, data={"refresh": name})

        self._store.write(work, lock=[f"refresh/{name}"])

    def tally(self, name: str) -> dict[TargetState, int]:
        """How many targets are in each state."""
        mine = sa.select(refresh_targets.c.state, sa.func.count().label("n"))
        counted = mine.where(refresh_targets.c.refresh == name).group_by(refresh_targets.c.state)
        found = {row["state"]: row["n"] for row in self._store.read(lambda conn: every(conn, counted))}
        return {state: found.get(state, 0) for state in TargetState}

    def refused(self, name: str, limit: int) -> list[TargetRow]:
        """Targets whose message was refused for good, and why."""
        mine = refresh_targets.c.refresh == name, refresh_targets.c.state == TargetState.FAILED
        page = sa.select(refresh_targets).where(*mine).order_by(refresh_targets.c.id).limit(limit)
        return [TargetRow.model_validate(row) for row in self._store.read(lambda conn: every(conn, page))]


def _still_waiting(name: str) -> tuple[sa.ColumnElement[bool], ...]:
    return refresh_targets.c.refresh == name, refresh_targets.c.state == TargetState.WAITING


def _named(name: str) -> sa.Select[Any]:
    return sa.select(refreshes).where(refreshes.c.name == name)


def _known(conn: sa.Connection, name: str) -> RefreshRow:
    found = first(conn, _named(name))
    if found is None:
        raise NotInLedger(f"the ledger has no mass update {name}")
    return RefreshRow.model_validate(found)


def _matching(selection: Selection) -> sa.Select[Any]:
    wanted = sa.select(cards)
    if selection.issuer:
        wanted = wanted.where(sa.func.lower(cards.c.issuer) == selection.issuer.lower())
    if selection.bin:
        wanted = wanted.where(cards.c.bin.startswith(selection.bin, autoescape=True))
    if selection.expires:
        year, month = (int(part) for part in selection.expires.split("-"))
        wanted = wanted.where(cards.c.exp_year == year, cards.c.exp_month == month)
    return wanted


def _insert(tx: Transaction, name: str, found: list[tuple[str, CardRow | None]]) -> int:
    """Each reference once: one that is there keeps its state, and the version that it was taken in with."""
    rows = [
        {
            "refresh": name,
            "reference": reference,
            "customer": card.customer if card else None,
            "version": card.version if card else None,
            "state": TargetState.WAITING,
        }
        for reference, card in found
    ]
    if not rows:
        return 0
    before = tx.conn.execute(sa.select(sa.func.max(refresh_targets.c.id))).scalar_one() or 0
    make = postgresql.insert if tx.is_postgresql else sqlite.insert
    statement = make(refresh_targets).on_conflict_do_nothing(index_elements=["refresh", "reference"])
    tx.conn.execute(statement, rows)
    mine = refresh_targets.c.refresh == name, refresh_targets.c.id > before
    return int(tx.conn.execute(sa.select(sa.func.count()).where(*mine)).scalar_one())
