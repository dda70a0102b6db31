"""Checks of Temporal."""

from __future__ import annotations

import temporalio.api.enums.v1 as enums
import temporalio.api.taskqueue.v1 as taskqueue_api
import temporalio.api.workflowservice.v1 as workflow_api
from temporalio.client import Client

from activities.contracts import TASK_QUEUE
from recoup.doctor._findings import Finding, mend, note, ok
from recoup.settings import Settings
from recoup.temporal.bootstrap import has_namespace, missing_search_attributes
from recoup.temporal.connection import connect


async def temporal(settings: Settings) -> list[Finding]:
    """Temporal answers, has the namespace and knows the search attributes; whether a worker is there is told too."""
    client = await connect(settings.temporal)
    place = f"{client.service_client.config.target_host}, namespace {client.namespace}"
    if not await has_namespace(client):
        return [mend("temporal", f"Temporal has no namespace {client.namespace}: run `recoup bootstrap`")]
    missing = await missing_search_attributes(client)
    if missing:
        return [
            mend(
                "temporal",
                f"{place}: these search attributes are missing, run `recoup bootstrap`: {', '.join(missing)}",
            )
        ]
    return [ok("temporal", f"{place}: answers, and knows every search attribute"), await _worker(client)]


async def _worker(client: Client) -> Finding:
    request = workflow_api.DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=taskqueue_api.TaskQueue(name=TASK_QUEUE),
        task_queue_type=enums.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    workers = {
        poller.identity for poller in (await client.workflow_service.describe_task_queue(request)).pollers
    }
    if not workers:
        return note("worker", "no worker asks for work: cases begin and wait until `recoup worker` runs")
    return ok("worker", f"{len(workers)} at work")
