"""The outside of a customer's wish, scripted, and how to play one on the dev server."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.wish_contracts import Stopped, Wish, WishActivity, WishKind, WishResult
from workflows.customer_wish import CustomerWish

NOW = datetime.now(UTC)
CANCELLATION = Wish(kind=WishKind.CANCEL, customer="cus_1", subscription="sub_1", at=NOW)


@dataclass
class Company:
    """Cases and Stripe, as a wish meets them."""

    away: int = 0
    """So many times Stripe does not answer."""
    refused: str | None = None
    done: list[str] = field(default_factory=list)

    def activities(self) -> list[Callable[..., Any]]:
        return [self.stop, self.fulfil]

    @activity.defn(name=WishActivity.STOP_CASES.value)
    def stop(self, wish: Wish) -> Stopped:
        self.done.append("stop")
        return Stopped(at=wish.at, cases=("in_1",))

    @activity.defn(name=WishActivity.FULFIL.value)
    def fulfil(self, wish: Wish) -> WishResult:
        if self.away:
            self.away -= 1
            self.done.append("Stripe is away")
            raise ApplicationError("Stripe could not be reached")
        self.done.append(wish.kind.value)
        return WishResult(at=wish.at, done=self.refused is None, because=self.refused or "it is done")


async def play(
    env: WorkflowEnvironment, company: Company, wish: Wish
) -> WorkflowHandle[CustomerWish, WishResult]:
    """A wish from its beginning to its end."""
    queue = f"test-{uuid.uuid4()}"
    with ThreadPoolExecutor(4) as threads:
        async with Worker(
            env.client,
            task_queue=queue,
            workflows=[CustomerWish],
            activities=company.activities(),
            activity_executor=threads,
            identity="worker",
            build_id="tests",
        ):
            handle = await env.client.start_workflow(CustomerWish.run, wish, id=queue, task_queue=queue)
            await handle.result()
            return handle
