"""Delivering webhooks: at once after the commit, signed, and again on a schedule in virtual time when that failed.

Stripe tries for up to three days with growing pauses (Stripe, "Webhooks"); the pauses themselves are the sandbox's choice.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx2 as httpx

from recoup.sandbox.clock import VirtualClock
from recoup.sandbox.faults import Faults
from recoup.sandbox.store import Store
from recoup.sandbox.switches import Switches
from recoup.sandbox.work import public

RETRY_SECONDS = (300, 1_800, 7_200, 18_000, 36_000, 43_200)
GIVE_UP_SECONDS = 3 * 86_400
_WORKERS = 4
_IDLE_SECONDS = 0.5


@dataclass(frozen=True)
class Parcel:
    """One delivery, ready to be sent."""

    id: int
    event: str
    attempt: int
    first_at: int
    url: str
    secret: str
    body: str


def sign(secret: str, body: str, moment: int) -> str:
    """The ``Stripe-Signature`` header for a body."""
    mac = hmac.new(secret.encode(), f"{moment}.{body}".encode(), hashlib.sha256)
    return f"t={moment},v1={mac.hexdigest()}"


def retry_due(attempt: int, first_at: int, now: float) -> float | None:
    """When a delivery that has failed ``attempt`` times is tried again; None gives it up."""
    due = now + RETRY_SECONDS[min(attempt, len(RETRY_SECONDS)) - 1]
    return None if due > first_at + GIVE_UP_SECONDS else due


class Sender:
    """Sends what is due, a few at a time."""

    def __init__(self, store: Store, clock: VirtualClock, switches: Switches, faults: Faults) -> None:
        self._store = store
        self._clock = clock
        self._switches = switches
        self._faults = faults
        self._changed = threading.Condition()
        self._in_flight: set[int] = set()
        self._awake = False
        self._stopping = False
        self._client = httpx.Client(trust_env=False, follow_redirects=False)
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="sandbox-webhook")
        self._thread = threading.Thread(target=self._run, name="sandbox-sender", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send nothing more; what is pending stays in the store."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()
        self._pool.shutdown(wait=True)
        self._client.close()

    def wake(self) -> None:
        """There may be something new to send."""
        with self._changed:
            self._awake = True
            self._changed.notify_all()

    def outstanding(self) -> tuple[int, int]:
        """How many deliveries are due but not yet on their way, and how many are on their way."""
        pending = (
            self._pending_now()
        )  # read first: one that is on its way stays pending until it has been settled
        in_flight = len(self._in_flight)
        return max(pending - in_flight, 0), in_flight

    def drain(self, seconds: float) -> bool:
        """Wait until nothing is due or on its way; False when that took longer than so many real seconds."""
        deadline = time.monotonic() + seconds
        self.wake()
        while self._pending_now():
            if time.monotonic() > deadline or self._stopping:
                return False
            with self._changed:
                self._changed.wait(0.02)
        return True

    def _pending_now(self) -> int:
        with self._store.transaction() as db:
            select = "SELECT count(*) FROM deliveries WHERE state = 'pending' AND due <= ?"
            return int(db.execute(select, (self._clock.now(),)).fetchone()[0])

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._awake and not self._stopping:
                    self._changed.wait(_IDLE_SECONDS)
                self._awake = False
                if self._stopping:
                    return
            for parcel in self._claim():
                self._pool.submit(self._deliver, parcel)

    def _claim(self) -> list[Parcel]:
        parcels = []
        with self._store.transaction() as db:
            rows = db.execute(
                "SELECT d.id, d.event, d.attempt, d.first_at, d.note, e.doc, w.doc FROM deliveries d "
                "JOIN objects e ON e.id = d.event LEFT JOIN objects w ON w.id = d.endpoint "
                "WHERE d.state = 'pending' AND d.due <= ? ORDER BY d.due, d.id",
                (self._clock.now(),),
            ).fetchall()
            for id_, event_id, attempt, first_at, note, event_doc, endpoint_doc in rows:
                if id_ in self._in_flight:
                    continue
                event, endpoint = json.loads(event_doc), json.loads(endpoint_doc or "null")
                if endpoint is None or endpoint["status"] != "enabled":
                    db.execute(
                        "UPDATE deliveries SET state = 'dropped', note = 'no endpoint' WHERE id = ?", (id_,)
                    )
                    continue
                if note is None and not self._let_through(db, id_, event["type"]):
                    continue
                event["api_version"] = endpoint["api_version"] or event["api_version"]
                body = json.dumps(public(event), indent=2)
                self._in_flight.add(id_)
                parcels.append(
                    Parcel(id_, event_id, attempt, first_at, endpoint["url"], endpoint["_secret"], body)
                )
        return parcels

    def _let_through(self, db: object, id_: int, type_: str) -> bool:
        rules = self._faults.for_event(type_)
        execute = db.execute  # type: ignore[attr-defined]
        names = ",".join(rule.fault for rule in rules) or "sent"
        execute("UPDATE deliveries SET note = ? WHERE id = ?", (names, id_))
        let_through = True
        for rule in rules:
            now = self._clock.now()
            if rule.fault == "duplicate":
                copy = (
                    "INSERT INTO deliveries (event, endpoint, due, first_at, note) "
                    "SELECT event, endpoint, due, first_at, 'duplicate' FROM deliveries WHERE id = ?"
                )
                for _ in range(rule.times):
                    execute(copy, (id_,))
                self._awake = True
            elif rule.fault == "drop":
                execute("UPDATE deliveries SET state = 'dropped' WHERE id = ?", (id_,))
                let_through = False
            elif rule.fault == "fail":
                due = retry_due(1, int(now), now)
                execute(
                    "UPDATE deliveries SET due = ?, attempt = 1, last_answer = 'fault' WHERE id = ?",
                    (due, id_),
                )
                let_through = False
            else:
                wait = rule.seconds if rule.fault == "hold" else random.uniform(0, rule.seconds or 0.5)
                execute("UPDATE deliveries SET due = ? WHERE id = ?", (now + wait, id_))
                let_through = False
        return let_through

    def _deliver(self, parcel: Parcel) -> None:
        moment = int(self._clock.now())
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": sign(parcel.secret, parcel.body, moment),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        timeout = self._switches.number("webhook_timeout_seconds")
        try:
            answer = self._client.post(
                parcel.url, content=parcel.body.encode(), headers=headers, timeout=timeout
            )
            taken, told = answer.is_success, str(answer.status_code)
        except httpx.HTTPError as error:
            taken, told = False, type(error).__name__
        try:
            self._settle(parcel, taken=taken, told=told)
        finally:
            with self._changed:
                self._in_flight.discard(parcel.id)
                self._changed.notify_all()

    def _settle(self, parcel: Parcel, *, taken: bool, told: str) -> None:
        now, attempt = self._clock.now(), parcel.attempt + 1
        due = None if taken else retry_due(attempt, parcel.first_at, now)
        state = "delivered" if taken else "failed" if due is None else "pending"
        with self._store.transaction() as db:
            db.execute(
                "UPDATE deliveries SET state = ?, attempt = ?, last_at = ?, last_answer = ?, due = ? WHERE id = ?",
                (state, attempt, now, told, due or now, parcel.id),
            )
            if taken:
                db.execute(
                    "UPDATE objects SET doc = json_set(doc, '$.pending_webhooks', "
                    "max(json_extract(doc, '$.pending_webhooks') - 1, 0)) WHERE id = ?",
                    (parcel.event,),
                )
