"""Looking through the cases: by where they stand, filtered, sorted, page by page, and counted. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from recoup.ledger._store import Store, every
from recoup.ledger.rows import CaseRow
from recoup.ledger.schema import cases
from recoup.rules.base import Frozen
from recoup.rules.case import Stage
from recoup.rules.declines import DeclineClass

_NEVER = datetime.fromisoformat("9999-01-01T00:00:00+00:00")
"""Sorts what has no date behind what has one."""


class Tab(StrEnum):
    """Where cases stand, as people look for them."""

    PERSON = "person"
    ACTIVE = "active"
    CUSTOMER = "customer"
    PAUSED = "paused"
    RECOVERED = "recovered"
    LOST = "lost"
    CLOSED = "closed"
    ALL = "all"

    @property
    def stages(self) -> frozenset[Stage]:
        """The stages that belong to it."""
        return _STAGES[self]


_STAGES: dict[Tab, frozenset[Stage]] = {
    Tab.PERSON: frozenset({Stage.PERSON}),
    Tab.ACTIVE: frozenset({Stage.OPEN, Stage.WAITING, Stage.RETRYING}),
    Tab.CUSTOMER: frozenset({Stage.NOTIFIED, Stage.WARNED}),
    Tab.PAUSED: frozenset({Stage.PAUSED}),
    Tab.RECOVERED: frozenset({Stage.RECOVERED}),
    Tab.LOST: frozenset({Stage.LOST}),
    Tab.CLOSED: frozenset({Stage.CLOSED}),
    Tab.ALL: frozenset(Stage),
}


class Sort(StrEnum):
    """What the cases are sorted by."""

    PRIORITY = "priority"
    """The most important first, of the same importance the oldest."""
    NEXT = "next"
    """The one that does something soonest first."""
    NEWEST = "newest"
    OLDEST = "oldest"
    AMOUNT = "amount"
    """The largest first, each currency by itself."""
    CHANGED = "changed"
    """What changed last first."""


_NEXT_AT = sa.func.coalesce(cases.c.next_at, sa.literal(_NEVER, cases.c.next_at.type))
_ORDERS: dict[Sort, tuple[tuple[sa.ColumnElement[Any], str, bool], ...]] = {
    Sort.PRIORITY: ((cases.c.priority, "priority", True), (cases.c.failed_at, "failed_at", False)),
    Sort.NEXT: ((_NEXT_AT, "next_at", False),),
    Sort.NEWEST: ((cases.c.failed_at, "failed_at", True),),
    Sort.OLDEST: ((cases.c.failed_at, "failed_at", False),),
    Sort.AMOUNT: ((cases.c.currency, "currency", False), (cases.c.amount, "amount", True)),
    Sort.CHANGED: ((cases.c.updated_at, "updated_at", True),),
}
"""By which columns, under which names in a row, and whether the largest comes first; the id is always the last."""


class CaseFilter(Frozen):
    """Which cases are looked for; what is not set lets everything through."""

    currency: str | None = None
    decline_class: DeclineClass | None = None
    campaign: str | None = None
    from_priority: int | None = None
    owner: str | None = None
    failed_from: datetime | None = None
    failed_before: datetime | None = None
    least: int | None = None
    """Minor units."""
    most: int | None = None
    search: str | None = None
    """The beginning of an id or a number: of the case, the invoice, the customer, the subscription."""


class Page(Frozen):
    """Some of the cases, and where the next ones begin."""

    rows: tuple[CaseRow, ...]
    more: bool


class Browsing:
    """Reads of the table ``cases`` for people who look for something."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def counts(self, wanted: CaseFilter) -> dict[Tab, int]:
        """How many cases each tab has."""
        statement = sa.select(cases.c.stage, sa.func.count()).where(*_where(wanted)).group_by(cases.c.stage)
        found = self._store.read(lambda conn: conn.execute(statement).all())
        by_stage = {Stage(stage): count for stage, count in found}
        return {tab: sum(by_stage.get(stage, 0) for stage in tab.stages) for tab in Tab}

    def page(
        self,
        tab: Tab,
        wanted: CaseFilter,
        sort: Sort = Sort.PRIORITY,
        after: CaseRow | None = None,
        limit: int = 50,
    ) -> Page:
        """So many cases after this one, in order; what is opened or closed meanwhile moves no page boundary."""
        where = [*_where(wanted), *_in(tab)]
        if after is not None:
            where.append(_behind(sort, after))
        order = [column.desc() if down else column.asc() for column, _, down in _ORDERS[sort]]
        statement = sa.select(cases).where(*where).order_by(*order, cases.c.id).limit(limit + 1)
        rows = [CaseRow.model_validate(row) for row in self._store.read(lambda c: every(c, statement))]
        return Page(rows=tuple(rows[:limit]), more=len(rows) > limit)

    def all_of(self, tab: Tab, wanted: CaseFilter, sort: Sort = Sort.PRIORITY) -> Iterator[CaseRow]:
        """Every such case, read page by page."""
        after = None
        while True:
            page = self.page(tab, wanted, sort, after, limit=500)
            yield from page.rows
            if not page.more:
                return
            after = page.rows[-1]

    def due(self, until: datetime, limit: int = 50) -> Page:
        """Open cases whose next step is due by a moment, the soonest first."""
        where = cases.c.outcome.is_(None), cases.c.next_at <= until
        order = cases.c.next_at, cases.c.id
        statement = sa.select(cases).where(*where).order_by(*order).limit(limit + 1)
        rows = [CaseRow.model_validate(row) for row in self._store.read(lambda c: every(c, statement))]
        return Page(rows=tuple(rows[:limit]), more=len(rows) > limit)

    def of_customer(self, customer: str, limit: int = 50) -> list[CaseRow]:
        """All cases of a customer, the newest failure first."""
        mine = sa.select(cases).where(cases.c.customer == customer)
        statement = mine.order_by(cases.c.failed_at.desc(), cases.c.id.desc()).limit(limit)
        return [CaseRow.model_validate(row) for row in self._store.read(lambda c: every(c, statement))]

    def names(self) -> tuple[list[str], list[str]]:
        """The currencies and the campaigns that cases have."""

        def work(conn: sa.Connection) -> tuple[list[str], list[str]]:
            columns = cases.c.currency, cases.c.campaign
            found = (conn.execute(sa.select(each).distinct().order_by(each)).scalars() for each in columns)
            currencies, campaigns = (list(names) for names in found)
            return currencies, campaigns

        return self._store.read(work)


def _in(tab: Tab) -> list[sa.ColumnElement[bool]]:
    return [] if tab is Tab.ALL else [cases.c.stage.in_([stage.value for stage in tab.stages])]


def _where(wanted: CaseFilter) -> list[sa.ColumnElement[bool]]:
    mine = cases.c
    asked: list[tuple[Callable[[Any], sa.ColumnElement[bool]], Any]] = [
        (mine.currency.__eq__, wanted.currency),
        (mine.decline_class.__eq__, wanted.decline_class),
        (mine.campaign.__eq__, wanted.campaign),
        (mine.priority.__ge__, wanted.from_priority),
        (mine.assigned_to.__eq__, wanted.owner),
        (mine.failed_at.__ge__, wanted.failed_from),
        (mine.failed_at.__lt__, wanted.failed_before),
        (mine.amount.__ge__, wanted.least),
        (mine.amount.__le__, wanted.most),
    ]
    where = [holds(given) for holds, given in asked if given is not None]
    if wanted.search:
        looked_at = mine.id, mine.number, mine.customer, mine.subscription
        where.append(sa.or_(*(each.startswith(wanted.search, autoescape=True) for each in looked_at)))
    return where


def _behind(sort: Sort, after: CaseRow) -> sa.ColumnElement[bool]:
    """What comes after this case: greater in the first column, or as great and greater in the second, and so on."""
    keys = [*_ORDERS[sort], (cases.c.id, "id", False)]
    reached: list[sa.ColumnElement[bool]] = []
    for number, (column, name, down) in enumerate(keys):
        value = _value(after, name)
        same = [each == _value(after, before) for each, before, _ in keys[:number]]
        reached.append(sa.and_(*same, column < value if down else column > value))
    return sa.or_(*reached)


def _value(row: CaseRow, name: str) -> Any:
    value = getattr(row, name)
    return _NEVER if name == "next_at" and value is None else value
