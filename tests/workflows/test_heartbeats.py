"""A long activity of a living worker is left alone; the times of activities hold together."""

from __future__ import annotations

import asyncio
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from temporalio import activity, workflow
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities._waits import MOST_CALLS
from recoup.billing.client import longest_call_seconds
from recoup.settings import StripeSettings
from recoup.temporal.heartbeats import INTERVAL, Heartbeats
from workflows._orders import HEARTBEAT, START_TO_CLOSE

pytestmark = pytest.mark.asyncio(loop_scope="session")


@activity.defn
def takes_long() -> int:
    """Blocks its thread for longer than the heartbeat timeout; answers which try it was."""
    time.sleep(2.5)
    return activity.info().attempt


@activity.defn
async def takes_long_too() -> int:
    """The same without a thread."""
    await asyncio.sleep(2.5)
    return activity.info().attempt


@workflow.defn(sandboxed=False)
class Patient:
    """Waits for the long activities."""

    @workflow.run
    async def run(self) -> list[int]:
        times = {"start_to_close_timeout": timedelta(seconds=30), "heartbeat_timeout": timedelta(seconds=1)}
        blocking = workflow.execute_activity(takes_long, **times)  # type: ignore[call-overload]  # spread keywords
        waiting = workflow.execute_activity(takes_long_too, **times)  # type: ignore[call-overload]
        return list(await asyncio.gather(blocking, waiting))


async def test_a_busy_thread_is_not_taken_for_a_dead_worker(time_skipping_env: WorkflowEnvironment) -> None:
    """The worker beats for an activity that blocks its thread, so that it is not done a second time."""
    env, queue = time_skipping_env, f"test-{uuid.uuid4()}"
    with ThreadPoolExecutor(2) as threads:
        async with Worker(
            env.client,
            task_queue=queue,
            workflows=[Patient],
            activities=[takes_long, takes_long_too],
            activity_executor=threads,
            interceptors=[Heartbeats(timedelta(seconds=0.2))],
        ):
            tries = await env.client.execute_workflow(Patient.run, id=queue, task_queue=queue)
    assert tries == [1, 1]


async def test_the_times_of_an_activity_hold_together() -> None:
    """All Stripe calls of one attempt fit into the activity's time, and several beats into the heartbeat's."""
    assert (
        MOST_CALLS * longest_call_seconds(StripeSettings(timeout_seconds=10)) < START_TO_CLOSE.total_seconds()
    )
    assert HEARTBEAT >= 4 * INTERVAL
