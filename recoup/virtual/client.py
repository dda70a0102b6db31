"""The host as a Temporal client, so that the product's own gateway speaks to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse,
)
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from recoup.virtual._instances import CONVERTER, NAMESPACE
from recoup.virtual.host import Host


class HostClient:
    """The few calls of ``temporalio.client.Client`` that the gateway makes."""

    namespace = NAMESPACE

    def __init__(self, host: Host, before: Callable[[], None], after: Callable[[], None]) -> None:
        """``before`` and ``after`` are called around what is accepted, and may raise."""
        self.host = host
        self.before = before
        self.after = after

    async def start_workflow(
        self, type_: str, argument: Any, *, id_reuse_policy: WorkflowIDReusePolicy, **more: Any
    ) -> HostHandle:
        """Begin a workflow, and tell it something where that is asked for; one that runs is only told."""
        self.before()
        id_ = str(more["id"])
        known = self.host.executions.get(id_)
        if known is None or not known.is_running:
            ended_well = known is not None and known.status is WorkflowExecutionStatus.COMPLETED
            if ended_well and id_reuse_policy is WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY:
                raise WorkflowAlreadyStartedError(id_, type_)
            self.host.start(id_, type_, argument)
        if signal := more.get("start_signal"):
            (told,) = more["start_signal_args"]
            self.host.signal(id_, signal, told)
        self.after()
        return self.get_workflow_handle(id_, result_type=more.get("result_type"))

    @property
    def workflow_service(self) -> HostClient:
        """The raw calls."""
        return self

    async def describe_workflow_execution(
        self, request: DescribeWorkflowExecutionRequest, **_: Any
    ) -> DescribeWorkflowExecutionResponse:
        """How a workflow stands."""
        self.before()
        execution = self.host.executions.get(request.execution.workflow_id)
        if execution is None:
            raise RPCError("no such workflow", RPCStatusCode.NOT_FOUND, b"")
        response = DescribeWorkflowExecutionResponse()
        info = response.workflow_execution_info
        info.execution.run_id = execution.instance.identity.run_id
        info.status = int(execution.status)  # type: ignore[assignment]
        return response

    def get_workflow_handle(self, workflow_id: str, *, result_type: type | None = None) -> HostHandle:
        """A handle of the latest execution of an id."""
        return HostHandle(self, workflow_id, result_type)


@dataclass(frozen=True)
class HostHandle:
    """One workflow."""

    client: HostClient
    id: str
    result_type: type | None

    async def signal(self, name: str, argument: Any, **_: Any) -> None:
        """Tell it something."""
        self.client.before()
        if not self.client.host.signal(self.id, name, argument):
            raise RPCError("workflow execution already completed", RPCStatusCode.NOT_FOUND, b"")
        self.client.after()

    async def execute_update(self, name: str, argument: Any, *, result_type: type, **_: Any) -> Any:
        """Give it an operator's word, and hear the answer."""
        self.client.before()
        execution = self.client.host.executions.get(self.id)
        if execution is None or not execution.is_running:
            raise RPCError("workflow execution already completed", RPCStatusCode.NOT_FOUND, b"")
        # In a thread of its own, as in a worker: the workflow brings an event loop along.
        answer = await asyncio.to_thread(self.client.host.answer_to, self.id, name, argument)
        self.client.after()
        if isinstance(answer, str):
            raise WorkflowUpdateFailedError(ApplicationError(answer))
        return CONVERTER.from_payloads([answer], [result_type])[0]

    async def result(self, **_: Any) -> Any:
        """Its result, once it is complete; the host does nothing while somebody waits, so waiting for it is over at once."""
        execution = self.client.host.executions[self.id]
        if execution.is_running:
            raise RPCError("the workflow still runs", RPCStatusCode.DEADLINE_EXCEEDED, b"")
        types = [self.result_type] if self.result_type else None
        return CONVERTER.from_payloads([execution.result] if execution.result else [], types)[0]
