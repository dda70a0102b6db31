"""A namespace for all tests of the sweep; a sandbox, a ledger and a worker for each."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from recoup.ledger import Ledger
from recoup.temporal.bootstrap import prepare
from recoup.temporal.payloads import plain_converter
from tests.fixtures.sandbox import Sandbox, running_sandbox
from tests.ledger.databases import migrated_file
from tests.sweep.stage import WORLD, Stage, at_any_hour, clean, settings_for, working


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def namespace(time_skipping_env: WorkflowEnvironment) -> Client:
    """A client of a namespace that no other test's worker serves; its workflows live in real time."""
    service = time_skipping_env.client.service_client
    client = Client(service, namespace="sweep", data_converter=plain_converter)
    await prepare(client)
    return client


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox without an endpoint for webhooks."""
    world = tmp_path / "world.yaml"
    world.write_text(WORLD)
    with ExitStack() as stack:
        yield stack.enter_context(running_sandbox(tmp_path, world))


@pytest_asyncio.fixture(loop_scope="session")
async def idle(
    sandbox: Sandbox, namespace: Client, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """The stage without a worker."""
    shutil.copy(migrated_file(tmp_path_factory.getbasetemp()), tmp_path / "ledger.db")
    settings = settings_for(sandbox, namespace, tmp_path).model_copy(
        update={"policy_file": at_any_hour(tmp_path)}
    )
    ledger = Ledger.connect(settings.database_url)
    yield Stage(sandbox, ledger, namespace, settings)
    await clean(namespace)
    ledger.close()


@pytest_asyncio.fixture(loop_scope="session")
async def stage(idle: Stage) -> AsyncIterator[Stage]:
    """The stage with a worker."""
    async with working(idle):
        yield idle
