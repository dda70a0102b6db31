"""The web process and the sandbox on this machine, webhooks and all; Temporal is a stand-in, or a real one that a test brings."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import uvicorn

from recoup.clock import FileClock
from recoup.ledger import Ledger
from recoup.rules.customer_page import CustomerPage
from recoup.settings import Settings
from recoup.web.stripe_side import StripeBilling
from starter import Door, assemble
from tests.ledger.databases import migrated_file
from tests.sandbox.stage import SECRET, Stage
from tests.web.conftest import Book
from tests.web.doubles import FakeGateway


@dataclass
class OnStage:
    """What plays together."""

    stage: Stage
    book: Book
    gateway: FakeGateway
    address: str

    def await_(self, what: Callable[[], Any]) -> None:
        """Wait until the webhooks have brought something about."""
        for _ in range(200):
            if what():
                return
            time.sleep(0.05)
        raise AssertionError("the webhooks did not bring it about")

    def failed_case(self, **customer: Any) -> tuple[str, str]:
        """A renewal that failed, was told by webhook and has its case; the invoice and the address of the link."""
        _, invoice = self.stage.failed_renewal()
        owner = str(invoice.customer)
        if customer:
            self.stage.api.customers.update(owner, customer)  # type: ignore[arg-type]  # the test's own words
        self.await_(lambda: invoice.id in self.gateway.begun)
        now = self.book.clock.now()
        self.book.case(str(invoice.id), customer=owner, failed_at=now, amount=1000, currency="eur")
        return str(invoice.id), self.address + self.book.link(customer=owner)


@contextmanager
def on_stage(
    folder: Path,
    migrated: Path,
    settings: Settings,
    *,
    door: Door | None = None,
    offered: CustomerPage | None = None,
) -> Iterator[OnStage]:
    """Start the sandbox with its webhooks pointed at a starter of these settings, and stop both."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    endpoint: Any = SimpleNamespace(url=f"{address}/webhooks/stripe")
    (folder / "sandbox").mkdir()
    stage = Stage(folder / "sandbox", receiver=endpoint)
    shutil.copy(migrated_file(migrated), folder / "staged.db")
    ledger = Ledger.connect(f"sqlite:///{folder}/staged.db")
    clock: Any = FileClock(folder / "sandbox" / "clock")
    played = settings.model_copy(
        update={
            "public_url": address,
            "database_url": f"sqlite:///{folder}/staged.db",
            "clock_file": folder / "sandbox" / "clock",
            "stripe": settings.stripe.model_copy(
                update={
                    "webhook_secrets": (type(settings.stripe.api_key)(SECRET),),
                    "api_base": stage.url,
                    "api_key": type(settings.stripe.api_key)("sk_test_sandbox"),
                }
            ),
        }
    )
    gateway = FakeGateway()
    app = assemble(played, ledger, door or gateway, StripeBilling(stage.stripe), clock, offered)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
    thread = threading.Thread(target=lambda: server.run(sockets=[listener]))
    thread.start()
    try:
        yield OnStage(stage, Book(ledger, clock, played), gateway, address)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
        stage.close()
