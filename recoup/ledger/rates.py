"""Rates: how fast all workers together may ask an outside system."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from recoup.ledger._store import Store, Transaction, first
from recoup.ledger.rows import RateRow
from recoup.ledger.schema import rates

SET_BACK = timedelta(minutes=1)
"""Clocks of workers differ by less than this; a moment further back means that the clock itself was set back."""


class Rates:
    """Token buckets that every process shares; table ``rates``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(
        self,
        name: str,
        n: int,
        rate: float,
        burst: float,
        at: datetime,
        patience: float | None = None,
    ) -> float | None:
        """Take ``n`` tokens and answer how many seconds the taker has to wait until they are its own; 0 is at once.

        The bucket holds ``burst`` tokens at most and gains ``rate`` of them a second. Tokens are given in the order in which
        they are asked for, also those that the bucket has yet to gain: within any ``t`` seconds the turns of all takers
        come to no more than ``burst + rate * t`` tokens, as long as none asks for more than ``burst`` at once. Where the wait
        would be longer than ``patience`` seconds nothing is taken and the answer is None: ask again later.

        Raises:
            ValueError: ``n``, ``rate`` or ``burst`` is not above zero.
        """
        if n <= 0 or rate <= 0 or burst <= 0:
            raise ValueError(f"a bucket needs numbers above zero, got n={n}, rate={rate}, burst={burst}")

        def work(tx: Transaction) -> float | None:
            before = _bucket(tx, name, burst, at)
            moment = before.at if before.at - SET_BACK < at < before.at else at
            gained = max((moment - before.at).total_seconds(), 0.0) * rate
            left = min(before.tokens + gained, burst) - n
            wait = max(-left / rate, 0.0)
            if patience is not None and wait > patience:
                return None
            mine = rates.c.name == name
            tx.conn.execute(sa.update(rates).where(mine).values(tokens=left, at=moment))
            return wait

        return self._store.write(work, lock=[f"rate/{name}"])

    def get(self, name: str) -> RateRow | None:
        """The bucket as it was left by the one who took last; None where nobody ever took."""
        found = self._store.read(lambda conn: first(conn, sa.select(rates).where(rates.c.name == name)))
        return RateRow.model_validate(found) if found else None


def _bucket(tx: Transaction, name: str, burst: float, at: datetime) -> RateRow:
    """The bucket, held by this transaction; full where it is new."""
    tx.insert_new(rates, {"name": name, "tokens": burst, "at": at}, "name")
    mine = sa.select(rates).where(rates.c.name == name).with_for_update()
    return RateRow.model_validate(first(tx.conn, mine))
