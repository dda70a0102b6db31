"""Temporal workers over a connected client: which workflows and activities they host, and how much of each at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.contracts import TASK_QUEUE
from activities.integration_contracts import INTEGRATION_QUEUE
from recoup.observing.activities import Timed
from recoup.temporal.heartbeats import Heartbeats
from recoup.temporal.versions import told
from workflows.hosted import DELIVERING, RECOVERY

ACTIVITY_THREADS = 20
OWN = ("workflows", "activities", "recoup")
RUNNER = SandboxedWorkflowRunner(SandboxRestrictions.default.with_passthrough_modules(*OWN))
"""Cases share the modules of the code: a copy for each would be half of a worker's memory and time (docs/decisions/0009)."""
GRACE = timedelta(seconds=20)
CACHED_CASES = 600
"""So many cases stay in memory between two of their steps. They sleep for days, so a larger cache holds what nobody asks for: each costs 0.17 MB, a replay from a history of 15 KB a few milliseconds."""


def build_worker(
    client: Client,
    activities: list[Callable[..., Any]],
    threads: ThreadPoolExecutor,
    deployment: str | None = None,
) -> Worker:
    """The worker over a connected client, of a Worker Deployment where one is named."""
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=RECOVERY,
        workflow_runner=RUNNER,
        activities=activities,
        activity_executor=threads,
        max_concurrent_activities=ACTIVITY_THREADS,
        max_cached_workflows=CACHED_CASES,
        max_concurrent_workflow_tasks=10,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        graceful_shutdown_timeout=GRACE,
        interceptors=[Heartbeats(), Timed()],
        **told(deployment),
    )


def build_courier(
    client: Client, activities: list[Callable[..., Any]], deployment: str | None = None
) -> Worker:
    """The worker of the deliveries outside, on a task queue of its own: it takes no place from a case."""
    return Worker(
        client,
        task_queue=INTEGRATION_QUEUE,
        workflows=DELIVERING,
        workflow_runner=RUNNER,
        activities=activities,
        max_concurrent_workflow_tasks=2,
        graceful_shutdown_timeout=GRACE,
        interceptors=[Heartbeats()],
        **told(deployment),
    )
