"""The one door through which everything outside a workflow reaches the cases: begin, tell, ask.

Everything said here is safe to say twice. A case that is over, or that never was, is an ordinary answer; a Temporal that did
not take the word for sure is :class:`TemporalAway`, and the caller must say it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import WorkflowExecutionStatus as ServerStatus
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.contracts import TASK_QUEUE, CardUpdated, CaseResult, CaseView, StartCase, WhatWillHappen
from activities.wish_contracts import Wish, WishResult
from recoup.errors import ConnectionFailed, RecoupError
from recoup.rules.base import Wire
from recoup.rules.case import Stage
from recoup.rules.money import Money, to_decimal
from recoup.temporal.attributes import AMOUNT, CURRENCY, CUSTOMER, INVOICE, STAGE, SUBSCRIPTION
from recoup.temporal.ids import card_update_workflow_id, case_id, recovery_workflow_id, wish_workflow_id

RECOVERY_WORKFLOW = "RecoveryCase"
CARD_UPDATE_WORKFLOW = "CardUpdate"
CARD_UPDATE_SIGNAL = "told"
WISH_WORKFLOW = "CustomerWish"
WISH_PATIENCE = timedelta(seconds=6)
"""For a customer who looks at a page; what takes longer goes on without them."""
RPC_TIMEOUT = timedelta(seconds=4)
"""For one request to Temporal."""
WHOLE_TIMEOUT = timedelta(seconds=8)
"""For a request with its repeats; below what a sender of webhooks waits."""
UPDATE_TIMEOUT = timedelta(seconds=12)
"""For an operator's word, which a worker has to answer."""


class TemporalAway(ConnectionFailed):
    """Temporal, or for updates and queries a worker, did not answer: nothing is known to be accepted."""


class CaseOver(RecoupError):
    """The case an operator speaks to has ended, or there is none."""


class UpdateRefused(RecoupError):
    """The case refused an operator's word; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Run:
    """The latest run of a case's workflow."""

    id: str
    status: int
    """As in :class:`temporalio.client.WorkflowExecutionStatus`, or a newer one that the SDK has no word for."""

    @property
    def is_running(self) -> bool:
        """Whether it carries its case; one that an operator has paused in Temporal still does."""
        return self.status in (WorkflowExecutionStatus.RUNNING, ServerStatus.WORKFLOW_EXECUTION_STATUS_PAUSED)

    @property
    def is_complete(self) -> bool:
        """Whether it came to its own end; otherwise it failed, or somebody ended it."""
        return self.status == WorkflowExecutionStatus.COMPLETED


class CaseGateway:
    """Begins cases and card updates, and speaks to running cases."""

    def __init__(self, client: Client | Callable[[], Awaitable[Client]]) -> None:
        """``client`` is a connected client, or a function that gives one and raises when it cannot."""
        self._client = client

    async def begin(
        self,
        start: StartCase,
        *,
        customer: str | None = None,
        subscription: str | None = None,
        due: Money | None = None,
    ) -> bool:
        """Begin ``recovery/{case}``; True when it runs now, False when it ran before and is over (it is not begun again).

        What is known of the case only helps to find it before its first step; the case reads everything for itself. What brings
        a customer back is told as a signal too, so that a return that runs already hears of it.

        Raises:
            TemporalAway: it is not known to be accepted.
        """
        case = case_id(start.invoice, start.return_number)
        signal, news = _comeback(start)
        async with self._asking(f"begin the case {case}") as client:
            try:
                await client.start_workflow(
                    RECOVERY_WORKFLOW,
                    start,
                    id=recovery_workflow_id(case),
                    task_queue=TASK_QUEUE,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                    start_signal=signal,
                    start_signal_args=[news] if signal else [],
                    search_attributes=_attributes(start.invoice, customer, subscription, due),
                    static_summary=_summary(customer, due, start.return_number),
                    rpc_timeout=RPC_TIMEOUT,
                )
            except WorkflowAlreadyStartedError:
                return False
        return True

    async def tell(self, case: str, signal: str, payload: Wire) -> bool:
        """Signal a case; False when it is over or unknown.

        Raises:
            TemporalAway: it is not known to be accepted.
        """
        async with self._asking(f"tell the case {case} {signal}") as client:
            try:
                await _handle(client, case).signal(signal, payload, rpc_timeout=RPC_TIMEOUT)
            except RPCError as error:
                if _no_such_workflow(error):
                    return False
                raise
        return True

    async def card_updated(self, update: CardUpdated) -> None:
        """Begin the card update; events that tell of the same method meet in one while it runs, and it hears each of them.

        Raises:
            TemporalAway: it is not known to be accepted.
        """
        id_ = card_update_workflow_id(update.customer, update.method)
        async with self._asking(f"begin {id_}") as client:
            await client.start_workflow(
                CARD_UPDATE_WORKFLOW,
                update,
                id=id_,
                task_queue=TASK_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                start_signal=CARD_UPDATE_SIGNAL,
                start_signal_args=[update],
                search_attributes=TypedSearchAttributes([SearchAttributePair(CUSTOMER, update.customer)]),
                static_summary=f"{update.cause.value} · {update.customer}",
                rpc_timeout=RPC_TIMEOUT,
            )

    async def wish(self, wish: Wish) -> WishResult | None:
        """Have a customer's wish carried out: what became of it, or ``None`` while it is still being done.

        It is accepted durably before anything is waited for. The same wish about the same subscription, while it is being
        carried out, is one.

        Raises:
            TemporalAway: it is not known to be accepted.
        """
        id_ = wish_workflow_id(wish.kind, wish.subscription)
        known = [(CUSTOMER, wish.customer), (SUBSCRIPTION, wish.subscription)]
        async with self._asking(f"begin {id_}") as client:
            handle = await client.start_workflow(
                WISH_WORKFLOW,
                wish,
                id=id_,
                task_queue=TASK_QUEUE,
                result_type=WishResult,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                search_attributes=TypedSearchAttributes([SearchAttributePair(*pair) for pair in known]),
                static_summary=f"{wish.kind.value} · {wish.customer}",
                rpc_timeout=RPC_TIMEOUT,
            )
        try:
            async with asyncio.timeout(WISH_PATIENCE.total_seconds()):
                result: WishResult = await handle.result()
        except (TimeoutError, RPCError, WorkflowFailureError):
            return None
        return result

    async def update(
        self, case: str, name: str, payload: Wire, *, request: str | None = None
    ) -> WhatWillHappen:
        """Give an operator's word to a case and hear what will happen; the same ``request`` again is the same word.

        Raises:
            CaseOver: the case has ended or never was.
            UpdateRefused: the case says no, and why.
            TemporalAway: Temporal or the worker did not answer; the word may still be taken.
        """
        async with self._asking(f"give the case {case} {name}", UPDATE_TIMEOUT) as client:
            try:
                answer: WhatWillHappen = await _handle(client, case).execute_update(
                    name, payload, id=request, result_type=WhatWillHappen, rpc_timeout=UPDATE_TIMEOUT
                )
            except WorkflowUpdateFailedError as error:
                raise UpdateRefused(f"The case {case} refused {name}: {_said(error)}") from error
            except RPCError as error:
                if _no_such_workflow(error):
                    raise CaseOver(f"The case {case} is over, or there is none by this name") from error
                raise
        return answer

    async def view(self, case: str) -> CaseView | None:
        """The case as it sees itself, also after its end; None when Temporal does not know it (any more).

        Raises:
            TemporalAway: Temporal or the worker did not answer.
        """
        async with self._asking(f"ask the case {case}", UPDATE_TIMEOUT) as client:
            try:
                view: CaseView = await _handle(client, case).query(
                    "case", result_type=CaseView, rpc_timeout=UPDATE_TIMEOUT
                )
            except RPCError as error:
                if _no_such_workflow(error):
                    return None
                raise
        return view

    async def run_of(self, case: str) -> Run | None:
        """The latest run of a case, as Temporal's history has it at this moment; None where Temporal knows none (any more).

        Raises:
            TemporalAway: Temporal did not answer.
        """
        async with self._asking(f"describe the case {case}") as client:
            # Not the handle's own describe: it raises where the status is newer than the SDK.
            execution = WorkflowExecution(workflow_id=recovery_workflow_id(case))
            request = DescribeWorkflowExecutionRequest(namespace=client.namespace, execution=execution)
            try:
                found = await client.workflow_service.describe_workflow_execution(
                    request, timeout=RPC_TIMEOUT
                )
            except RPCError as error:
                if _no_such_workflow(error):
                    return None
                raise
        info = found.workflow_execution_info
        return Run(info.execution.run_id, info.status)

    async def result_of(self, case: str) -> CaseResult:
        """How a case that is complete ended, in its own words.

        Raises:
            TemporalAway: Temporal did not answer.
        """
        async with self._asking(f"read the result of the case {case}") as client:
            handle = client.get_workflow_handle(recovery_workflow_id(case), result_type=CaseResult)
            result: CaseResult = await handle.result(rpc_timeout=RPC_TIMEOUT)
        return result

    async def check(self) -> None:
        """Whether Temporal answers.

        Raises:
            TemporalAway: it does not.
        """
        async with self._asking("look whether it serves") as client:
            if not await client.service_client.check_health(timeout=RPC_TIMEOUT):
                raise TemporalAway("Temporal answers that it does not serve")

    @asynccontextmanager
    async def _asking(self, what: str, within: timedelta = WHOLE_TIMEOUT) -> AsyncIterator[Client]:
        try:
            async with asyncio.timeout(within.total_seconds()):
                yield await self._connected()
        except (RPCError, TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
            raise TemporalAway(f"Temporal could not {what}: {_reason(error)}") from error

    async def _connected(self) -> Client:
        if isinstance(self._client, Client):
            return self._client
        try:
            return await self._client()
        except (
            ConnectionFailed,
            RuntimeError,
            OSError,
        ) as error:  # the SDK raises RuntimeError where nobody listens
            raise TemporalAway(f"Temporal cannot be reached: {_reason(error)}") from error


def _comeback(start: StartCase) -> tuple[str | None, Wire | None]:
    """The signal that says what brings a suspended customer back; a payment says more than a method."""
    if start.paid is not None:
        return "invoice_paid", start.paid
    return ("payment_method_updated", start.method) if start.method is not None else (None, None)


def _handle(client: Client, case: str) -> WorkflowHandle[Any, Any]:
    return client.get_workflow_handle(recovery_workflow_id(case))


def _no_such_workflow(error: RPCError) -> bool:
    """A missing namespace has the same status as a missing workflow, and must not pass for one."""
    if error.status is not RPCStatusCode.NOT_FOUND:
        return False
    return not any("Namespace" in detail.type_url for detail in error.grpc_status.details)


def _reason(error: BaseException) -> str:
    if isinstance(error, RPCError):
        return f"{error.status.name.lower()}: {error.message[:300]}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error)[:300] or type(error).__name__


def _said(error: WorkflowUpdateFailedError) -> str:
    cause = error.cause
    return cause.message if isinstance(cause, ApplicationError) else str(cause)


def _attributes(
    invoice: str, customer: str | None, subscription: str | None, due: Money | None
) -> TypedSearchAttributes:
    pairs: list[SearchAttributePair[Any]] = [
        SearchAttributePair(INVOICE, invoice),
        SearchAttributePair(STAGE, Stage.OPEN.value),
    ]
    if customer is not None:
        pairs.append(SearchAttributePair(CUSTOMER, customer))
    if subscription is not None:
        pairs.append(SearchAttributePair(SUBSCRIPTION, subscription))
    if due is not None:
        pairs.append(SearchAttributePair(AMOUNT, due.amount))
        pairs.append(SearchAttributePair(CURRENCY, due.currency))
    return TypedSearchAttributes(pairs)


def _summary(customer: str | None, due: Money | None, return_number: int) -> str | None:
    """For the list of workflows: ``49.00 USD · cus_X``, and of a return that it is one."""
    back = "back after a suspension" if return_number > 1 else None
    return " · ".join(part for part in (_amount(due), customer, back) if part) or None


def _amount(due: Money | None) -> str | None:
    try:
        return f"{to_decimal(due)} {due.currency.upper()}" if due else None
    except ValueError:  # a currency that Stripe cannot charge: the case itself will say so
        return None
