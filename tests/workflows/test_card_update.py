"""A card update hears of its method from several events, in any order and moment; the cases are told once of each version."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio import activity
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
from recoup.rules.case import Trigger
from tests.workflows.outside import Hold
from workflows.card_update import CardUpdate

pytestmark = pytest.mark.asyncio(loop_scope="session")

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
) -> CardUpdateResult:
    """The result of an update that begins with one event and hears of the others while it adopts the method."""
    queue = f"test-{uuid.uuid4()}"
    shop.adopting = Hold() if later else None
    with ThreadPoolExecutor(4) as threads:
        async with Worker(
            env.client,
            task_queue=queue,
            workflows=[CardUpdate],
            activities=shop.activities(),
            activity_executor=threads,
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
            return await handle.result()


async def test_the_choice_that_follows_the_appearance_is_heard(
    time_skipping_env: WorkflowEnvironment,
) -> None:
    """The method appears; while that is being looked at, the customer chooses it: adopted, and the case told once."""
    shop = Shop()
    result = await play(time_skipping_env, shop, APPEARED, CHOSEN, APPEARED)
    assert (result.adopted, result.cases) == (True, ("in_1",))
    assert [update.chosen for update in shop.adopted] == [False, True]
    assert shop.told == [(OPEN, "pm_2/2030-1")]


async def test_a_card_that_is_renewed_while_it_is_adopted_is_told_again(
    time_skipping_env: WorkflowEnvironment,
) -> None:
    """Another expiry, told during the first pass, is another version: the case hears of both."""
    shop = Shop(versions=["pm_2/2030-1", "pm_2/2033-1"])
    renewed = CHOSEN.model_copy(update={"cause": Trigger.ACCOUNT_UPDATER, "chosen": False})
    await play(time_skipping_env, shop, CHOSEN, renewed)
    assert shop.told == [(OPEN, "pm_2/2030-1"), (OPEN, "pm_2/2033-1")]


async def test_one_event_is_one_pass(time_skipping_env: WorkflowEnvironment) -> None:
    """Nothing new was told: everything is asked once."""
    shop = Shop()
    await play(time_skipping_env, shop, CHOSEN)
    assert (len(shop.adopted), len(shop.told)) == (1, 1)


@pytest.mark.parametrize(
    ("after", "told"),
    [([RETURN], [OPEN, RETURN]), ([OPEN], [OPEN]), ([], [OPEN])],
    ids=["return", "stuck", "over"],
)
async def test_a_case_that_ended_meanwhile_is_looked_for_once_more(
    time_skipping_env: WorkflowEnvironment, after: list[CustomerCase], told: list[CustomerCase]
) -> None:
    """It did not hear: suspended in the meantime, its return is begun; else the update ends, whatever the ledger says."""
    shop = Shop(cases=[[OPEN], after], heard=False)
    await play(time_skipping_env, shop, CHOSEN)
    assert [case for case, _ in shop.told] == told
