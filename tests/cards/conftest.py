"""A namespace for all tests of cards before they fail; a sandbox and a ledger for each."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from recoup.ledger import Ledger
from recoup.temporal.bootstrap import prepare
from recoup.temporal.payloads import plain_converter
from tests.cards.stage import WORLD, Stage, working
from tests.fixtures.sandbox import Sandbox, running_sandbox
from tests.ledger.databases import migrated_file
from tests.sweep.stage import clean, settings_for


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def namespace(time_skipping_env: WorkflowEnvironment) -> Client:
    """A client of a namespace that no other test's worker serves; its workflows live in real time."""
    service = time_skipping_env.client.service_client
    client = Client(service, namespace="cards", data_converter=plain_converter)
    await prepare(client)
    return client


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox without an endpoint for webhooks, at an hour at which people may be written to, whatever it is outside."""
    world = tmp_path / "world.yaml"
    world.write_text(WORLD)
    with running_sandbox(tmp_path, world) as running:
        now = running.clock.now()
        nine = now.replace(hour=9, minute=0, second=0, microsecond=0)
        running.pass_time(seconds=((nine - now) % timedelta(days=1)).total_seconds())
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def idle(
    sandbox: Sandbox, namespace: Client, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """The stage without a worker."""
    shutil.copy(migrated_file(tmp_path_factory.getbasetemp()), tmp_path / "ledger.db")
    settings = settings_for(sandbox, namespace, tmp_path)
    ledger = Ledger.connect(settings.database_url)
    yield Stage(sandbox, ledger, namespace, settings)
    await clean(namespace)
    ledger.close()


@pytest_asyncio.fixture(loop_scope="session")
async def stage(idle: Stage) -> AsyncIterator[Stage]:
    """The stage with a worker."""
    async with working(idle):
        yield idle
