"""One transaction's view of the sandbox: load, change, create and list objects, tell events, plan what is due later.

Documents that were loaded or created through a :class:`Work` are written back by :meth:`Work.flush` when they changed. Keys that
begin with ``_`` are the sandbox's own and never leave it.
"""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

from recoup.sandbox.http.errors import Doc, missing
from recoup.sandbox.ids import new_id
from recoup.sandbox.switches import Switches

if TYPE_CHECKING:
    pass


def public(doc: Doc) -> Doc:
    """The document as the outside sees it."""
    return {key: value for key, value in doc.items() if not key.startswith("_")}


def difference(old: Any, new: Any) -> Any:
    """What the keys of ``new`` that differ were in ``old``; lists are told whole (Stripe, ``data.previous_attributes``)."""
    changed: Doc = {}
    for key in old.keys() | new.keys():
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        both = isinstance(before, dict) and isinstance(after, dict)
        changed[key] = difference(before, after) if both else before
    return changed


def _tests(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, list):
        return value
    return [value if isinstance(value, tuple) else ("=", value)]


class Work:
    """Everything one request or one due job does, in one transaction, at one moment of virtual time."""

    def __init__(
        self, db: sqlite3.Connection, now: int, switches: Switches, base_url: str, issuer: Any
    ) -> None:
        self.db = db
        self.now = now
        self.switches = switches
        self.base_url = base_url
        self.issuer = issuer
        self.request: Doc = {"id": None, "idempotency_key": None}
        self.told_events = 0
        self.seen: dict[str, str] = {}
        self._docs: dict[str, Doc] = {}
        self._stored: dict[str, str] = {}
        self._told: dict[str, Doc] = {}

    # ------------------------------------------------------------------ objects

    def find(self, type_: str, id_: str | None) -> Doc | None:
        """The object, or None."""
        if id_ is None:
            return None
        if id_ not in self._docs:
            row = self.db.execute("SELECT doc, type FROM objects WHERE id = ?", (id_,)).fetchone()
            if row is None or row[1] != type_:
                return None
            return self._adopt(id_, row[0])
        doc = self._docs[id_]
        return doc if doc["object"] == type_ else None

    def get(self, type_: str, id_: str, param: str = "id") -> Doc:
        """The object; StripeError ``resource_missing`` naming ``param`` when there is none."""
        doc = self.find(type_, id_)
        if doc is None:
            raise missing(type_, id_, param)
        return doc

    def live(self, type_: str, id_: str, param: str = "id") -> Doc:
        """The object, unless it was deleted."""
        doc = self.get(type_, id_, param)
        if doc.get("deleted"):
            raise missing(type_, id_, param)
        return doc

    def create(self, type_: str, **fields: Any) -> Doc:
        """A new object with an id, its type and ``created`` filled in; None for ``created`` leaves it out."""
        doc: Doc = {"id": fields.pop("id", None) or new_id(type_), "object": type_}
        created = fields.pop("created", self.now)
        if created is not None:
            doc["created"] = created
        doc.update(fields)
        seq = self.db.execute(
            "SELECT coalesce(max(seq), 0) + 1 FROM objects WHERE type = ?", (type_,)
        ).fetchone()[0]
        raw = json.dumps(doc)
        self.db.execute(
            "INSERT INTO objects (id, type, seq, doc) VALUES (?, ?, ?, ?)", (doc["id"], type_, seq, raw)
        )
        self._docs[doc["id"]] = doc
        self._stored[doc["id"]] = raw
        self._told[doc["id"]] = json.loads(raw)
        return doc

    def select(
        self,
        type_: str,
        where: dict[str, Any] | None = None,
        *,
        after: str | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> list[Doc]:
        """Objects of a type, newest first, whose JSON paths have these values; ``(op, value)``, or a list of such, compares otherwise."""
        self.flush()
        sql = "SELECT id, doc FROM objects WHERE type = ?"
        arguments: list[Any] = [type_]
        for path, value in (where or {}).items():
            for op, wanted in _tests(value):
                marks = f"({','.join('?' * len(wanted))})" if op == "IN" else "?"
                sql += f" AND json_extract(doc, '$.{path}') {op} {marks}"
                arguments.extend(wanted if op == "IN" else [wanted])
        if after is not None:
            sql += " AND seq < (SELECT seq FROM objects WHERE id = ?)"
            arguments.append(after)
        if before is not None:
            sql += " AND seq > (SELECT seq FROM objects WHERE id = ?)"
            arguments.append(before)
        sql += f" ORDER BY seq {'ASC' if before else 'DESC'}"
        if limit is not None:
            sql += f" LIMIT {int(limit)}"
        docs = [
            self._docs.get(id_) or self._adopt(id_, raw)
            for id_, raw in self.db.execute(sql, arguments).fetchall()
        ]
        return docs[::-1] if before else docs

    def first(self, type_: str, where: dict[str, Any]) -> Doc | None:
        """The newest such object, or None."""
        return next(iter(self.select(type_, where, limit=1)), None)

    def remove(self, doc: Doc) -> None:
        """Take the object out for good."""
        self.db.execute("DELETE FROM objects WHERE id = ?", (doc["id"],))
        for known in (self._docs, self._stored, self._told):
            known.pop(doc["id"], None)

    def flush(self) -> None:
        """Write every changed document back."""
        for id_, doc in self._docs.items():
            raw = json.dumps(doc)
            if raw != self._stored[id_]:
                self.db.execute("UPDATE objects SET doc = ? WHERE id = ?", (raw, id_))
                self._stored[id_] = raw

    def forget(self) -> None:
        """Drop every loaded document: the savepoint it belonged to was rolled back."""
        for known in (self._docs, self._stored, self._told):
            known.clear()
        self.told_events = 0

    def _adopt(self, id_: str, raw: str) -> Doc:
        doc: Doc = json.loads(raw)
        self._docs[id_] = doc
        self._stored[id_] = raw
        self._told[id_] = json.loads(raw)
        return doc

    # ------------------------------------------------------------------ events and jobs

    def changed_since_told(self, doc: Doc) -> Doc:
        """The former values of what changed since the last event about this object (or since it was loaded)."""
        result: Doc = difference(public(self._told[doc["id"]]), public(doc))
        return result

    def told(self, doc: Doc) -> None:
        """Note that an event has just told the object's present state."""
        self._told[doc["id"]] = json.loads(json.dumps(doc))

    def plan(self, kind: str, object_: str, due: int) -> None:
        """Do something to an object later; a former plan of the same kind for it is replaced."""
        self.db.execute(
            "INSERT OR REPLACE INTO jobs (kind, object, due) VALUES (?, ?, ?)", (kind, object_, due)
        )

    def unplan(self, kind: str, object_: str) -> None:
        """Drop such a plan, if there is one."""
        self.db.execute("DELETE FROM jobs WHERE kind = ? AND object = ?", (kind, object_))

    def planned(self, kind: str, object_: str) -> int | None:
        """When such a plan is due, or None."""
        row = self.db.execute(
            "SELECT due FROM jobs WHERE kind = ? AND object = ?", (kind, object_)
        ).fetchone()
        return None if row is None else int(row[0])
