"""The gateway against a real Temporal dev server: what is safe to say twice, and what a case that is over answers."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from temporalio import workflow
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import TypedSearchAttributes
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.contracts import (
    TASK_QUEUE,
    CardUpdated,
    CaseView,
    Happened,
    MethodUpdated,
    OperatorRequest,
    StartCase,
    WhatWillHappen,
)
from activities.wish_contracts import Wish, WishKind, WishResult
from recoup.rules.case import Case, Stage, Trigger
from recoup.rules.money import Money
from recoup.rules.policy import Campaign
from recoup.rules.step import Step, StepKind
from recoup.settings import TemporalSettings
from recoup.temporal import gateway as gateway_module
from recoup.temporal.attributes import AMOUNT, CURRENCY, CUSTOMER, INVOICE, STAGE, SUBSCRIPTION
from recoup.temporal.gateway import CaseGateway, CaseOver, TemporalAway, UpdateRefused
from recoup.temporal.ids import card_update_workflow_id, recovery_workflow_id, wish_workflow_id
from recoup.temporal.lazy import LazyClient
from tests.web.doubles import NOW

pytestmark = pytest.mark.asyncio(loop_scope="session")

DUE = Money(amount=4900, currency="usd")
NEXT = Step(kind=StepKind.ATTEMPT, due_at=NOW, because="an operator asked for it")


@workflow.defn(name="RecoveryCase")
class HeardCase:
    """Stands in for a case: remembers what it was told and ends when its invoice is voided."""

    @workflow.init
    def __init__(self, start: StartCase) -> None:
        self._start = start
        self._over = False
        self._heard: list[str] = []

    @workflow.run
    async def run(self, start: StartCase) -> str:
        await workflow.wait_condition(lambda: self._over)
        return start.invoice

    @workflow.signal
    def payment_method_updated(self, news: MethodUpdated) -> None:
        self._heard.append(news.version)

    @workflow.query
    def heard(self) -> list[str]:
        return self._heard

    @workflow.signal
    def invoice_voided(self, news: Happened) -> None:
        self._over = True

    @workflow.update
    def retry_now(self, request: OperatorRequest) -> WhatWillHappen:
        return WhatWillHappen(stage=Stage.RETRYING, next=NEXT)

    @retry_now.validator
    def _may(self, request: OperatorRequest) -> None:
        if request.reason == "no":
            raise ApplicationError("the bank forbids it")

    @workflow.query
    def case(self) -> CaseView:
        case = Case(
            id=self._start.invoice,
            invoice=self._start.invoice,
            customer="cus_1",
            subscription=None,
            due=DUE,
            failed_at=NOW,
            campaign=Campaign(),
        )
        return CaseView(case=case, next=NEXT, now=NOW, waiting=True)


@workflow.defn(name="CardUpdate")
class HeardUpdate:
    """Stands in for a card update; ends at once."""

    @workflow.run
    async def run(self, update: CardUpdated) -> str:
        return update.method


@workflow.defn(name="CustomerWish")
class HeardWish:
    """Stands in for a customer's wish: a cancellation ends at once, a pause when its workflow is told to."""

    @workflow.run
    async def run(self, wish: Wish) -> WishResult:
        if wish.kind is WishKind.PAUSE:
            await workflow.sleep(timedelta(days=1000))
        return WishResult(at=wish.at, done=True, because=wish.subscription)


@pytest.fixture
def client(time_skipping_env: WorkflowEnvironment) -> Client:
    return time_skipping_env.client


@pytest_asyncio.fixture(loop_scope="session")
async def _worker(client: Client) -> AsyncIterator[None]:
    async with Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[HeardCase, HeardUpdate, HeardWish],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield


@pytest.fixture
def gateway(client: Client) -> CaseGateway:
    return CaseGateway(client)


@pytest.fixture
def invoice() -> str:
    return f"in_{uuid.uuid4().hex}"


def asks(reason: str = "the customer called") -> OperatorRequest:
    return OperatorRequest(at=NOW, reason=reason, operator="ops")


async def begin(gateway: CaseGateway, invoice: str) -> bool:
    return await gateway.begin(
        StartCase(invoice=invoice, at=NOW), customer="cus_1", subscription="sub_1", due=DUE
    )


async def runs_of(client: Client, invoice: str) -> int:
    """How many runs Temporal has of a case, once it shows any."""
    for _ in range(50):
        found = [
            run async for run in client.list_workflows(f'WorkflowId = "{recovery_workflow_id(invoice)}"')
        ]
        if found:
            return len(found)
        await asyncio.sleep(0.1)
    return 0


async def test_a_case_is_begun_with_what_makes_it_findable(
    client: Client, gateway: CaseGateway, invoice: str
) -> None:
    """Search attributes and the summary are there before any worker has seen the case, and hold ids and amounts only."""
    assert await begin(gateway, invoice)
    told = await client.get_workflow_handle(recovery_workflow_id(invoice)).describe()
    attributes: TypedSearchAttributes = told.typed_search_attributes
    assert [attributes[key] for key in (CUSTOMER, INVOICE, SUBSCRIPTION, STAGE, CURRENCY)] == [
        "cus_1",
        invoice,
        "sub_1",
        "open",
        "usd",
    ]
    assert attributes[AMOUNT] == 4900
    assert await told.static_summary() == "49.00 USD · cus_1"
    assert told.task_queue == TASK_QUEUE
    await client.get_workflow_handle(recovery_workflow_id(invoice)).terminate()


async def test_an_unknown_currency_does_not_stop_a_case(
    client: Client, gateway: CaseGateway, invoice: str
) -> None:
    """The summary does without the amount; the case itself says what is wrong with the currency."""
    assert await gateway.begin(
        StartCase(invoice=invoice, at=NOW), customer="cus_1", due=Money(amount=1, currency="xyz")
    )
    handle = client.get_workflow_handle(recovery_workflow_id(invoice))
    assert await (await handle.describe()).static_summary() == "cus_1"
    await handle.terminate()


async def test_begun_twenty_times_at_once_is_one_case(
    client: Client, gateway: CaseGateway, invoice: str
) -> None:
    """Twenty deliveries of one failure are one run."""
    assert all(await asyncio.gather(*(begin(gateway, invoice) for _ in range(20))))
    assert await runs_of(client, invoice) == 1
    await client.get_workflow_handle(recovery_workflow_id(invoice)).terminate()


@pytest.mark.usefixtures("_worker")
async def test_a_finished_case_is_not_begun_again(client: Client, gateway: CaseGateway, invoice: str) -> None:
    """A redelivery after the end changes nothing; one that somebody terminated may be begun anew."""
    await begin(gateway, invoice)
    assert await gateway.tell(invoice, "invoice_voided", Happened(at=NOW))
    handle = client.get_workflow_handle(recovery_workflow_id(invoice))
    assert await handle.result() == invoice
    assert not await begin(gateway, invoice)
    assert await runs_of(client, invoice) == 1


async def test_a_terminated_case_may_begin_anew(client: Client, gateway: CaseGateway, invoice: str) -> None:
    """What an operator terminated did not end by itself."""
    await begin(gateway, invoice)
    handle = client.get_workflow_handle(recovery_workflow_id(invoice))
    await handle.terminate()
    assert await begin(gateway, invoice)
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
    await handle.terminate()


@pytest.mark.usefixtures("_worker")
async def test_a_case_that_is_over_or_unknown_is_an_answer(
    client: Client, gateway: CaseGateway, invoice: str
) -> None:
    """Telling it is False, an operator's word is refused in one sentence, asking gives the last view or nothing."""
    assert not await gateway.tell(invoice, "invoice_paid", Happened(at=NOW))
    assert await gateway.view(invoice) is None
    with pytest.raises(CaseOver, match=invoice):
        await gateway.update(invoice, "retry_now", asks())
    await begin(gateway, invoice)
    await gateway.tell(invoice, "invoice_voided", Happened(at=NOW))
    await client.get_workflow_handle(recovery_workflow_id(invoice)).result()
    assert not await gateway.tell(invoice, "invoice_paid", Happened(at=NOW))
    with pytest.raises(CaseOver):
        await gateway.update(invoice, "retry_now", asks())
    view = await gateway.view(invoice)
    assert view is not None
    assert view.case.invoice == invoice


@pytest.mark.usefixtures("_worker")
async def test_an_operator_hears_what_will_happen(client: Client, gateway: CaseGateway, invoice: str) -> None:
    """An update answers with the next step; a refusal says why."""
    await begin(gateway, invoice)
    assert await gateway.update(invoice, "retry_now", asks()) == WhatWillHappen(
        stage=Stage.RETRYING, next=NEXT
    )
    with pytest.raises(UpdateRefused, match="the bank forbids it"):
        await gateway.update(invoice, "retry_now", asks("no"))
    await client.get_workflow_handle(recovery_workflow_id(invoice)).terminate()


@pytest.mark.usefixtures("_worker")
async def test_a_card_update_meets_its_own_events_and_can_come_again(
    client: Client, gateway: CaseGateway
) -> None:
    """While it runs, its further events change nothing; a later change of the same method is a new update."""
    customer = f"cus_{uuid.uuid4().hex}"
    update = CardUpdated(customer=customer, method="pm_1", at=NOW, cause=Trigger.CARD_UPDATE, chosen=True)
    handle = client.get_workflow_handle(card_update_workflow_id(customer, "pm_1"))
    await asyncio.gather(*(gateway.card_updated(update) for _ in range(5)))
    assert await handle.result() == "pm_1"
    await gateway.card_updated(update)
    assert await handle.result() == "pm_1"


@pytest.mark.usefixtures("_worker")
async def test_a_wish_is_carried_out_and_its_result_told(client: Client, gateway: CaseGateway) -> None:
    """What became of it comes back; the wish can come again later, and is found by its customer."""
    wish = Wish(kind=WishKind.CANCEL, customer="cus_1", subscription=f"sub_{uuid.uuid4().hex}", at=NOW)
    for _ in range(2):
        result = await gateway.wish(wish)
        assert result is not None
        assert (result.done, result.because) == (True, wish.subscription)
    told = await client.get_workflow_handle(wish_workflow_id(wish.kind, wish.subscription)).describe()
    assert told.typed_search_attributes[CUSTOMER] == "cus_1"
    assert told.typed_search_attributes[SUBSCRIPTION] == wish.subscription


@pytest.mark.usefixtures("_worker")
async def test_a_button_that_is_pressed_twice_is_one_wish(
    time_skipping_env: WorkflowEnvironment,
    client: Client,
    gateway: CaseGateway,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the first one is being carried out the second one meets it; who waits in vain is told that it is under way."""
    monkeypatch.setattr(gateway_module, "WISH_PATIENCE", timedelta(seconds=1))
    wish = Wish(kind=WishKind.PAUSE, customer="cus_1", subscription=f"sub_{uuid.uuid4().hex}", at=NOW)
    with time_skipping_env.with_time_skipping_disabled():
        answers = await asyncio.gather(gateway.wish(wish), gateway.wish(wish))
    assert set(answers) == {None}
    handle = client.get_workflow_handle(wish_workflow_id(wish.kind, wish.subscription))
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
    await handle.terminate()


@pytest.mark.usefixtures("_worker")
async def test_a_return_that_runs_hears_of_the_next_card_too(
    client: Client, gateway: CaseGateway, invoice: str
) -> None:
    """Two cards bring a customer back at the same moment: one return, told of both, and shown as one."""
    for version in ("pm_2/1", "pm_3/1"):
        method = MethodUpdated(at=NOW, method=version[:4], version=version)
        assert await gateway.begin(StartCase(invoice=invoice, at=NOW, return_number=2, method=method))
    handle = client.get_workflow_handle(recovery_workflow_id(f"{invoice}/r2"))
    assert await handle.query("heard") == ["pm_2/1", "pm_3/1"]
    assert await (await handle.describe()).static_summary() == "back after a suspension"
    await handle.terminate()


async def test_a_missing_namespace_is_not_a_missing_case(client: Client) -> None:
    """Both are NOT_FOUND to Temporal; taking the first for the second would lose every signal."""
    elsewhere = Client(client.service_client, namespace="nowhere", data_converter=client.data_converter)
    gateway = CaseGateway(elsewhere)
    with pytest.raises(TemporalAway, match="not_found"):
        await gateway.tell("in_1", "invoice_paid", Happened(at=NOW))
    with pytest.raises(TemporalAway):
        await begin(gateway, "in_1")


async def test_temporal_away_is_said_in_time_and_mends_itself(free_port: int, client: Client) -> None:
    """Nobody listens: one error within seconds, for everything; the next call connects anew."""
    away = LazyClient(TemporalSettings(address=f"127.0.0.1:{free_port}"))
    gateway = CaseGateway(away)
    began = asyncio.get_running_loop().time()
    with pytest.raises(TemporalAway, match="cannot be reached"):
        await gateway.tell("in_1", "invoice_paid", Happened(at=NOW))
    with pytest.raises(TemporalAway):
        await gateway.check()
    assert asyncio.get_running_loop().time() - began < timedelta(seconds=18).total_seconds()
    away._settings = TemporalSettings(
        address=client.service_client.config.target_host, namespace=client.namespace
    )
    await gateway.check()
    assert not await gateway.tell("in_unknown", "invoice_paid", Happened(at=NOW))
