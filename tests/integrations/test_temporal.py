"""The whole on a real Temporal: the workflow of a destination, the worker's second task queue, the signal, the end."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment
from werkzeug import Response

from activities.integrations import build_integrations
from recoup.integrations.replaying import Wanted, replayed
from recoup.integrations.settings import IntegrationSettings
from recoup.settings import Settings, StripeSettings
from recoup.temporal.bootstrap import prepare
from recoup.temporal.delivering import integration_workflow_id, keep_delivering, look_now
from recoup.temporal.payloads import plain_converter
from tests.fixtures.sandbox import KEY, ROOT
from tests.integrations.stage import SECRET, Inbox, Stage, webhook
from tests.ledger.builders import NOW
from tests.sweep.stage import until
from worker import build_courier

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def namespace(time_skipping_env: WorkflowEnvironment) -> Client:
    """A client of a namespace whose workflows live in real time."""
    service = time_skipping_env.client.service_client
    client = Client(service, namespace="integrations", data_converter=plain_converter)
    await prepare(client)
    return client


async def test_events_are_delivered_and_asked_for_again(
    namespace: Client, stage: Stage, httpserver: HTTPServer, tmp_path: Path
) -> None:
    """A real worker delivers what happens, wakes on the signal, and ends when the destination is configured no longer."""
    inbox = Inbox([Response(status=500)])
    httpserver.expect_request("/hooks").respond_with_handler(inbox)
    wanted = IntegrationSettings(destinations=(webhook(httpserver),), every_seconds=1)
    settings = Settings(
        integrations=wanted,
        stripe=StripeSettings(api_key=SecretStr(KEY), api_base=httpserver.url_for("")),
        database_url=f"sqlite:///{tmp_path / 'ledger.db'}",
    )
    stage.begin(webhook(httpserver))
    stage.case()
    stage.case("in_2", customer="cus_2")
    handle = namespace.get_workflow_handle(integration_workflow_id("company"))
    async with build_courier(namespace, build_integrations(settings, stage.ledger, namespace)):
        await keep_delivering(namespace, wanted)
        await keep_delivering(namespace, wanted)
        await until(lambda: len(inbox.got) == 2, "the second case to be told")
        assert stage.late("company")[0].attempts == 1, "the first one waits for its time"
        again = Wanted(events=(stage.ledger.events.since(0)[1].id,))
        await asyncio.to_thread(replayed, stage.ledger, "company", again, NOW)
        assert await look_now(namespace, "company")
        await until(lambda: len(inbox.got) >= 3, "the replay to arrive")
        assert inbox.ids()[1] == inbox.ids()[2]
        await keep_delivering(namespace, IntegrationSettings(), ["company", "never-begun"])
        assert (await handle.describe()).status is WorkflowExecutionStatus.TERMINATED
        assert not await look_now(namespace, "company")


async def test_a_destination_that_no_settings_name_ends_its_workflow(
    namespace: Client, stage: Stage, httpserver: HTTPServer
) -> None:
    """A worker whose settings know it no longer lets its workflow come to its end."""
    settings = Settings(stripe=StripeSettings(api_key=SecretStr(KEY), api_base=httpserver.url_for("")))
    async with build_courier(namespace, build_integrations(settings, stage.ledger, namespace)):
        await keep_delivering(namespace, IntegrationSettings(destinations=(webhook(httpserver, "gone"),)))
        await namespace.get_workflow_handle(integration_workflow_id("gone")).result()


async def test_the_worker_process_delivers_beside_the_cases(
    namespace: Client, stage: Stage, httpserver: HTTPServer, tmp_path: Path
) -> None:
    """`recoup worker` with a destination in its settings begins the deliveries by itself and stops in good order."""
    inbox = Inbox()
    httpserver.expect_request("/hooks").respond_with_handler(inbox)
    destination = {
        "kind": "webhook",
        "name": "process",
        "url": httpserver.url_for("/hooks"),
        "secrets": [SECRET],
    }
    stage.begin(webhook(httpserver, "process"))
    stage.case()
    settings = {
        "RECOUP_TEMPORAL__ADDRESS": namespace.service_client.config.target_host,
        "RECOUP_TEMPORAL__NAMESPACE": namespace.namespace,
        "RECOUP_STRIPE__API_KEY": KEY,
        "RECOUP_LINK_SECRETS": '["a secret of the tests"]',
        "RECOUP_DATABASE_URL": f"sqlite:///{tmp_path / 'ledger.db'}",
        "RECOUP_MAIL__OUTBOX": str(tmp_path / "outbox"),
        "RECOUP_INTEGRATIONS__DESTINATIONS": json.dumps([destination]),
    }
    worker = _process(settings)
    try:
        await until(lambda: inbox.got != [], "the worker to deliver")
        assert inbox.types() == ["case.opened"]
    finally:
        worker.terminate()
        code = await asyncio.to_thread(worker.wait, 60)
        await keep_delivering(namespace, IntegrationSettings(), ["process"])
    assert code == 0


def _process(settings: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "worker"], cwd=ROOT, env={**os.environ, **settings})
