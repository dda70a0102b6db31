"""Looking through the cases: by where they stand, filtered, sorted, page by page, and counted. Reads only.

Every stage of a tab is read by itself from where the page before ended, in the order of an index, and so many of each are enough for a
page: the millionth case costs what the first one does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from recoup.ledger._store import Store, every
from recoup.ledger.rows import CaseRow
from recoup.ledger.schema import cases
from recoup.rules.base import Frozen
from recoup.rules.case import FINAL_STAGES, Stage
from recoup.rules.declines import DeclineClass


class Tab(StrEnum):
    """Where cases stand, as people look for them. Every open case is in exactly one of the first four."""

    PERSON = "person"
    """A person must decide."""
    ACTIVE = "active"
    """Recoup has something left to try."""
    CUSTOMER = "customer"
    """Only the customer can bring the money now, or they have had their last notice."""
    PAUSED = "paused"
    """An operator has stopped the clock."""
    RECOVERED = "recovered"
    LOST = "lost"
    CLOSED = "closed"
    ALL = "all"


_FINAL = {Tab.RECOVERED: Stage.RECOVERED, Tab.LOST: Stage.LOST, Tab.CLOSED: Stage.CLOSED}
_OPEN = (Tab.PERSON, Tab.ACTIVE, Tab.CUSTOMER, Tab.PAUSED)
_OPEN_STAGES = [stage for stage in Stage if stage not in FINAL_STAGES]
_FEW = 2000
"""Of more cases than these a search is no way to find any: they are gone through in the order asked for."""
_LAST = "\U0010ffff"
"""Comes after every character that an id or a number has."""
_CUSTOMERS_TURN = (DeclineClass.HARD, DeclineClass.ACTION, DeclineClass.FRAUD)
"""Where no attempt with the same card can bring the money."""


class Sort(StrEnum):
    """What the cases are sorted by."""

    PRIORITY = "priority"
    """The most important first, of the same importance the oldest."""
    NEWEST = "newest"
    OLDEST = "oldest"
    AMOUNT = "amount"
    """The largest first, each currency by itself."""
    CHANGED = "changed"
    """What changed last first."""


_ORDERS: dict[Sort, tuple[tuple[sa.ColumnElement[Any], str, bool], ...]] = {
    Sort.PRIORITY: ((cases.c.priority, "priority", True), (cases.c.failed_at, "failed_at", False)),
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

    def counts(self, wanted: CaseFilter, paused: Collection[str] = ()) -> dict[Tab, int]:
        """How many cases each tab has; which ones are paused only their workflows know."""
        return together(self.counts_of_open(wanted, paused), self.counts_of_ended(wanted))

    def counts_of_open(self, wanted: CaseFilter, paused: Collection[str] = ()) -> dict[Tab, int]:
        """The same of the tabs of open cases alone."""
        of: list[Any] = [sa.func.count().filter(_in(tab, paused)).label(tab.value) for tab in _OPEN]
        statement = sa.select(*of).where(cases.c.stage.in_(_OPEN_STAGES), *self._where(wanted))
        row = self._store.read(lambda conn: conn.execute(statement).one())
        return {tab: int(count) for tab, count in zip(_OPEN, row, strict=True)}

    def counts_of_ended(self, wanted: CaseFilter) -> dict[Tab, int]:
        """The same of the tabs of ended cases alone: of a million it takes a tenth of a second."""
        ended = cases.c.stage.in_(sorted(FINAL_STAGES))
        statement = sa.select(cases.c.stage, sa.func.count().label("cases")).where(
            ended, *self._where(wanted)
        )
        rows = self._store.read(lambda conn: every(conn, statement.group_by(cases.c.stage)))
        by_stage = {row["stage"]: row["cases"] for row in rows}
        return {tab: by_stage.get(stage, 0) for tab, stage in _FINAL.items()}

    def waiting(self) -> int:
        """How many cases wait for a person."""
        mine = sa.select(sa.func.count()).where(cases.c.stage == Stage.PERSON)
        return self._store.read(lambda conn: conn.execute(mine).scalar_one())

    def is_empty(self) -> bool:
        """Whether there has never been a case."""
        return self._store.read(lambda conn: conn.execute(sa.select(cases.c.id).limit(1)).first() is None)

    def page(
        self,
        tab: Tab,
        wanted: CaseFilter,
        sort: Sort = Sort.PRIORITY,
        after: CaseRow | None = None,
        limit: int = 50,
        paused: Collection[str] = (),
    ) -> Page:
        """So many cases after this one, in order; what is opened or closed meanwhile moves no page boundary."""
        few = self._few(tab, wanted)
        if few == []:
            return Page(rows=(), more=False)
        where = [_in(tab, paused), *(self._where(wanted) if few is None else [cases.c.id.in_(few)])]
        order = [column.desc() if down else column.asc() for column, _, down in _ORDERS[sort]]
        # By stage along the index of the order, unless there are a few to choose from only.
        is_few = few is not None or wanted.search is not None
        stages = [sa.true()] if is_few else [cases.c.stage == stage for stage in _stages(tab)]
        parts = [
            sa.select(cases.c.id)
            .where(stage, behind, *where)
            .order_by(*order, cases.c.id)
            .limit(limit + 1)
            .subquery()
            for stage in stages
            for behind in _behind(sort, after)
        ]
        ids = sa.union_all(*(sa.select(part) for part in parts))
        statement = sa.select(cases).where(cases.c.id.in_(ids)).order_by(*order, cases.c.id).limit(limit + 1)
        rows = [CaseRow.model_validate(row) for row in self._store.read(lambda c: every(c, statement))]
        return Page(rows=tuple(rows[:limit]), more=len(rows) > limit)

    def all_of(
        self, tab: Tab, wanted: CaseFilter, sort: Sort = Sort.PRIORITY, paused: Collection[str] = ()
    ) -> Iterator[CaseRow]:
        """Every such case, read page by page."""
        after = None
        while True:
            page = self.page(tab, wanted, sort, after, 500, paused)
            yield from page.rows
            if not page.more:
                return
            after = page.rows[-1]

    def of_customer(self, customer: str, limit: int = 50) -> list[CaseRow]:
        """All cases of a customer, the newest failure first."""
        mine = sa.select(cases).where(cases.c.customer == customer)
        statement = mine.order_by(cases.c.failed_at.desc(), cases.c.id.desc()).limit(limit)
        return [CaseRow.model_validate(row) for row in self._store.read(lambda c: every(c, statement))]

    def named(self, ids: Collection[str]) -> dict[str, CaseRow]:
        """The cases with these ids, so many of them as there are."""
        mine = sa.select(cases).where(cases.c.id.in_(sorted(ids)))
        rows = [CaseRow.model_validate(row) for row in self._store.read(lambda conn: every(conn, mine))]
        return {row.id: row for row in rows}

    def versions(self) -> list[tuple[CaseRow, int]]:
        """For each policy version and campaign that open cases go on by, how many do and one of them as a sample."""
        of = cases.c.policy_version, cases.c.campaign
        groups = (
            sa.select(sa.func.min(cases.c.id), sa.func.count()).where(cases.c.outcome.is_(None)).group_by(*of)
        )

        def work(conn: sa.Connection) -> list[tuple[CaseRow, int]]:
            counted = {row[0]: row[1] for row in conn.execute(groups.order_by(*of))}
            samples = every(conn, sa.select(cases).where(cases.c.id.in_(counted)).order_by(*of))
            return [(CaseRow.model_validate(row), counted[row["id"]]) for row in samples]

        return self._store.read(work)

    def names(self) -> tuple[list[str], list[str]]:
        """The currencies and the campaigns that cases have."""

        def work(conn: sa.Connection) -> tuple[list[str], list[str]]:
            return _distinct(conn, cases.c.currency), _distinct(conn, cases.c.campaign)

        return self._store.read(work)

    def _few(self, tab: Tab, wanted: CaseFilter) -> list[str] | None:
        """The cases that a filter leaves, where they are a few: along the order one would look at all the others for them.

        Nothing where they are many, where nothing is filtered, and where something is searched for, which has its own indexes.
        """
        where = _where(wanted)
        if wanted.search or not where:
            return None
        # An owner's are found by their name alone; all others in the index that has all columns, which begins with the stage.
        stage = _beside(cases.c.stage) if wanted.owner else cases.c.stage
        theirs = sa.select(cases.c.id).where(stage.in_(_stages(tab)), *where).limit(_FEW + 1)
        found = self._store.read(lambda conn: list(conn.execute(theirs).scalars()))
        return found if len(found) <= _FEW else None

    def _where(self, wanted: CaseFilter) -> list[sa.ColumnElement[bool]]:
        """The conditions; of what is searched for and found a few times only, the cases themselves."""
        where = _where(wanted)
        if not wanted.search:
            return where
        ids = self._searched(wanted.search)
        return [*where, cases.c.id.in_(ids) if len(ids) <= _FEW else _begins(wanted.search)]

    def _searched(self, text: str) -> list[str]:
        """The cases with this beginning of something, as the indexes find them; at most one more than a few."""
        is_sqlite = self._store.engine.dialect.name == "sqlite"
        parts = [
            sa.select(cases.c.id)
            .where(_indexed(column, part, is_sqlite=is_sqlite))
            .limit(_FEW + 1)
            .subquery()
            for column, part in _looked_at(text)
        ]
        ids = sa.union(*(sa.select(part) for part in parts))
        found = self._store.read(lambda conn: list(conn.execute(ids.limit(_FEW + 1)).scalars()))
        return [id_ for id_ in found if "/" not in text or id_.startswith(text)]


def together(still_open: dict[Tab, int], ended: dict[Tab, int]) -> dict[Tab, int]:
    """The counts of all tabs, from those of both kinds."""
    found = still_open | ended
    return found | {Tab.ALL: sum(found.values())}


def _looked_at(text: str) -> list[tuple[sa.Column[str], str]]:
    """The columns that can begin with it; a case's id begins with its invoice's."""
    columns = cases.c.number, cases.c.customer, cases.c.subscription
    return [(cases.c.invoice, text.split("/", 1)[0]), *((column, text) for column in columns)]


def _indexed(column: sa.Column[str], text: str, *, is_sqlite: bool) -> sa.ColumnElement[bool]:
    """How either database finds the beginning of a text in an index."""
    if is_sqlite:
        return sa.and_(column >= text, column <= text + _LAST)
    return column.startswith(text, autoescape=True)


def _begins(text: str) -> sa.ColumnElement[bool]:
    """The same, looked at row by row: an index is of no use for what most cases have."""
    columns = cases.c.id, cases.c.number, cases.c.customer, cases.c.subscription
    return sa.or_(*(sa.func.substr(column, 1, len(text)) == text for column in columns))


def _distinct(conn: sa.Connection, column: sa.Column[str]) -> list[str]:
    """Every value of a column, each found from the one before it in the column's index."""
    found: list[str] = []
    least = sa.select(sa.func.min(column))
    value = conn.execute(least).scalar()
    while value is not None:
        found.append(value)
        value = conn.execute(least.where(column > value)).scalar()
    return found


def _stages(tab: Tab) -> list[Stage]:
    """The stages that a tab's cases can be in."""
    if tab is Tab.ALL:
        return list(Stage)
    if tab in _FINAL:
        return [_FINAL[tab]]
    if tab is Tab.PERSON:
        return [Stage.PERSON]
    return [stage for stage in _OPEN_STAGES if stage is not Stage.PERSON]


def _in(tab: Tab, paused: Collection[str]) -> sa.ColumnElement[bool]:
    mine, stage = cases.c, cases.c.stage
    if tab is Tab.ALL:
        return sa.true()
    if tab in _FINAL:
        return stage == _FINAL[tab]
    if tab is Tab.PERSON:
        return stage == Stage.PERSON
    open_ = stage.in_([each for each in _OPEN_STAGES if each is not Stage.PERSON])
    stands = mine.id.in_(sorted(paused)) if paused else sa.false()
    if tab is Tab.PAUSED:
        return sa.and_(open_, stands)
    theirs = sa.or_(stage == Stage.WARNED, sa.func.coalesce(mine.decline_class, "").in_(_CUSTOMERS_TURN))
    return sa.and_(open_, sa.not_(stands), theirs if tab is Tab.CUSTOMER else sa.not_(theirs))


def _beside(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """The column as no index has it: half of all cases may have the same currency, so that its own index finds nothing sooner."""
    return sa.func.coalesce(column, None, type_=column.type)


def _where(wanted: CaseFilter) -> list[sa.ColumnElement[bool]]:
    mine = cases.c
    asked: list[tuple[Callable[[Any], sa.ColumnElement[bool]], Any]] = [
        (_beside(mine.currency).__eq__, wanted.currency),
        (mine.decline_class.__eq__, wanted.decline_class),
        (_beside(mine.campaign).__eq__, wanted.campaign),
        (mine.priority.__ge__, wanted.from_priority),
        (mine.assigned_to.__eq__, wanted.owner),
        (mine.failed_at.__ge__, wanted.failed_from),
        (mine.failed_at.__lt__, wanted.failed_before),
        (mine.amount.__ge__, wanted.least),
        (mine.amount.__le__, wanted.most),
    ]
    return [holds(given) for holds, given in asked if given is not None]


def _behind(sort: Sort, after: CaseRow | None) -> list[sa.ColumnElement[bool]]:
    """What comes after this case, in parts that an index has side by side: greater in the first column, as great and greater in the second, and so on."""
    if after is None:
        return [sa.true()]
    keys = [*_ORDERS[sort], (cases.c.id, "id", False)]
    parts: list[sa.ColumnElement[bool]] = []
    for number, (column, name, down) in enumerate(keys):
        value = getattr(after, name)
        same = [each == getattr(after, before) for each, before, _ in keys[:number]]
        parts.append(sa.and_(*same, column < value if down else column > value))
    return parts
