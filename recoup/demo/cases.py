"""The cases as Temporal has them: which run, what each waits for, and the one step ahead that a driver may let them make."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import temporalio.api.common.v1 as common_api
import temporalio.api.enums.v1 as enums
import temporalio.api.workflow.v1 as execution_api
import temporalio.api.workflowservice.v1 as workflow_api
from google.protobuf.field_mask_pb2 import FieldMask
from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionDescription,
    WorkflowQueryFailedError,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.contracts import CaseView
from recoup.clock import SystemClock
from recoup.temporal.gateway import CARD_UPDATE_WORKFLOW, RECOVERY_WORKFLOW

QUERY_TIMEOUT = timedelta(seconds=3)
"""Without a worker nobody answers a query; then the case is simply not quiet yet."""
FIRES_BY_ITSELF = timedelta(seconds=2)
"""A timer that is this close is left to fire in real time: it could do so between the last look and the skip."""
_PAGE = 30


@dataclass(frozen=True, slots=True)
class Waiting:
    """A case that sleeps until its next step is due, or until something happens."""

    workflow_id: str
    run_id: str
    history_length: int
    view: CaseView

    @property
    def due_at(self) -> datetime | None:
        """When its next step is due; None waits for an event alone."""
        return self.view.next.due_at


@dataclass(frozen=True, slots=True)
class Picture:
    """All running workflows at one moment."""

    waiting: tuple[Waiting, ...] = ()
    busy: tuple[str, ...] = ()
    """Those that are acting, or whose state nobody could tell; with what keeps failing there."""


class Cases:
    """Reads the cases, and skips their timers one at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, Waiting] = {}

    async def look(self) -> Picture:
        """Which workflows run and what each does. Temporal lists a new one up to a tenth of a second late."""
        found = [each async for each in self._client.list_workflows("ExecutionStatus = 'Running'")]
        looks = await asyncio.gather(*(self._look_at(each) for each in found))
        waiting = [look for look in looks if isinstance(look, Waiting)]
        return Picture(
            waiting=tuple(sorted(waiting, key=lambda case: case.workflow_id)),
            busy=tuple(look for look in looks if isinstance(look, str)),
        )

    async def skip(self, case: Waiting) -> bool:
        """Let the case's pending timer fire now; False where it is about to fire by itself, or waits for something else.

        The workflow skips once and never again before it is told to, so that a later timer cannot be hit.
        """
        left = await self._left_of_timer(case)
        if left is None or left < FIRES_BY_ITSELF:
            return False
        config = common_api.TimeSkippingConfig(enabled=True, max_session_skip_count=1)
        request = workflow_api.UpdateWorkflowExecutionOptionsRequest(
            namespace=self._client.namespace,
            workflow_execution=_execution(case),
            workflow_execution_options=execution_api.WorkflowExecutionOptions(time_skipping_config=config),
            update_mask=FieldMask(paths=["time_skipping_config"]),
            identity=self._client.identity,
        )
        await self._client.workflow_service.update_workflow_execution_options(request)
        return True

    async def _look_at(self, found: WorkflowExecution) -> Waiting | str | None:
        """The case if it waits, its id if it is busy, None if it has just ended."""
        if found.workflow_type == CARD_UPDATE_WORKFLOW:
            return found.id
        handle = self._client.get_workflow_handle(found.id, run_id=found.run_id)
        try:
            told = await handle.describe()
        except RPCError as error:
            return None if error.status is RPCStatusCode.NOT_FOUND else found.id
        if told.raw_info.status != enums.WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING:
            return None
        if _is_acting(told) or found.workflow_type != RECOVERY_WORKFLOW:
            return f"{found.id}{_trouble(told)}"
        known = self._known.get(found.run_id)
        if known is not None and known.history_length == told.history_length:
            return known
        view = await self._ask(found)
        if view is None or not view.waiting:
            return found.id
        waiting = Waiting(found.id, found.run_id, told.history_length, view)
        self._known[found.run_id] = waiting
        return waiting

    async def _ask(self, found: WorkflowExecution) -> CaseView | None:
        handle = self._client.get_workflow_handle(found.id, run_id=found.run_id)
        try:
            view: CaseView = await handle.query("case", result_type=CaseView, rpc_timeout=QUERY_TIMEOUT)
        except (RPCError, WorkflowQueryFailedError):
            return None
        return view

    async def _left_of_timer(self, case: Waiting) -> timedelta | None:
        """The real time that the one pending timer still has, None where the case has moved on or has no timer."""
        handle = self._client.get_workflow_handle(case.workflow_id, run_id=case.run_id)
        told = await handle.describe()
        if told.history_length != case.history_length or _is_acting(told):
            return None
        request = workflow_api.GetWorkflowExecutionHistoryReverseRequest(
            namespace=self._client.namespace, execution=_execution(case), maximum_page_size=_PAGE
        )
        newest = await self._client.workflow_service.get_workflow_execution_history_reverse(request)
        over = (enums.EventType.EVENT_TYPE_TIMER_FIRED, enums.EventType.EVENT_TYPE_TIMER_CANCELED)
        for event in newest.history.events:
            if event.event_type in over:
                return None
            if event.event_type == enums.EventType.EVENT_TYPE_TIMER_STARTED:
                fires_after = event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
                started = event.event_time.ToDatetime(tzinfo=None)
                return started + fires_after - _workflow_clock(told).replace(tzinfo=None)
        return None


def _is_acting(told: WorkflowExecutionDescription) -> bool:
    raw = told.raw_description
    return bool(raw.pending_activities) or raw.HasField("pending_workflow_task")


def _trouble(told: WorkflowExecutionDescription) -> str:
    """What keeps failing there, in brackets; nothing where all goes well."""
    for activity in told.raw_description.pending_activities:
        if activity.attempt > 1:
            said = activity.last_failure.message
            return f" ({activity.activity_type.name} is tried for the {activity.attempt}th time: {said})"
    if told.raw_description.pending_workflow_task.attempt > 1:
        return " (its worker cannot carry on with it; the worker's log says why)"
    return ""


def _workflow_clock(told: WorkflowExecutionDescription) -> datetime:
    """The workflow's own time: the wall clock, and ahead of it by what was skipped."""
    extended = told.raw_description.workflow_extended_info
    if extended.HasField("time_skipping_info"):
        return extended.time_skipping_info.current_time.ToDatetime()
    return SystemClock().now()


def _execution(case: Waiting) -> common_api.WorkflowExecution:
    return common_api.WorkflowExecution(workflow_id=case.workflow_id, run_id=case.run_id)
