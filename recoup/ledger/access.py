"""Access: what each subscription may use, as far as Recoup had a say."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from recoup.ledger._store import NotInLedger, Store, Transaction, every, first
from recoup.ledger.rows import AccessMeans, AccessRow
from recoup.ledger.schema import access
from recoup.rules.case import Access


class AccessStates:
    """Suspended and restored subscriptions; table ``access``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note(
        self,
        subscription: str,
        customer: str,
        state: Access,
        how: AccessMeans,
        case_id: str | None,
        at: datetime,
    ) -> AccessRow:
        """Record what the subscription may use from now on; saying the same again changes nothing."""
        values = {"customer": customer, "state": state, "how": how, "case_id": case_id}

        def work(tx: Transaction) -> AccessRow:
            row = {"subscription": subscription, **values, "changed_at": at}
            if not tx.insert_new(access, row, "subscription"):
                before = _locked(tx, subscription)
                if before.model_dump(include=set(values)) == values:
                    return before
                mine = access.c.subscription == subscription
                tx.conn.execute(sa.update(access).where(mine).values(**values, changed_at=at))
            said = {"subscription": subscription, "how": how}
            tx.event(f"access_{state.value}", at, case_id=case_id, customer=customer, data=said)
            return _locked(tx, subscription)

        return self._store.write(work)

    def restore(self, subscription: str, case_id: str, at: datetime) -> AccessRow:
        """Record that the access is whole again, after a suspension or a restriction; of several cases that say so, the row names the one that was first.

        Raises :class:`NotInLedger` where nothing is recorded of the subscription.
        """

        def work(tx: Transaction) -> AccessRow:
            before = _locked(tx, subscription)
            if before.state is Access.FULL:
                return before
            mine = access.c.subscription == subscription
            values = {"state": Access.FULL, "case_id": case_id, "changed_at": at}
            tx.conn.execute(sa.update(access).where(mine).values(**values))
            said = {"subscription": subscription, "how": before.how}
            tx.event("access_full", at, case_id=case_id, customer=before.customer, data=said)
            return _locked(tx, subscription)

        return self._store.write(work)

    def get(self, subscription: str) -> AccessRow | None:
        """What is recorded of the subscription; None means that Recoup never touched its access."""
        mine = sa.select(access).where(access.c.subscription == subscription)
        found = self._store.read(lambda conn: first(conn, mine))
        return AccessRow.model_validate(found) if found else None

    def suspended_after(self, subscription: str, limit: int = 100) -> list[AccessRow]:
        """Subscriptions whose access is withheld, wholly or in part, page by page, by their ids: the ones after this id, ``""`` for the first."""
        gone = access.c.state != Access.FULL, access.c.subscription > subscription
        statement = sa.select(access).where(*gone).order_by(access.c.subscription).limit(limit)
        found = self._store.read(lambda conn: every(conn, statement))
        return [AccessRow.model_validate(row) for row in found]


def _locked(tx: Transaction, subscription: str) -> AccessRow:
    mine = sa.select(access).where(access.c.subscription == subscription).with_for_update()
    found = first(tx.conn, mine)
    if found is None:
        raise NotInLedger(f"The ledger knows nothing of the access of {subscription}")
    return AccessRow.model_validate(found)
