"""The worker process: hosts Recoup's workflows and activities until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import structlog
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker

from activities.access import Access
from activities.cases import Cases
from activities.contracts import TASK_QUEUE
from activities.messages import Messages
from activities.pacing import Pace
from activities.payments import Payments
from activities.records import Records
from activities.sweep import Sweep
from recoup import __version__
from recoup.access import backend_from
from recoup.billing import stripe_client
from recoup.clock import clock_for
from recoup.errors import RecoupError
from recoup.ledger import Ledger
from recoup.links import update_link_signer
from recoup.logs import configure_logs
from recoup.messages import Composer, sender_from
from recoup.policy_file import load_policy
from recoup.process import run_to_exit
from recoup.settings import Settings, load_settings
from recoup.temporal.connection import connect
from recoup.temporal.gateway import CaseGateway
from recoup.temporal.heartbeats import Heartbeats
from recoup.temporal.sweeping import keep_schedule
from workflows.card_update import CardUpdate
from workflows.reconcile import Reconcile
from workflows.recovery import RecoveryCase

ACTIVITY_THREADS = 20
GRACE = timedelta(seconds=20)
BUILD_ID = f"recoup-{__version__}"
"""Told to Temporal with each task; left to itself, the SDK hashes every loaded module, which takes seconds."""
_log = structlog.get_logger("recoup.worker")

WORKFLOWS: list[type] = [RecoveryCase, CardUpdate, Reconcile]


def build_activities(settings: Settings, ledger: Ledger, client: Client) -> list[Callable[..., Any]]:
    """Every activity, over the systems that the settings name."""
    clock = clock_for(settings.clock_file)
    stripe = stripe_client(settings.stripe)
    composer = Composer(settings.mail.templates, settings.mail.default_locale)
    composer.check()
    payments = Payments(client=stripe, ledger=ledger, clock=clock, policy=load_policy(settings.policy_file))
    messages = Messages(
        client=stripe,
        ledger=ledger,
        clock=clock,
        composer=composer,
        sender=sender_from(settings.mail, clock),
        mail=settings.mail,
        link_url=update_link_signer(settings),
    )
    access = Access(client=stripe, ledger=ledger, clock=clock, backend=backend_from(settings.access))
    records = Records(ledger=ledger, clock=clock)
    gateway = CaseGateway(client)
    sweep = Sweep(
        client=stripe,
        ledger=ledger,
        clock=clock,
        gateway=gateway,
        access=access,
        pace=Pace(ledger, clock, settings.stripe.sweep_requests_per_second),
        max_age=timedelta(days=settings.sweep.max_age_days),
    )
    return [
        payments.take_up, payments.attempt, payments.settle, payments.look, payments.mark_paid, payments.release,
        payments.adopt_method, payments.failed_renewals, messages.send, access.suspend, access.restore, records.close_case,
        records.cases_of_customer, Cases(gateway).tell, sweep.look, sweep.mend,
    ]  # fmt: skip


def build_worker(client: Client, activities: list[Callable[..., Any]], threads: ThreadPoolExecutor) -> Worker:
    """The worker over a connected client."""
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
        build_id=BUILD_ID,
        interceptors=[Heartbeats()],
    )


async def serve(settings: Settings) -> int:
    """Work until SIGTERM or SIGINT."""
    ledger = Ledger.connect(settings.database_url)
    ledger.migrate()
    client = await connect(settings.temporal)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    with ThreadPoolExecutor(ACTIVITY_THREADS, thread_name_prefix="activity") as threads:
        async with build_worker(client, build_activities(settings, ledger, client), threads):
            await _keep_schedule(client, settings)
            _log.info("serving", namespace=settings.temporal.namespace, address=settings.temporal.address)
            await stop.wait()
    ledger.close()
    return 0


async def _keep_schedule(client: Client, settings: Settings) -> None:
    """The cases need no schedule: where it cannot be kept, the worker says so and works."""
    try:
        await keep_schedule(client, settings.sweep.every_hours)
    except RecoupError as error:
        _log.warning("sweep_not_scheduled", because=str(error))


def main() -> None:
    """Run the worker with the settings of the environment."""
    configure_logs()
    run_to_exit(lambda: asyncio.run(serve(load_settings())))


if __name__ == "__main__":
    main()
