"""Update links: one live link for each customer and purpose, expiring and revocable."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recoup.ledger._store import NotInLedger, Store, Transaction, first
from recoup.ledger.rows import LinkRow
from recoup.ledger.schema import links

_ID_BYTES = 24
"""192 bits: nobody guesses one."""
LINK_ID_LENGTH = _ID_BYTES * 4 // 3
"""Of the id of a link, in letters."""


class Links:
    """The links that messages carry; table ``links``. Events about a link name its generation, never its secret id."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def issue(self, customer: str, purpose: str, expires_at: datetime, at: datetime) -> LinkRow:
        """The customer's live link for this purpose, working at least until ``expires_at``.

        A link that still works is kept and extended; after its expiry or revocation a new one takes its place.
        """
        if expires_at <= at:
            raise ValueError("a link must expire later than it is issued")
        return self._store.write(
            lambda tx: _issue(tx, customer, purpose, expires_at, at), lock=[f"link/{customer}/{purpose}"]
        )

    def get(self, link_id: str) -> LinkRow | None:
        """The link with this id, whether it still works or not: ask :meth:`LinkRow.refusal`."""
        found = self._store.read(lambda conn: first(conn, sa.select(links).where(links.c.id == link_id)))
        return LinkRow.model_validate(found) if found else None

    def revoke(self, link_id: str, at: datetime) -> LinkRow:
        """End a link at once; ending it again changes nothing."""

        def work(tx: Transaction) -> LinkRow:
            _revoke(tx, _locked(tx, link_id), at)
            return _locked(tx, link_id)

        return self._store.write(work)

    def revoke_all(self, customer: str, at: datetime) -> int:
        """End all links of a customer; how many were ended, expired ones included."""

        def work(tx: Transaction) -> int:
            mine = links.c.customer == customer, links.c.revoked_at.is_(None)
            found = tx.conn.execute(sa.select(links).where(*mine).order_by(links.c.id).with_for_update())
            rows = [LinkRow.model_validate(dict(row)) for row in found.mappings()]
            for row in rows:
                _revoke(tx, row, at)
            return len(rows)

        return self._store.write(work)

    def note_opened(self, link_id: str, at: datetime) -> LinkRow:
        """The page behind the link was shown (mail scanners do that too)."""
        return self._store.write(
            lambda tx: _count(tx, link_id, at, links.c.opens, links.c.opened_at, "link_opened")
        )

    def note_used(self, link_id: str, at: datetime) -> LinkRow:
        """The customer acted on the page."""
        return self._store.write(
            lambda tx: _count(tx, link_id, at, links.c.uses, links.c.used_at, "link_used")
        )


def _issue(tx: Transaction, customer: str, purpose: str, expires_at: datetime, at: datetime) -> LinkRow:
    mine = links.c.customer == customer, links.c.purpose == purpose
    live = sa.select(links).where(*mine, links.c.revoked_at.is_(None), links.c.replaced_at.is_(None))
    found = first(tx.conn, live.with_for_update())
    if found is not None:
        row = LinkRow.model_validate(found)
        if row.refusal(at) is None:
            return _extend(tx, row, expires_at, at)
        tx.conn.execute(sa.update(links).where(links.c.id == row.id).values(replaced_at=at))
    generation = (tx.conn.execute(sa.select(sa.func.max(links.c.generation)).where(*mine)).scalar() or 0) + 1
    link_id = secrets.token_urlsafe(_ID_BYTES)
    values = {
        "id": link_id,
        "customer": customer,
        "purpose": purpose,
        "generation": generation,
        "issued_at": at,
        "expires_at": expires_at,
        "opens": 0,
        "uses": 0,
    }
    tx.conn.execute(sa.insert(links).values(**values))
    row = _locked(tx, link_id)
    _event(tx, "link_issued", row, at, {"expires_at": expires_at})
    return row


def _extend(tx: Transaction, row: LinkRow, expires_at: datetime, at: datetime) -> LinkRow:
    if row.expires_at >= expires_at:
        return row
    tx.conn.execute(sa.update(links).where(links.c.id == row.id).values(expires_at=expires_at))
    _event(tx, "link_extended", row, at, {"expires_at": expires_at})
    return _locked(tx, row.id)


def _revoke(tx: Transaction, row: LinkRow, at: datetime) -> None:
    if row.revoked_at is None:
        tx.conn.execute(sa.update(links).where(links.c.id == row.id).values(revoked_at=at))
        _event(tx, "link_revoked", row, at)


def _count(
    tx: Transaction, link_id: str, at: datetime, count: sa.Column[int], since: sa.Column[Any], kind: str
) -> LinkRow:
    """Count it in the row; an event at most once an hour, so that nobody can flood the record from outside."""
    row = _locked(tx, link_id)
    values = {count.name: count + 1, since.name: sa.func.coalesce(since, at)}
    tx.conn.execute(sa.update(links).where(links.c.id == link_id).values(**values))
    unique = f"{kind}/{row.customer}/{row.purpose}/{row.generation}/{at:%Y-%m-%dT%H}"
    _event(tx, kind, row, at, unique=unique)
    return _locked(tx, link_id)


def _locked(tx: Transaction, link_id: str) -> LinkRow:
    found = first(tx.conn, sa.select(links).where(links.c.id == link_id).with_for_update())
    if found is None:
        raise NotInLedger("the ledger has no such link")
    return LinkRow.model_validate(found)


def _event(
    tx: Transaction,
    kind: str,
    row: LinkRow,
    at: datetime,
    data: dict[str, Any] | None = None,
    unique: str | None = None,
) -> None:
    said = {"purpose": row.purpose, "generation": row.generation} | (data or {})
    tx.event(kind, at, customer=row.customer, data=said, unique=unique)
