"""Work that a killed worker had in its hands, given back to Temporal at once.

Temporal itself gives it back too, when the time that an activity may take is over: two minutes here, so that two tries never
overlap. Whoever has seen the worker die knows already that nothing overlaps, and need not wait.
"""

from __future__ import annotations

from datetime import timedelta

import temporalio.api.common.v1 as common_api
import temporalio.api.enums.v1 as enums
import temporalio.api.failure.v1 as failure_api
import temporalio.api.workflowservice.v1 as workflow_api
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

AT_ONCE = timedelta(milliseconds=50)


async def release_orphans(client: Client, pid: int) -> int:
    """Have every activity that the dead worker process ``pid`` of this machine was running tried again; answers how many."""
    released = 0
    async for found in client.list_workflows("ExecutionStatus = 'Running'"):
        handle = client.get_workflow_handle(found.id, run_id=found.run_id)
        try:
            told = await handle.describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                continue
            raise
        await _forget_sticky_queue(client, found.id, found.run_id)
        for activity in told.raw_description.pending_activities:
            started = activity.state == enums.PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
            if started and activity.last_worker_identity.startswith(f"{pid}@"):
                released += await _try_again(client, found.id, found.run_id, activity.activity_id)
    return released


async def _forget_sticky_queue(client: Client, workflow_id: str, run_id: str) -> None:
    """Workflow tasks would wait for the dead worker's own queue for some seconds."""
    execution = common_api.WorkflowExecution(workflow_id=workflow_id, run_id=run_id)
    request = workflow_api.ResetStickyTaskQueueRequest(namespace=client.namespace, execution=execution)
    try:
        await client.workflow_service.reset_sticky_task_queue(request)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


async def _try_again(client: Client, workflow_id: str, run_id: str, activity_id: str) -> int:
    said = failure_api.ApplicationFailureInfo(type="WorkerKilled")
    said.next_retry_delay.FromTimedelta(AT_ONCE)
    failure = failure_api.Failure(message="the worker process was killed", application_failure_info=said)
    request = workflow_api.RespondActivityTaskFailedByIdRequest(
        namespace=client.namespace,
        workflow_id=workflow_id,
        run_id=run_id,
        activity_id=activity_id,
        failure=failure,
        identity=client.identity,
    )
    try:
        await client.workflow_service.respond_activity_task_failed_by_id(request)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return 0
        raise
    return 1
