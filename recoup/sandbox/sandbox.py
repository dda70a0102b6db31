"""The sandbox itself: its store, clock, switches, issuers and webhooks, put together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from recoup.sandbox.clock import VirtualClock
from recoup.sandbox.faults import Faults
from recoup.sandbox.http.errors import Doc
from recoup.sandbox.http.idempotency import InProgress
from recoup.sandbox.issuers import Issuers
from recoup.sandbox.objects.account import ensure_account
from recoup.sandbox.store import Store
from recoup.sandbox.switches import Switches
from recoup.sandbox.timeline import Timeline
from recoup.sandbox.webhooks.delivery import Sender
from recoup.sandbox.work import Work
from recoup.worlds import World


@dataclass(frozen=True)
class Options:
    """How a sandbox is started."""

    directory: Path
    base_url: str
    clock_file: Path | None = None
    world: World | None = None


class Sandbox:
    """One pretended Stripe account."""

    def __init__(self, options: Options) -> None:
        self.base_url = options.base_url
        self.store = Store(options.directory)
        self.clock = VirtualClock(self.store, options.clock_file)
        self.switches = Switches(self.store)
        self.faults = Faults()
        self.running = InProgress()
        self.world = options.world
        self.issuers = self._issuers()
        self.sender = Sender(self.store, self.clock, self.switches, self.faults)
        self.timeline = Timeline(self)
        with self.work() as work:
            ensure_account(work)

    def _issuers(self) -> Issuers:
        now = datetime.fromtimestamp(self.clock.now(), UTC)
        return Issuers(now, self.world, self.world_start)

    @property
    def world_start(self) -> datetime | None:
        """When the world starts; settled when the sandbox first sees it. None without a world."""
        if self.world is None:
            return None
        known = self.store.recall("world_start")
        if known is None:
            start = self.world.starts_at(datetime.fromtimestamp(self.clock.now(), UTC))
            self.store.remember("world_start", start.isoformat())
            return start
        return datetime.fromisoformat(known)

    @contextmanager
    def work(self, request: Doc | None = None) -> Iterator[Work]:
        """One transaction at the present virtual moment; its webhooks leave when it has been committed."""
        with self.store.transaction() as db:
            work = Work(db, int(self.clock.now()), self.switches, self.base_url, self.issuers)
            if request:
                work.request = request
            yield work
            work.flush()
        if work.told_events:
            self.sender.wake()

    def start(self) -> None:
        """Start what runs beside the requests: the timeline and the webhook sender."""
        self.sender.start()
        self.timeline.start()

    def stop(self) -> None:
        """Stop it, then close the store."""
        self.timeline.stop()
        self.sender.stop()
        self.store.close()
