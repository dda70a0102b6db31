"""The worker process: hosts Recoup's workflows and activities until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from typing import Any

import structlog
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker

from activities.assembly import build_activities
from activities.contracts import TASK_QUEUE
from activities.integration_contracts import INTEGRATION_QUEUE
from activities.integrations import build_integrations
from recoup.clock import clock_for
from recoup.errors import RecoupError
from recoup.ledger import Ledger
from recoup.logs import configure_logs
from recoup.observing import observed, temporal_runtime
from recoup.observing.activities import Timed
from recoup.process import run_to_exit
from recoup.settings import Settings, load_settings
from recoup.temporal.bootstrap import ensure_search_attributes
from recoup.temporal.connection import connect
from recoup.temporal.delivering import keep_delivering
from recoup.temporal.expiring import keep_card_schedule
from recoup.temporal.heartbeats import Heartbeats
from recoup.temporal.sweeping import keep_schedule
from recoup.temporal.training import keep_training_schedule
from recoup.temporal.versions import told
from workflows.card_update import CardUpdate
from workflows.customer_wish import CustomerWish
from workflows.expiring import ExpiringCards
from workflows.integrations import Integration
from workflows.late_cancel import LateCancelling
from workflows.mirror import MirrorCards
from workflows.reconcile import Reconcile
from workflows.recovery import RecoveryCase
from workflows.refresh import RefreshCards
from workflows.training import TrainTiming

__all__ = ["ACTIVITY_THREADS", "build_activities", "build_courier", "build_worker", "main", "serve"]

ACTIVITY_THREADS = 20
GRACE = timedelta(seconds=20)
_log = structlog.get_logger("recoup.worker")

WORKFLOWS: list[type] = [
    RecoveryCase, CardUpdate, CustomerWish, LateCancelling, Reconcile, MirrorCards, ExpiringCards, RefreshCards,
    TrainTiming,
]  # fmt: skip


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
        workflows=WORKFLOWS,
        activities=activities,
        activity_executor=threads,
        max_concurrent_activities=ACTIVITY_THREADS,
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
        workflows=[Integration],
        activities=activities,
        max_concurrent_workflow_tasks=2,
        graceful_shutdown_timeout=GRACE,
        interceptors=[Heartbeats()],
        **told(deployment),
    )


@asynccontextmanager
async def _delivering(
    client: Client, settings: Settings, ledger: Ledger, activities: list[Callable[..., Any]]
) -> AsyncIterator[None]:
    """Deliver to the destinations that are configured, if there are any."""
    wanted = settings.integrations
    deployment = settings.temporal.deployment
    courier = build_courier(client, activities, deployment) if wanted.destinations else nullcontext()
    async with courier:
        try:
            await keep_delivering(client, wanted, await asyncio.to_thread(ledger.deliveries.names))
        except RecoupError as error:
            _log.warning("integrations_not_begun", because=str(error))
        yield


async def serve(settings: Settings) -> int:
    """Work until SIGTERM or SIGINT."""
    client = await connect(settings.temporal, temporal_runtime(settings.metrics))
    ledger = Ledger.connect(settings.database_url)
    activities = build_activities(settings, ledger, client)
    couriers = build_integrations(settings, ledger, client)
    # Only now: whatever is wrong with the settings has been said, and nothing was begun.
    ledger.migrate()
    await ensure_search_attributes(client)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    wanted, clock = settings.metrics, clock_for(settings.clock_file)
    observing = observed(wanted.host, wanted.worker_port, ledger, clock)
    with observing, ThreadPoolExecutor(ACTIVITY_THREADS, thread_name_prefix="activity") as threads:
        delivering = _delivering(client, settings, ledger, couriers)
        async with build_worker(client, activities, threads, settings.temporal.deployment), delivering:
            await _keep_schedules(client, settings)
            _log.info("serving", namespace=client.namespace, address=client.service_client.config.target_host)
            await stop.wait()
    ledger.close()
    return 0


async def _keep_schedules(client: Client, settings: Settings) -> None:
    """The cases need no schedule: where one cannot be kept, the worker says so and works."""
    try:
        await keep_schedule(client, settings.sweep.every_hours)
        await keep_card_schedule(client, settings.cards.every_hours)
        await keep_training_schedule(client, settings.timing.train_every_hours)
    except RecoupError as error:
        _log.warning("not_scheduled", because=str(error))


def main() -> None:
    """Run the worker with the settings of the environment."""
    configure_logs()
    run_to_exit(lambda: asyncio.run(serve(load_settings())))


if __name__ == "__main__":
    main()
