"""Workers that tell Temporal their version: a case that began without goes on with the version that is made current."""

from __future__ import annotations

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import temporalio.api.workflowservice.v1 as workflow_api
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

import worker
from activities.contracts import StartCase
from recoup import __version__
from recoup.rules.case import Outcome
from tests.workflows.outside import Outside
from tests.workflows.playing import asleep, moved
from workflows.recovery import RecoveryCase

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _made_current(env: WorkflowEnvironment, deployment: str) -> None:
    """As ``temporal worker deployment set-current-version`` does, once the server has met the version's workers."""
    request = workflow_api.SetWorkerDeploymentCurrentVersionRequest(
        namespace=env.client.namespace, deployment_name=deployment, build_id=__version__
    )
    async with asyncio.timeout(30):
        while True:
            try:
                await env.client.workflow_service.set_worker_deployment_current_version(request)
            except RPCError:
                await asyncio.sleep(0.2)
            else:
                return


async def test_a_running_case_goes_on_with_the_version_that_is_made_current(
    time_skipping_env: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun by a worker of no deployment, it sleeps through the change, and is carried to its end by the current version."""
    env, queue, outside = time_skipping_env, f"test-{uuid.uuid4()}", Outside(answers=["declined", "paid"])
    monkeypatch.setattr("recoup.hosting.TASK_QUEUE", queue)
    start = StartCase(invoice=f"in_{uuid.uuid4().hex[:12]}", at=datetime.now(UTC))
    with ThreadPoolExecutor(worker.ACTIVITY_THREADS) as threads:
        async with worker.build_worker(env.client, outside.activities(), threads):
            with env.with_time_skipping_disabled():
                handle = await env.client.start_workflow(RecoveryCase.run, start, id=queue, task_queue=queue)
            await asleep(handle)
        before = (await handle.describe()).raw_description.workflow_execution_info.versioning_info
        assert not before.deployment_version.build_id
        async with worker.build_worker(env.client, outside.activities(), threads, queue):
            await _made_current(env, queue)
            await moved(env, handle, 4)
            result = await asyncio.wait_for(handle.result(), 60)
        after = (await handle.describe()).raw_description.workflow_execution_info.versioning_info
    assert result.outcome is Outcome.RECOVERED_BY_RETRY
    version = after.deployment_version
    assert (version.deployment_name, version.build_id) == (queue, __version__)
