"""A worker over the scripted outside, on the real dev server with skipped time."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime

import pytest
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.contracts import CaseResult, StartCase
from tests.workflows.outside import Outside
from workflows.recovery import RecoveryCase

Begin = Callable[[Outside], AbstractAsyncContextManager[WorkflowHandle[RecoveryCase, CaseResult]]]


@pytest.fixture
def begin(time_skipping_env: WorkflowEnvironment) -> Begin:
    """How to begin a case with ``async with``; its time stands still until it is awaited or moved on."""
    return _beginner(time_skipping_env, skipping=False)


@pytest.fixture
def play(time_skipping_env: WorkflowEnvironment) -> Begin:
    """How to begin a case whose time is skipped by itself from the start."""
    return _beginner(time_skipping_env, skipping=True)


def _beginner(env: WorkflowEnvironment, *, skipping: bool) -> Begin:
    @asynccontextmanager
    async def begin(outside: Outside) -> AsyncIterator[WorkflowHandle[RecoveryCase, CaseResult]]:
        queue = f"test-{uuid.uuid4()}"
        start = StartCase(invoice=f"in_{uuid.uuid4().hex[:12]}", at=datetime.now(UTC))
        with ThreadPoolExecutor(4) as threads:
            async with Worker(
                env.client,
                task_queue=queue,
                workflows=[RecoveryCase],
                activities=outside.activities(),
                activity_executor=threads,
                max_cached_workflows=0 if skipping else 100,
            ):
                if skipping:
                    yield await env.client.start_workflow(RecoveryCase.run, start, id=queue, task_queue=queue)
                else:
                    with env.with_time_skipping_disabled():
                        handle = await env.client.start_workflow(
                            RecoveryCase.run, start, id=queue, task_queue=queue
                        )
                    yield handle

    return begin
