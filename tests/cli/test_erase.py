"""``recoup erase`` over a real Temporal: histories and mails go with the ledger's rows, and nothing goes while something runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from recoup.ledger import Ledger
from recoup.messages import Outbox
from recoup.messages.outbox import OutboxSender
from recoup.rules.case import Outcome
from recoup.temporal import erasing
from recoup.temporal.attributes import CUSTOMER
from tests.cli.conftest import Recoup, Said
from tests.ledger.builders import NOW, a_case, a_message, after

pytestmark = pytest.mark.asyncio(loop_scope="session")
WHO = "cus_erase1"
QUEUE = "erasing"


@workflow.defn(name="Brief")
class Brief:
    """Runs until it is told to end, as a case does."""

    def __init__(self) -> None:
        self._over = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self._over)

    @workflow.signal
    def end(self) -> None:
        self._over = True


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger.connect(f"sqlite:///{tmp_path / 'recoup.db'}")
    ledger.migrate()
    ledger.cases.open(a_case(customer=WHO), NOW)
    ledger.messages.reserve(a_message(customer=WHO), NOW)
    yield ledger
    ledger.close()


@pytest.fixture
def outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """With one message to the customer, and one to somebody else."""
    place = tmp_path / "outbox"
    monkeypatch.setenv("RECOUP_MAIL__OUTBOX", str(place))
    for key in ("in_1/payment_failed", "in_2/payment_failed"):
        OutboxSender(place).send(
            b"Subject: x\n\nx", sender="a@example.com", recipient="b@example.com", key=key, tags={}
        )
    return Outbox(place)


async def _begin(client: Client) -> WorkflowHandle[Brief, None]:
    known = TypedSearchAttributes([SearchAttributePair(CUSTOMER, WHO)])
    return await client.start_workflow(
        Brief.run, id="recovery/in_1", task_queue=QUEUE, search_attributes=known
    )


async def _ask(recoup: Recoup) -> Said:
    return await asyncio.to_thread(recoup, "erase", WHO, "--yes", "--json", "--operator", "anna")


async def _seen(client: Client) -> int:
    return (await client.count_workflows(f'{CUSTOMER.name} = "{WHO}"')).count


async def _until_seen(client: Client) -> None:
    """Temporal's list follows a moment later."""
    async with asyncio.timeout(20):
        while await _seen(client) != 1:  # noqa: ASYNC110 - nobody tells when
            await asyncio.sleep(0.1)


async def test_a_customer_is_erased_once_nothing_runs(
    recoup: Recoup,
    ledger: Ledger,
    outbox: Outbox,
    time_skipping_env: WorkflowEnvironment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An open case, then a running workflow stand in the way and nothing goes; then histories, mails and names do, and only the customer's."""
    client = time_skipping_env.client
    monkeypatch.setenv("RECOUP_TEMPORAL__ADDRESS", client.service_client.config.target_host)
    monkeypatch.setenv("RECOUP_TEMPORAL__NAMESPACE", client.namespace)
    assert "in_1" in (await _ask(recoup)).sentence
    ledger.cases.close("in_1", Outcome.RECOVERED_BY_RETRY, "paid", after(days=1))
    async with Worker(
        client, task_queue=QUEUE, workflows=[Brief], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        handle = await _begin(client)
        await _until_seen(client)
        assert "recovery/in_1" in (await _ask(recoup)).sentence
        assert ledger.cases.get("in_1").customer == WHO  # type: ignore[union-attr]
        assert outbox.has("in_1/payment_failed")
        await handle.signal(Brief.end)
        await asyncio.wait_for(handle.result(), timedelta(seconds=20).total_seconds())
    while (said := await _ask(recoup)).code != 0:  # noqa: ASYNC110 - the list may still say that it runs
        await asyncio.sleep(0.1)
    erased = json.loads(said.out)
    assert (erased["histories"], erased["outbox"]) == (1, 1)
    assert ledger.cases.get("in_1").customer == erased["pseudonym"]  # type: ignore[union-attr]
    assert not outbox.has("in_1/payment_failed")
    assert outbox.has("in_2/payment_failed")
    assert json.loads((await _ask(recoup)).out)["pseudonym"] is None


@pytest.mark.slow
async def test_temporal_forgets_the_history(time_skipping_env: WorkflowEnvironment) -> None:
    """Half a minute after a history was deleted the server knows it no more."""
    client = time_skipping_env.client
    async with Worker(
        client, task_queue=QUEUE, workflows=[Brief], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        handle = await _begin(client)
        await handle.signal(Brief.end)
        await handle.result()
    await erasing.delete(client, [(handle.id, str(handle.result_run_id))])
    async with asyncio.timeout(120):
        while await _is_known(handle):  # noqa: ASYNC110 - nobody tells when
            await asyncio.sleep(0.2)


async def _is_known(handle: WorkflowHandle[Brief, None]) -> bool:
    try:
        await handle.describe()
    except RPCError as error:
        return error.status is not RPCStatusCode.NOT_FOUND
    return True


async def test_what_is_no_customer_is_said(recoup: Recoup) -> None:
    """An id of something else is refused before anything is asked."""
    assert "cus_" in recoup("erase", "in_1").sentence
