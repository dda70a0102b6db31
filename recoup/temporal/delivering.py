"""The deliveries to the destinations outside: beginning the workflows that carry them, and waking one."""

from __future__ import annotations

from collections.abc import Collection

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from activities.integration_contracts import (
    INTEGRATION_QUEUE,
    INTEGRATION_WORKFLOW,
    LOOK_NOW,
    StartIntegration,
)
from recoup.errors import ConnectionFailed
from recoup.integrations.settings import IntegrationSettings


def integration_workflow_id(destination: str) -> str:
    """The id of the workflow that delivers to a destination."""
    return f"integration/{destination}"


async def keep_delivering(client: Client, settings: IntegrationSettings, known: Collection[str] = ()) -> None:
    """See that every destination has its workflow, and that those ``known`` but configured no longer have none.

    Raises:
        ConnectionFailed: Temporal did not answer.
    """
    wanted = [destination.name for destination in settings.destinations]
    try:
        for destination in settings.destinations:
            await _begin(client, destination.name, destination.kind)
        for name in sorted(set(known) - set(wanted)):
            await _end(client, name)
    except RPCError as error:
        raise _away(error) from error


async def _begin(client: Client, destination: str, kind: str) -> None:
    await client.start_workflow(
        INTEGRATION_WORKFLOW,
        StartIntegration(destination=destination),
        id=integration_workflow_id(destination),
        task_queue=INTEGRATION_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        static_summary=f"tells {kind} what happens in the cases",
    )


async def _end(client: Client, destination: str) -> None:
    handle = client.get_workflow_handle(integration_workflow_id(destination))
    try:
        await handle.terminate("the destination is configured no longer")
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


async def look_now(client: Client, destination: str) -> bool:
    """Have the destination looked after at once; False where no workflow carries it.

    Raises:
        ConnectionFailed: Temporal did not answer.
    """
    try:
        await client.get_workflow_handle(integration_workflow_id(destination)).signal(LOOK_NOW)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise _away(error) from error
    return True


def _away(error: RPCError) -> ConnectionFailed:
    return ConnectionFailed(f"Temporal did not answer: {error.status.name.lower()}, {error.message[:200]}")
