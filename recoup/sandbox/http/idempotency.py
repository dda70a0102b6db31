"""The idempotency store: the first answer for a key is the answer for ever, or for 24 hours (Stripe, "Idempotent requests").

What a request did and the answer for its key are committed together, so a kill never leaves one without the other.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from recoup.sandbox.http.errors import Doc, StripeError

KEPT_SECONDS = 24 * 3600
LONGEST_KEY = 255


@dataclass(frozen=True)
class Replay:
    """A stored answer."""

    status: int
    body: str


def check_key(key: str) -> None:
    """Refuse a key that is too long."""
    if len(key) > LONGEST_KEY:
        text = f"Idempotency keys can be at most {LONGEST_KEY} characters long; yours has {len(key)}."
        raise StripeError(400, "idempotency_error", text, stored=False)


def digest(params: Any) -> str:
    """What tells whether two requests have the same parameters."""
    return hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()


def look_up(
    db: sqlite3.Connection, key: str, method: str, path: str, params: str, oldest: float
) -> Replay | None:
    """The stored answer for the key; StripeError when it was used for another request."""
    row = db.execute(
        "SELECT method, path, params, status, body, at FROM idempotency WHERE key = ?", (key,)
    ).fetchone()
    if row is None or row[5] <= oldest:
        return None
    if (row[0], row[1]) != (method, path):
        text = (
            f"Keys for idempotent requests can only be used for the same endpoint they were first used for "
            f"('{path}' vs '{row[1]}'). Try using a key other than '{key}' if you meant to execute a different request."
        )
        raise StripeError(400, "idempotency_error", text, stored=False)
    if row[2] != params:
        text = (
            "Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{key}' if you meant to execute a different request."
        )
        raise StripeError(400, "idempotency_error", text, stored=False)
    return Replay(row[3], row[4])


def keep(
    db: sqlite3.Connection, key: str, method: str, path: str, params: str, status: int, body: Doc, at: int
) -> None:
    """Store the answer for a key."""
    row = (key, method, path, params, status, json.dumps(body), at)
    db.execute("INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?, ?, ?)", row)


class InProgress:
    """What requests that are running hold: their keys, and the objects they work on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: set[str] = set()

    @contextmanager
    def hold(self, name: str | None, conflict: StripeError) -> Iterator[None]:
        """Hold a name while the block runs; ``conflict`` when another request holds it. None holds nothing."""
        if name is None:
            yield
            return
        with self._lock:
            if name in self._held:
                raise conflict
            self._held.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._held.discard(name)


def key_in_use(key: str) -> StripeError:
    """The answer while the first request with a key still runs (HTTP 409)."""
    text = f"There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): {key}."
    return StripeError(409, "idempotency_error", text, code="idempotency_key_in_use", stored=False)


def lock_timeout() -> StripeError:
    """The answer while another request works on the same object (HTTP 429)."""
    text = "This object cannot be accessed right now because another API request or Stripe process is currently accessing it. If you see this error intermittently, retry the request. If you see this error frequently and are making multiple concurrent requests to a single object, make your requests serially or at a lower rate."
    return StripeError(429, "invalid_request_error", text, code="lock_timeout", stored=False)
