"""Where open cases stand at this moment, as Temporal's own index has it: the stage and the next step's date of many at once.

The ledger keeps what a case did; what it waits for, a case tells Temporal alone, as search attributes. The index lags by a
second or so, and knows no reasons.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from activities.contracts import TASK_QUEUE
from recoup.errors import ConnectionFailed
from recoup.rules.case import Stage
from recoup.temporal.attributes import NEXT_ACTION, STAGE
from recoup.temporal.gateway import RECOVERY_WORKFLOW, TemporalAway
from recoup.temporal.ids import recovery_workflow_id

PATIENCE = timedelta(seconds=4)
_OPEN = f'WorkflowType = "{RECOVERY_WORKFLOW}" AND ExecutionStatus = "Running"'
_PREFIX = recovery_workflow_id("")
_MOST_NAMED = 100
"""So many cases are asked about in one question."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one open case stands."""

    case: str
    stage: Stage | None
    next_at: datetime | None


class Standings:
    """Asks Temporal's index. Every method raises :class:`TemporalAway` where it does not answer."""

    def __init__(self, client: Callable[[], Awaitable[Client]]) -> None:
        self._client = client

    async def of(self, cases: Iterable[str]) -> dict[str, Standing]:
        """Where these cases stand, as far as they are open."""
        ids = sorted(set(cases))
        found = [
            await self._asked(f"{_OPEN} AND WorkflowId IN ({_quoted(ids[start : start + _MOST_NAMED])})")
            for start in range(0, len(ids), _MOST_NAMED)
        ]
        return {each.case: each for some in found for each in some}

    async def at(self, stage: Stage, most: int = 1000) -> list[str]:
        """The open cases of a stage, so many at most."""
        found = await self._asked(f'{_OPEN} AND {STAGE.name} = "{stage.value}"', most)
        return [each.case for each in found]

    async def due(self, until: datetime, most: int = 200) -> list[Standing]:
        """Open cases that do something by a moment, the soonest first."""
        moment = until.astimezone(UTC).isoformat()
        found = await self._asked(f'{_OPEN} AND {NEXT_ACTION.name} <= "{moment}"', most)
        return sorted(found, key=lambda each: (each.next_at or until, each.case))

    async def workers(self) -> int:
        """How many workers ask for work."""
        async with self._asking() as client:
            request = DescribeTaskQueueRequest(
                namespace=client.namespace,
                task_queue=TaskQueue(name=TASK_QUEUE),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            )
            answer = await client.workflow_service.describe_task_queue(request, timeout=PATIENCE)
        return len({poller.identity for poller in answer.pollers})

    async def _asked(self, query: str, most: int = _MOST_NAMED) -> list[Standing]:
        async with self._asking() as client:
            return [
                Standing(
                    each.id.removeprefix(_PREFIX),
                    _stage(each.typed_search_attributes.get(STAGE)),
                    each.typed_search_attributes.get(NEXT_ACTION),
                )
                async for each in client.list_workflows(query, limit=most, rpc_timeout=PATIENCE)
            ]

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[Client]:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                yield await self._client()
        except (RPCError, TimeoutError, ConnectionFailed, RuntimeError, OSError) as error:
            raise TemporalAway(
                f"Temporal could not say where cases stand: {str(error)[:200] or 'no answer'}"
            ) from error


def _stage(text: str | None) -> Stage | None:
    return Stage(text) if text in {stage.value for stage in Stage} else None


def _quoted(ids: Iterable[str]) -> str:
    return ", ".join(f'"{recovery_workflow_id(each)}"' for each in ids)
