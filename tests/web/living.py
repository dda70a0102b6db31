"""Everything at once on this machine: the sandbox, the starter, a Temporal dev server and the worker with its real activities."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.testing import WorkflowEnvironment

from activities.contracts import CaseView
from recoup.ledger import CaseRow, Ledger
from recoup.rules.base import Wire
from recoup.rules.customer_page import CustomerPage
from recoup.settings import Settings, TemporalSettings
from recoup.temporal import SEARCH_ATTRIBUTES
from recoup.temporal.gateway import CaseGateway
from recoup.temporal.lazy import LazyClient
from recoup.temporal.payloads import plain_converter
from tests.fixtures.temporal import find_temporal_binary
from tests.web.onstage import OnStage, on_stage
from worker import ACTIVITY_THREADS, build_activities, build_worker

Answer = TypeVar("Answer")


@dataclass
class Behind:
    """Temporal and the worker, in a thread of their own."""

    address: str = ""
    client: Client | None = None
    loop: asyncio.AbstractEventLoop | None = None
    settings: Settings | None = None
    _ready: threading.Event = field(default_factory=threading.Event)
    _go: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Start Temporal; the worker follows when it is told its settings."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(60), "Temporal did not start"

    def work(self, settings: Settings) -> None:
        """Let the worker begin."""
        self.settings = settings
        self._go.set()

    def stop(self) -> None:
        """Stop both."""
        self._go.set()
        self._stop.set()
        self._thread.join()

    async def _serve(self) -> None:
        async with await WorkflowEnvironment.start_local(
            dev_server_existing_path=str(find_temporal_binary()),
            dev_server_log_level="never",
            search_attributes=SEARCH_ATTRIBUTES,
            data_converter=plain_converter,
        ) as env:
            self.client, self.loop = env.client, asyncio.get_running_loop()
            self.address = env.client.service_client.config.target_host
            self._ready.set()
            await asyncio.to_thread(self._go.wait)
            if self.settings is not None:
                await self._work(self.settings, env.client)

    async def _work(self, settings: Settings, client: Client) -> None:
        ledger = Ledger.connect(settings.database_url)
        with ThreadPoolExecutor(ACTIVITY_THREADS) as threads:
            async with build_worker(client, build_activities(settings, ledger, client), threads):
                await asyncio.to_thread(self._stop.wait)
        ledger.close()


@dataclass
class Living:
    """What plays together, and how to wait for it."""

    on: OnStage
    behind: Behind

    def view(self, case: str) -> CaseView | None:
        """The case as it sees itself, once it is open."""
        assert self.behind.loop is not None
        assert self.behind.client is not None
        asked = CaseGateway(self.behind.client).view(case)
        try:
            return asyncio.run_coroutine_threadsafe(asked, self.behind.loop).result(20)
        except WorkflowQueryFailedError:  # it is still being opened
            return None

    def tell(self, case: str, name: str, word: Wire) -> None:
        """Give a word to a case."""
        assert self.behind.loop is not None
        assert self.behind.client is not None
        told = CaseGateway(self.behind.client).update(case, name, word)
        asyncio.run_coroutine_threadsafe(told, self.behind.loop).result(20)

    def waiting(self, case: str) -> CaseView:
        """The case once it sleeps."""

        def asleep() -> CaseView | None:
            view = self.view(case) if self.case(case) is not None else None
            return view if view is not None and view.waiting else None

        return self.until(asleep)

    def case(self, case: str) -> CaseRow | None:
        """The case in the ledger."""
        return self.on.book.ledger.cases.get(case)

    def until(self, what: Callable[[], Answer | None]) -> Answer:
        """What comes when it comes."""
        found: list[Answer] = []

        def look() -> bool:
            if answer := what():
                found.append(answer)
            return bool(found)

        self.on.await_(look)
        return found[0]

    def link(self, customer: str) -> str:
        """The whole address of the customer's page."""
        return self.on.address + self.on.book.link(customer=customer)


@contextmanager
def living(
    folder: Path, migrated: Path, settings: Settings, offered: CustomerPage | None = None
) -> Iterator[Living]:
    """Start all of it, and stop it."""
    behind = Behind()
    behind.start()
    try:
        temporal = TemporalSettings(address=behind.address)
        door = CaseGateway(LazyClient(temporal))
        with on_stage(folder, migrated, settings, door=door, offered=offered) as on:
            behind.work(on.book.settings.model_copy(update={"temporal": temporal}))
            yield Living(on, behind)
            behind.stop()
    finally:
        behind.stop()
