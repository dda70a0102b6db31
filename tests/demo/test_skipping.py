"""A skip hits the one timer it was meant for, or none."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.contracts import CaseView
from recoup.demo.cases import Cases, Waiting
from recoup.rules.step import Step, StepKind
from tests.rules.cases import a_case

pytestmark = pytest.mark.asyncio(loop_scope="session")


@workflow.defn(name="TwoWaits")
class TwoWaits:
    """Sleeps twice, longer each time."""

    def __init__(self) -> None:
        self.woken = 0

    @workflow.run
    async def run(self, seconds: float) -> None:
        for _ in range(2):
            await workflow.sleep(timedelta(seconds=seconds))
            self.woken += 1

    @workflow.query
    def times(self) -> int:
        """How often it woke."""
        return self.woken


@asynccontextmanager
async def sleeping(
    environment: WorkflowEnvironment, seconds: float
) -> AsyncIterator[tuple[Client, WorkflowHandle[Any, Any]]]:
    """A workflow in its first sleep, on a client that does not skip by itself."""
    client = await Client.connect(environment.client.service_client.config.target_host)
    queue = uuid.uuid4().hex
    async with Worker(
        client, task_queue=queue, workflows=[TwoWaits], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        handle = await client.start_workflow(TwoWaits.run, seconds, id=queue, task_queue=queue)
        while (await handle.describe()).history_length < 5:  # noqa: ASYNC110 - nobody tells when
            await asyncio.sleep(0.02)
        yield client, handle
        await handle.terminate()


async def waiting(handle: WorkflowHandle[Any, Any]) -> Waiting:
    """What a look at it would give."""
    told = await handle.describe()
    step = Step(kind=StepKind.ATTEMPT, due_at=datetime.now(UTC), because="a test")
    view = CaseView(case=a_case(), next=step, now=datetime.now(UTC), waiting=True)
    return Waiting(handle.id, told.run_id, told.history_length, view)


async def woken(handle: WorkflowHandle[Any, Any]) -> None:
    """Wait until its first sleep is over."""
    while cast(int, await handle.query("times")) < 1:  # noqa: ASYNC110 - nobody tells when
        await asyncio.sleep(0.02)


async def test_one_skip_wakes_once(time_skipping_env: WorkflowEnvironment) -> None:
    """After one skip the first sleep is over, and the second one lasts."""
    async with sleeping(time_skipping_env, 86_400) as (client, handle):
        assert await Cases(client).skip(await waiting(handle))
        await woken(handle)
        await asyncio.sleep(0.5)
        assert await handle.query("times") == 1


async def test_an_old_look_skips_nothing(time_skipping_env: WorkflowEnvironment) -> None:
    """Where the workflow has moved on since it was looked at, nothing is skipped."""
    async with sleeping(time_skipping_env, 86_400) as (client, handle):
        before = await waiting(handle)
        assert await Cases(client).skip(before)
        await woken(handle)
        assert not await Cases(client).skip(before)
        await asyncio.sleep(0.3)
        assert await handle.query("times") == 1


async def test_a_timer_about_to_fire_is_left_alone(time_skipping_env: WorkflowEnvironment) -> None:
    """A timer that may fire between the look and the skip is not skipped: the skip could hit the next one."""
    async with sleeping(time_skipping_env, 1.5) as (client, handle):
        assert not await Cases(client).skip(await waiting(handle))
