"""The sandbox's memory: one SQLite file with objects as JSON documents and the tables that must outlive a kill.

One connection, one lock: every request is one transaction, so that a request has either happened wholly or not at all.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    id TEXT PRIMARY KEY, type TEXT NOT NULL, seq INTEGER NOT NULL, doc TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS objects_seq ON objects (type, seq);
CREATE INDEX IF NOT EXISTS objects_customer ON objects (type, json_extract(doc, '$.customer'));
CREATE INDEX IF NOT EXISTS objects_invoice ON objects (type, json_extract(doc, '$.invoice'));
CREATE INDEX IF NOT EXISTS objects_subscription ON objects (type, json_extract(doc, '$._subscription'));
CREATE INDEX IF NOT EXISTS objects_intent ON objects (type, json_extract(doc, '$.payment_intent'));
CREATE INDEX IF NOT EXISTS objects_card ON objects (type, json_extract(doc, '$._card'));
CREATE INDEX IF NOT EXISTS objects_token ON objects (type, json_extract(doc, '$._token'));
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, object TEXT NOT NULL, due INTEGER NOT NULL, UNIQUE (kind, object));
CREATE INDEX IF NOT EXISTS jobs_due ON jobs (due, id);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY, event TEXT NOT NULL, endpoint TEXT NOT NULL, due REAL NOT NULL, attempt INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'pending', first_at INTEGER NOT NULL, last_at REAL, last_answer TEXT, note TEXT);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due, id);
CREATE INDEX IF NOT EXISTS deliveries_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY, method TEXT NOT NULL, path TEXT NOT NULL, params TEXT NOT NULL,
    status INTEGER NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, key TEXT, status INTEGER,
    replayed INTEGER NOT NULL DEFAULT 0, fault TEXT, request_id TEXT);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class Store:
    """The SQLite file, with one transaction at a time."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(
            directory / "sandbox.sqlite3", isolation_level=None, check_same_thread=False, timeout=10
        )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction; whatever is raised inside rolls it back."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def recall(self, name: str) -> str | None:
        """A remembered setting."""
        with self._lock:
            row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def remember(self, name: str, value: str) -> None:
        """Keep a setting for the next start."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, value))

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        with self._lock:
            self._db.close()
