"""The outside of a card update, scripted, and how to play one on the dev server."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.contracts import (
    Activity,
    Adopted,
    CardUpdated,
    CardUpdateResult,
    CustomerCase,
    CustomerCases,
    CustomerQuestion,
    TellCase,
)
from tests.workflows.outside import Hold
from workflows.card_update import CardUpdate

NOW = datetime.now(UTC)
OPEN = CustomerCase(case_id="in_1", invoice="in_1")
RETURN = CustomerCase(case_id="in_1", invoice="in_1", begins=True, return_number=2)
APPEARED = CardUpdated(customer="cus_1", method="pm_2", at=NOW)
CHOSEN = APPEARED.model_copy(update={"chosen": True})


@dataclass
class Shop:
    """The outside of a card update. ``cases`` are the answers to who waits, in turn; the last one is given again."""

    cases: list[list[CustomerCase]] = field(default_factory=lambda: [[OPEN]])
    versions: list[str] = field(default_factory=lambda: ["pm_2/2030-1"])
    heard: bool = True
    adopting: Hold | None = None
    adopted: list[CardUpdated] = field(default_factory=list)
    told: list[tuple[CustomerCase, str]] = field(default_factory=list)

    def activities(self) -> list[Callable[..., Any]]:
        return [self.waiting, self.failed, self.adopt, self.tell]

    @activity.defn(name=Activity.CASES_OF_CUSTOMER.value)
    def waiting(self, question: CustomerQuestion) -> CustomerCases:
        now = self.cases.pop(0) if len(self.cases) > 1 else self.cases[0]
        return CustomerCases(at=NOW, cases=tuple(now))

    @activity.defn(name=Activity.FAILED_RENEWALS.value)
    def failed(self, question: CustomerQuestion) -> CustomerCases:
        return CustomerCases(at=NOW, cases=())

    @activity.defn(name=Activity.ADOPT_METHOD.value)
    def adopt(self, update: CardUpdated) -> Adopted:
        self.adopted.append(update)
        if self.adopting is not None:
            self.adopting.wait()
        version = self.versions.pop(0) if len(self.versions) > 1 else self.versions[0]
        because = (
            "the customer chose it" if update.chosen else "the method is not the one the customer pays with"
        )
        return Adopted(at=NOW, adopted=update.chosen, version=version, because=because)

    @activity.defn(name=Activity.TELL_CASE.value)
    def tell(self, order: TellCase) -> bool:
        assert order.update is not None
        self.told.append((order.case, order.update.version))
        return self.heard or order.case.begins


async def play(
    env: WorkflowEnvironment, shop: Shop, first: CardUpdated, *later: CardUpdated
) -> WorkflowHandle[CardUpdate, CardUpdateResult]:
    """An update that begins with one event and hears of the others while it adopts the method."""
    queue = f"test-{uuid.uuid4()}"
    shop.adopting = Hold() if later else None
    with ThreadPoolExecutor(4) as threads:
        async with Worker(
            env.client,
            task_queue=queue,
            workflows=[CardUpdate],
            activities=shop.activities(),
            activity_executor=threads,
            identity="worker",
            build_id="tests",
        ):
            handle = await env.client.start_workflow(
                CardUpdate.run,
                first,
                id=queue,
                task_queue=queue,
                start_signal="told",
                start_signal_args=[first],
            )
            if shop.adopting is not None:
                await shop.adopting.begun()
                for update in later:
                    await handle.signal(CardUpdate.told, update)
                shop.adopting.let_go()
            await handle.result()
            return handle
