"""What falls due: renewals, retries, expiries and webhook retries, in the order of virtual time."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from recoup.sandbox.billing.jobs import run_job
from recoup.sandbox.http.errors import StripeError

if TYPE_CHECKING:
    from recoup.sandbox.sandbox import Sandbox

log = logging.getLogger(__name__)

_TICK_SECONDS = 0.2
_DRAIN_SECONDS = 15.0


class Timeline:
    """Runs what is due: by itself as real time flows, and at each stop when the clock is moved."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="sandbox-timeline", daemon=True)

    def start(self) -> None:
        """Begin to run what falls due."""
        self._thread.start()

    def stop(self) -> None:
        """Stop and wait until nothing runs any more."""
        self._stopping.set()
        self._thread.join()

    def wait(self, seconds: float) -> None:
        """Let so many real seconds pass, or fewer when it is stopped."""
        self._stopping.wait(seconds)

    def advance(self, to: float) -> None:
        """Move the clock to this moment, standing at each event before it until that is done and told.

        Webhooks that are due are delivered, or have failed, before the clock moves on: a signature must not grow old in flight.
        """
        with self._lock:
            while True:
                self._run_due()
                self._sandbox.sender.drain(_DRAIN_SECONDS)
                upcoming = self.next_event_at()
                if upcoming is None or upcoming > to:
                    break
                self._sandbox.clock.move_to(upcoming)
            self._sandbox.clock.move_to(to)
            self._run_due()

    def next_event_at(self) -> float | None:
        """The earliest moment at which something will happen by itself, or None."""
        with self._sandbox.store.transaction() as db:
            jobs = db.execute("SELECT min(due) FROM jobs").fetchone()[0]
            deliveries = db.execute("SELECT min(due) FROM deliveries WHERE state = 'pending'").fetchone()[0]
        return min((moment for moment in (jobs, deliveries) if moment is not None), default=None)

    def _tick(self) -> None:
        while not self._stopping.wait(_TICK_SECONDS):
            target = self._target_of_test_clocks()
            if target is not None:
                self.advance(target)
            with self._lock:
                self._run_due()

    def _target_of_test_clocks(self) -> float | None:
        with self._sandbox.store.transaction() as db:
            due = db.execute("SELECT min(due) FROM jobs WHERE kind = 'clock_ready'").fetchone()[0]
        return None if due is None else float(due)

    def _run_due(self) -> None:
        while not self._stopping.is_set() and self._run_one():
            pass

    def _run_one(self) -> bool:
        with self._sandbox.store.transaction() as db:
            row = db.execute(
                "SELECT id, kind, object FROM jobs WHERE due <= ? ORDER BY due, id LIMIT 1",
                (self._sandbox.clock.now(),),
            ).fetchone()
        if row is None:
            return False
        job, kind, object_ = row
        try:
            with self._sandbox.work() as work:
                deleted = work.db.execute("DELETE FROM jobs WHERE id = ?", (job,)).rowcount
                if deleted:
                    run_job(work, kind, object_)
        except StripeError as error:
            log.warning("sandbox: %s of %s was not possible: %s", kind, object_, error)
            self._drop(job)
        except Exception:
            log.exception("sandbox: %s of %s failed", kind, object_)
            self._drop(job)
        return True

    def _drop(self, job: int) -> None:
        with self._sandbox.store.transaction() as db:
            db.execute("DELETE FROM jobs WHERE id = ?", (job,))
