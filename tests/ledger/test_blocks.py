"""Folded facts as each database keeps and gives them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from recoup.ledger import FigureBlock, FigureFold, Ledger
from tests.ledger.builders import NOW

FOLD = FigureFold(version=1, event=0)
BLOCK = FigureBlock(month="2026-11", last_at=NOW, facts=bytes(range(256)) * 40, names=b"\0in_1\\x")


def test_blocks_are_given_as_they_were_written(ledger: Ledger) -> None:
    """Every byte of them, with and without their names, and the moment."""
    assert ledger.figure_blocks.write(None, FOLD, [BLOCK])
    assert ledger.figure_blocks.of(["2026-11"]) == {"2026-11": BLOCK}
    assert ledger.figure_blocks.touching(NOW, "2026-11", named=True) == [BLOCK]
    nameless = BLOCK.model_copy(update={"names": b""})
    assert ledger.figure_blocks.touching(NOW, "2026-11", named=False) == [nameless]


def test_postgresql_sends_blocks_as_bytes_and_keeps_them_as_they_are(ledger: Ledger) -> None:
    """Written digit by digit they would be twice as long, and pressed together they would have to be taken apart at each look."""
    engine = ledger._store.engine
    if engine.dialect.name != "postgresql":
        return
    ledger.figure_blocks.write(None, FOLD, [BLOCK])
    formats: list[int] = []

    def note(_conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "figure_blocks.facts" in statement:
            formats.append(cursor.pgresult.fformat(2))

    sa.event.listen(engine, "after_cursor_execute", note)
    ledger.figure_blocks.touching(None, None, named=True)
    ledger.figure_blocks.of(["2026-11"])
    sa.event.remove(engine, "after_cursor_execute", note)
    assert formats == [1, 1]
    kept = sa.text("SELECT pg_column_size(facts) FROM figure_blocks")
    with engine.connect() as conn:
        assert conn.execute(kept).scalar_one() >= len(BLOCK.facts)
