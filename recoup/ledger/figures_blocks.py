"""Folded facts, kept by the month in which their payments failed, and how far the events are folded into them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recoup.ledger._store import Store, Transaction, every, first
from recoup.ledger.figures_schema import figure_blocks, figure_folds
from recoup.rules.base import Frozen

_AS_BYTES = {"recoup_bytes": True}


class FigureFold(Frozen):
    """How far the facts have come; table ``figure_folds``, one row at most."""

    version: int
    """Of the way in which they are folded."""
    event: int
    """The last event that is in them."""
    customer: str | None = None
    """While all are folded anew: the last customer whose debts are; nothing once everybody's are."""
    imported_at: datetime | None = None
    """When the last import that they know had come to its end."""


class FigureBlock(Frozen):
    """The facts of what failed in one month, as bytes; table ``figure_blocks``."""

    month: str
    last_at: datetime
    """The latest moment in them."""
    facts: bytes
    names: bytes
    """Ids, which few figures need."""


class FigureBlocks:
    """Reads and writes them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def fold(self) -> FigureFold | None:
        """How far they have come; nothing before the first time."""
        return self._store.read(_fold)

    def write(
        self, seen: FigureFold | None, then: FigureFold, blocks: Sequence[FigureBlock], *, anew: bool = False
    ) -> bool:
        """Put blocks in the place of older ones; False, and nothing changes, where somebody else has come on since ``seen``.

        Folded ``anew``, no other block stays.
        """

        def work(tx: Transaction) -> bool:
            if _fold(tx.conn) != seen:
                return False
            stay = sa.false() if anew else figure_blocks.c.month.not_in([block.month for block in blocks])
            tx.conn.execute(sa.delete(figure_blocks).where(sa.not_(stay)))
            for block in blocks:
                tx.conn.execute(sa.insert(figure_blocks).values(**block.model_dump()))
            tx.conn.execute(sa.delete(figure_folds))
            tx.conn.execute(sa.insert(figure_folds).values(**then.model_dump()))
            return True

        return self._store.write(work, lock=["figures"])

    def of(self, months: Collection[str]) -> dict[str, FigureBlock]:
        """The blocks of these months, as far as there are any."""
        mine = sa.select(figure_blocks).where(figure_blocks.c.month.in_(sorted(months)))
        found = self._store.read(lambda conn: every(conn, mine.execution_options(**_AS_BYTES)))
        return {row["month"]: FigureBlock(**row) for row in found}

    def touching(self, since: datetime | None, until_month: str | None, *, named: bool) -> list[FigureBlock]:
        """The blocks in which anything happened since then, of the months up to this one, in order; with their ids where asked for."""
        mine = figure_blocks.c
        names: Any = mine.names if named else sa.literal(b"", sa.LargeBinary()).label("names")
        where = []
        if since is not None:
            where.append(mine.last_at >= since)
        if until_month is not None:
            where.append(mine.month <= until_month)
        query = sa.select(mine.month, mine.last_at, mine.facts, names).where(*where).order_by(mine.month)
        found = self._store.read(lambda conn: every(conn, query.execution_options(**_AS_BYTES)))
        return [FigureBlock(**row) for row in found]


def _fold(conn: sa.Connection) -> FigureFold | None:
    row = first(conn, sa.select(figure_folds))
    return FigureFold.model_validate(row) if row else None
