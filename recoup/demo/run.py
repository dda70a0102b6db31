"""``recoup demo`` from start to end."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console

from recoup.billing import stripe_client
from recoup.demo._supervision import Supervisor
from recoup.demo.cases import Cases
from recoup.demo.company import Product
from recoup.demo.control import Seeded
from recoup.demo.driver import Driver
from recoup.demo.people import People
from recoup.demo.report import Report, days_between, report_of
from recoup.demo.screen import Addresses, Screen
from recoup.demo.stack import Plan, Stack
from recoup.errors import ConfigurationError
from recoup.ledger import Ledger
from recoup.messages import Outbox
from recoup.policy.file import load_policy
from recoup.process import EXIT_FAILED, EXIT_INTERRUPTED
from recoup.worlds import World, WorldError, demo_world_path, load_world

PLAIN_WIDTH = 170
"""Columns of the summary where no terminal says how many it has."""
PACE = 1.0
"""Real seconds that a virtual day takes at least, where somebody watches."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the demo is to run."""

    world: Path | None = None
    policy: Path | None = None
    headless: bool = False
    json_file: Path | None = None
    pace: float | None = None
    keep: Path | None = None
    """A directory for what the processes write; otherwise a temporary one, which is removed."""


def run_demo(options: Options) -> int:
    """Run the demo; 0 when every case ended as its world says and the books agree, 1 when not, 130 when interrupted.

    Raises:
        RecoupError: it could not be run; nothing is left behind.
    """
    world_file = options.world or demo_world_path()
    world = read_world_file(world_file)
    if options.policy is not None:
        load_policy(options.policy)
    if options.json_file is not None and not options.json_file.absolute().parent.is_dir():
        raise ConfigurationError(
            f"The report cannot be written to {options.json_file}: there is no such folder"
        )
    began = time.monotonic()
    with _directory(options.keep) as directory:
        plan = Plan(directory, world_file, options.policy, keep_temporal=options.keep is not None)
        try:
            return asyncio.run(_Demo(options, world, Stack(plan), began).run())
        except asyncio.CancelledError:
            return EXIT_INTERRUPTED


def read_world_file(path: Path) -> World:
    """The world in a file.

    Raises:
        ConfigurationError: it cannot be used.
    """
    try:
        return load_world(path)
    except WorldError as error:
        raise ConfigurationError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody who takes part, once the stack stands."""

    seeded: Seeded
    ledger: Ledger
    outbox: Outbox
    people: People
    until: datetime
    """The last renewal of the world."""


@asynccontextmanager
async def cast_of(stack: Stack, world: World) -> AsyncIterator[Cast]:
    """Make the world's customers in a running stack, and give them minds."""
    seeded = await stack.control.seed()
    ledger = Ledger.connect(stack.settings.database_url)
    try:
        outbox = Outbox(stack.settings.mail.outbox)
        product = Product(stripe_client(stack.settings.stripe))
        people = People(world, seeded, outbox, ledger, product, stack.starter_url)
        renewals = [
            each.renews_in.length for person in world.customers.values() for each in person.subscriptions
        ]
        yield Cast(seeded, ledger, outbox, people, seeded.start + max(renewals))
    finally:
        ledger.close()


class _Demo:
    def __init__(self, options: Options, world: World, stack: Stack, began: float) -> None:
        self._options = options
        self._world = world
        self._stack = stack
        self._began = began
        self._console = Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)

    async def run(self) -> int:
        _cancel_on_signal()
        try:
            self._console.print("Starting Temporal, the sandbox, the worker and the starter …")
            await self._stack.start()
            async with cast_of(self._stack, self._world) as cast:
                return await self._play(cast)
        finally:
            await self._stack.stop()

    async def _play(self, cast: Cast) -> int:
        stack, screen = self._stack, self._screen(cast)
        driver = Driver(
            stack.control,
            Cases(stack.client),
            cast.people,
            cast.until,
            seconds_per_day=self._pace(),
            observer=screen.observe,
            between_looks=Supervisor(stack).look,
        )
        screen.addresses()
        began = await stack.control.now()
        with screen.running():
            ended = await driver.run()
        screen.tell_endings()
        books = await stack.control.books()
        report = report_of(cast.ledger, self._world, cast.seeded, stack.company, books, cast.people.stuck)
        seconds = time.monotonic() - self._began
        self._write(report, days_between(began, ended), seconds)
        screen.summary(report, seconds)
        if not self._options.headless:
            await self._keep_serving(screen, driver)
        return EXIT_FAILED if report.problems else 0

    async def _keep_serving(self, screen: Screen, driver: Driver) -> None:
        """Until somebody says stop: whoever opens an update page now is served, and time goes on for them."""
        screen.addresses()
        self._console.print("Everything keeps running until Ctrl-C; the update pages work.")
        try:
            while True:
                await driver.run()
                screen.tell_endings()
                await asyncio.sleep(1)
        except asyncio.CancelledError:
            self._console.print("Stopping.")

    def _screen(self, cast: Cast) -> Screen:
        stack = self._stack
        addresses = Addresses(stack.cases_url, f"{stack.starter_url}/inbox", f"{stack.starter_url}/u/")
        return Screen(self._console, cast.ledger, cast.outbox, cast.seeded.key_of, addresses)

    def _pace(self) -> float:
        if self._options.pace is not None:
            return self._options.pace
        return 0.0 if self._options.headless else PACE

    def _write(self, report: Report, virtual_days: float, seconds: float) -> None:
        file = self._options.json_file
        if file is None:
            return
        text = json.dumps(report.as_json(virtual_days, seconds), indent=2, ensure_ascii=False)
        part = file.with_name(f".{file.name}.part")
        part.write_text(text + "\n", encoding="utf-8")
        part.replace(file)


def _cancel_on_signal() -> None:
    """Cancel the running task at the first word to stop; later ones must not disturb the clearing up."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop() -> None:
        for number in signals:
            loop.add_signal_handler(number, lambda: None)
        if task is not None:
            task.cancel()

    for number in signals:
        loop.add_signal_handler(number, stop)


@contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise ConfigurationError(f"The directory {keep} is not empty; a demo needs one of its own")
        yield keep.resolve()
        return
    directory = Path(tempfile.mkdtemp(prefix="recoup-demo-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
