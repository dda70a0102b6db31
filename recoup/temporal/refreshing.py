"""Mass updates from outside: beginning one, an operator's words to it, and how far it is."""

from __future__ import annotations

from typing import Literal

from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.card_contracts import (
    REFRESH_WORKFLOW,
    RefreshProgress,
    RefreshResult,
    StartRefresh,
)
from activities.contracts import TASK_QUEUE, OperatorRequest
from recoup.errors import ConnectionFailed, RecoupError

Word = Literal["pause", "resume", "stop"]


class NotRunning(RecoupError):
    """The mass update does not run, so it hears nothing."""


class Refused(RecoupError):
    """The mass update refused a word, and says why."""


def workflow_id(name: str) -> str:
    """The workflow id of a mass update."""
    return f"refresh/{name}"


async def begin(client: Client, start: StartRefresh) -> WorkflowHandle[object, RefreshResult]:
    """Begin a mass update whose targets are in the ledger; one that runs already goes on, and takes new ones in by itself.

    Raises:
        ConnectionFailed: Temporal did not answer.
    """
    try:
        handle: WorkflowHandle[object, RefreshResult] = await client.start_workflow(
            REFRESH_WORKFLOW,
            start,
            id=workflow_id(start.name),
            task_queue=TASK_QUEUE,
            result_type=RefreshResult,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal="more",
            static_summary=f"mass update {start.name}",
        )
    except RPCError as error:
        raise _away(error) from error
    return handle


async def say(client: Client, name: str, word: Word, request: OperatorRequest) -> RefreshProgress:
    """Give an operator's word to a mass update and hear how far it is.

    Raises:
        NotRunning: it has ended, or never began.
        Refused: it says no, and why.
        ConnectionFailed: Temporal did not answer.
    """
    handle = client.get_workflow_handle(workflow_id(name))
    try:
        progress: RefreshProgress = await handle.execute_update(word, request, result_type=RefreshProgress)
    except WorkflowUpdateFailedError as error:
        why = error.cause.message if isinstance(error.cause, ApplicationError) else str(error.cause)
        raise Refused(f"The mass update {name} refused to {word}: {why}") from error
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise NotRunning(
                f"The mass update {name} does not run; `recoup refresh --name {name}` with its cards goes on with it"
            ) from error
        raise _away(error) from error
    return progress


async def state_of(client: Client, name: str) -> RefreshProgress | None:
    """What the workflow says of itself; None where Temporal knows none (any more).

    Raises:
        ConnectionFailed: Temporal, or a worker, did not answer.
    """
    try:
        progress: RefreshProgress = await client.get_workflow_handle(workflow_id(name)).query(
            "progress", result_type=RefreshProgress
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise _away(error) from error
    return progress


def _away(error: RPCError) -> ConnectionFailed:
    return ConnectionFailed(f"Temporal did not answer: {error.status.name.lower()}, {error.message[:200]}")
