"""The console in front of everything that is real: the sandbox, Temporal, a worker, and a browser that has logged in."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page

from recoup.ledger import Ledger, Role
from recoup.policy.file import load_policy
from recoup.settings import ConsoleSettings, Settings
from recoup.temporal.delivering import look_now
from recoup.temporal.gateway import CaseGateway
from recoup.temporal.lazy import LazyClient
from recoup.temporal.standing import Standings
from recoup.web.console import assemble_console
from recoup.web.console.outlook import StripeOutlook
from recoup.web.console.sessions import hash_of
from recoup.web.console.stripe_view import StripeCustomers
from tests.web.console.desk import kept
from tests.web.living import Living

AXE = Path(__file__).parent / "vendor" / "axe-4.14.1.min.js"
SERIOUS = """
async () => (await axe.run(document, {resultTypes: ['violations']})).violations
  .filter(each => ['serious', 'critical'].includes(each.impact))
  .map(each => `${each.id}: ${each.nodes.map(node => node.target.join(' ')).join(', ')}`)
"""


@dataclass
class Manned:
    """Everything, with somebody at the console."""

    living: Living
    ledger: Ledger
    address: str

    def browser(
        self, browser: Browser, name: str = "operator", **context: object
    ) -> tuple[BrowserContext, Page, list[str]]:
        """A browser with a session of this account, and what its console complains of."""
        secret, now = secrets.token_urlsafe(32), self.living.on.book.clock.now()
        self.ledger.console.open_session(hash_of(secret), name, now, now + timedelta(days=365))
        opened = browser.new_context(base_url=self.address, **({"locale": "en-GB"} | context))  # type: ignore[arg-type]
        opened.add_cookies([{"name": "recoup_console", "value": secret, "url": self.address}])
        page, complaints = opened.new_page(), list[str]()
        page.on("console", lambda told: complaints.append(told.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return opened, page, complaints


@contextmanager
def manned(living: Living) -> Iterator[Manned]:
    """Serve a console beside the rest, on a ledger connection of its own."""
    played = living.on.book.settings
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings: Settings = played.model_copy(
        update={
            "console": ConsoleSettings(
                public_url=address, refresh_seconds=1, session_hours=720, idle_minutes=1440
            ),
            "temporal": played.temporal.model_copy(update={"address": living.behind.address}),
        }
    )
    ledger = Ledger.connect(settings.database_url)
    for role in Role:
        ledger.console.add_user(role.value, role, kept(), living.on.book.clock.now())
    client = LazyClient(settings.temporal)

    async def wake(destination: str) -> bool:
        return await look_now(await client(), destination)

    customers = StripeCustomers(living.on.stage.stripe)
    policy = load_policy(settings.policy_file)
    clock = living.on.book.clock
    cases, stands = CaseGateway(client), Standings(client)
    outlook = StripeOutlook(settings, living.on.stage.stripe, ledger, clock)
    app = assemble_console(settings, ledger, cases, stands, customers, clock, policy, outlook, wake)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
    thread = threading.Thread(target=lambda: server.run(sockets=[listener]))
    thread.start()
    try:
        yield Manned(living, Ledger.connect(settings.database_url), address)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def serious_faults(page: Page) -> list[str]:
    """What axe-core finds on the page that keeps somebody from using it."""
    # The debugger's door: the page's own policy stays in force, and would not let a script in.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(SERIOUS)
    return found
