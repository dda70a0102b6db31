"""The histories of a customer's workflows in Temporal: found by the customer's id, and deleted once they are over."""

from __future__ import annotations

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from recoup.errors import RecoupError
from recoup.temporal.attributes import CUSTOMER


class StillRunning(RecoupError):
    """A workflow of the customer's is not over."""


async def histories(client: Client, customer: str) -> list[tuple[str, str]]:
    """Workflow id and run id of all that ran for the customer and is over.

    Raises:
        StillRunning: one of them runs.
    """
    found = []
    async for each in client.list_workflows(f'{CUSTOMER.name} = "{customer}"'):
        if each.status is WorkflowExecutionStatus.RUNNING:
            raise StillRunning(
                f"The workflow {each.id} of {customer} still runs: wait until it has ended, then erase again."
            )
        found.append((each.id, each.run_id))
    return found


async def delete(client: Client, runs: list[tuple[str, str]]) -> None:
    """Have Temporal forget these runs; one that is gone already is none."""
    for workflow_id, run_id in runs:
        execution = WorkflowExecution(workflow_id=workflow_id, run_id=run_id)
        request = DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=execution)
        try:
            await client.workflow_service.delete_workflow_execution(request)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
