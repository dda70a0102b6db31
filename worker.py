"""The worker process: hosts Recoup's workflows and activities until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import structlog
from temporalio.client import Client, Interceptor

from activities.assembly import build_activities
from activities.integrations import build_integrations
from recoup.clock import clock_for
from recoup.errors import RecoupError
from recoup.hosting import ACTIVITY_THREADS, build_courier, build_worker
from recoup.ledger import Ledger
from recoup.logs import configure_logs
from recoup.observing import observed, temporal_runtime, traced
from recoup.process import run_to_exit
from recoup.settings import Settings, load_settings
from recoup.temporal.bootstrap import ensure_search_attributes
from recoup.temporal.connection import connect
from recoup.temporal.delivering import keep_delivering
from recoup.temporal.regular import keep_regular

__all__ = ["ACTIVITY_THREADS", "build_activities", "build_courier", "build_worker", "main", "serve"]

_log = structlog.get_logger("recoup.worker")


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


async def serve(settings: Settings, interceptors: Sequence[Interceptor] = ()) -> int:
    """Work until SIGTERM or SIGINT."""
    client = await connect(settings.temporal, temporal_runtime(settings.metrics), interceptors)
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
            await _keep_regular(client, settings)
            _log.info("serving", namespace=client.namespace, address=client.service_client.config.target_host)
            await stop.wait()
    ledger.close()
    return 0


async def _keep_regular(client: Client, settings: Settings) -> None:
    """The cases need no schedule: where one cannot be kept, the worker says so and works."""
    try:
        await keep_regular(client, settings)
    except RecoupError as error:
        _log.warning("not_scheduled", because=str(error))


def main() -> None:
    """Run the worker with the settings of the environment."""
    configure_logs()
    run_to_exit(lambda: run(load_settings()))


def run(settings: Settings) -> int:
    """Work until SIGTERM or SIGINT; what the process exits with."""
    with traced(settings.tracing, "worker") as interceptors:
        return asyncio.run(serve(settings, interceptors))


if __name__ == "__main__":
    main()
