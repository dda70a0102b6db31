"""Playing a case on the dev server: begin it over a scripted outside, wait until it sleeps, move its time on."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta

from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.contracts import CaseResult, CaseView, StartCase
from recoup.rules.steps import StepKind
from tests.workflows.outside import Outside
from workflows.late_cancel import LateCancelling
from workflows.recovery import RecoveryCase

Handle = WorkflowHandle[RecoveryCase, CaseResult]
Begin = Callable[[Outside], AbstractAsyncContextManager[Handle]]


def beginner(env: WorkflowEnvironment, *, skipping: bool) -> Begin:
    """How to begin a case with ``async with``: its time is skipped by itself, or stands still until it is moved on."""

    @asynccontextmanager
    async def begin(outside: Outside) -> AsyncIterator[Handle]:
        queue = f"test-{uuid.uuid4()}"
        start = StartCase(
            invoice=f"in_{uuid.uuid4().hex[:12]}", at=datetime.now(UTC), return_number=outside.return_number
        )
        with ThreadPoolExecutor(4) as threads:
            async with Worker(
                env.client,
                task_queue=queue,
                workflows=[RecoveryCase, LateCancelling],
                activities=outside.activities(),
                activity_executor=threads,
                max_cached_workflows=0 if skipping else 100,
                identity="worker",
                build_id="tests",
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


async def asleep(handle: Handle, kind: StepKind | None = None) -> CaseView:
    """The case once it sleeps (before a step of this kind)."""
    for _ in range(400):
        try:
            view = await handle.query(RecoveryCase.case)
        except Exception:  # noqa: BLE001  # the case is still being opened
            await asyncio.sleep(0.02)
            continue
        if view.waiting and kind in (None, view.next.kind):
            return view
        await asyncio.sleep(0.02)
    raise AssertionError("the case did not come to rest")


async def moved(env: WorkflowEnvironment, handle: Handle, days: float) -> None:
    """Let days pass for the case."""
    await env.fast_forward(handle, timedelta(days=days))
