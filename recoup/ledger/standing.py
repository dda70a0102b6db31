"""How everything stands at one moment, in a few counts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recoup.ledger._store import Store
from recoup.ledger.schema import attempts, cases, deliveries, webhooks
from recoup.rules.base import Frozen
from recoup.rules.case import AttemptState, Stage


class Standing(Frozen):
    """The counts."""

    open_by_stage: dict[str, int]
    open_by_currency: dict[str, int]
    """Minor units that open cases are about."""
    late: int
    unsettled: int
    deliveries_waiting: dict[str, int]
    webhook_at: datetime | None
    """When Stripe's newest webhook came."""


class Standings:
    """Reads them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, *, late_before: datetime, unsettled_before: datetime) -> Standing:
        """All counts in one view.

        Late are open cases whose next step was due before that moment and that wait for nobody; unsettled are attempts that were
        reserved before that one and have neither a result nor a bank that needs days for it.
        """
        is_open = cases.c.outcome.is_(None)
        amount = sa.cast(sa.func.sum(cases.c.amount), sa.BigInteger)
        late = sa.select(sa.func.count()).where(
            is_open, cases.c.next_at < late_before, cases.c.stage.not_in([Stage.PERSON, Stage.PAUSED])
        )
        unsettled = sa.select(sa.func.count()).where(
            attempts.c.settled_at.is_(None),
            attempts.c.reserved_at < unsettled_before,
            attempts.c.state != AttemptState.PENDING,
        )
        waiting = sa.select(deliveries.c.destination, sa.func.count()).where(
            deliveries.c.next_at.is_not(None)
        )

        def work(conn: sa.Connection) -> Standing:
            def pairs(query: sa.Select[Any]) -> dict[str, int]:
                return {str(row[0]): int(row[1]) for row in conn.execute(query)}

            return Standing(
                open_by_stage=pairs(
                    sa.select(cases.c.stage, sa.func.count()).where(is_open).group_by(cases.c.stage)
                ),
                open_by_currency=pairs(
                    sa.select(cases.c.currency, amount).where(is_open).group_by(cases.c.currency)
                ),
                late=conn.execute(late).scalar_one(),
                unsettled=conn.execute(unsettled).scalar_one(),
                deliveries_waiting=pairs(waiting.group_by(deliveries.c.destination)),
                webhook_at=conn.execute(
                    sa.select(sa.func.max(webhooks.c.last_at, type_=webhooks.c.last_at.type))
                ).scalar(),
            )

        return self._store.read(work)
