"""What looks wrong at first sight and is not: every reason to leave something alone."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus

from activities._sweep_mends import CALLS_OF_A_BEGINNING
from activities.contracts import OperatorRequest, StartCase
from activities.exclusions import Exclusions
from activities.pacing import Pace
from activities.people_contracts import ExcludeCustomer
from activities.sweep import Sweep
from activities.sweep_contracts import Look, LookOrder
from recoup.ledger import AccessMeans
from recoup.rules.case import Access, Outcome
from recoup.temporal.gateway import Run
from tests.sweep.stage import Stage, found
from tests.sweep.test_attempts_and_access import reserved, sent

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_case_is_not_told_of_its_own_attempt(stage: Stage) -> None:
    """Its attempt paid, and the answer is under way: told by somebody else, the recovery would count as the customer's."""
    (case,) = await stage.begun()
    attempt = await asyncio.to_thread(reserved, stage, case, "good")
    await asyncio.to_thread(sent, stage, attempt, True)
    assert stage.api.invoices.retrieve(case.invoice).status == "paid"
    assert found(await stage.sweep()) == {}
    assert stage.swept() == []


async def test_a_case_is_not_told_of_its_own_suspension(stage: Stage) -> None:
    """A suspension that cancels the subscription is no cancellation by the customer."""
    (case,) = await stage.begun()
    assert case.subscription is not None
    at = stage.clock.now()
    stage.ledger.access.note(
        case.subscription, case.customer, Access.SUSPENDED, AccessMeans.CANCELLED, case.id, at
    )
    await asyncio.to_thread(stage.api.subscriptions.cancel, case.subscription)
    assert found(await stage.sweep()) == {}
    row = stage.ledger.cases.get(case.id)
    assert row is not None
    assert row.is_open


async def test_a_customer_who_is_excluded_is_left_alone(stage: Stage) -> None:
    """One of their cases hears it and the other ends too; what of theirs fails without a webhook stays without a case."""
    (case,) = await stage.begun()
    reason = OperatorRequest(at=stage.clock.now(), reason="a friend of the house", operator="ann")
    (second,) = await stage.begun()
    order = ExcludeCustomer(
        case_id="another",
        request="r",
        at=stage.clock.now(),
        actor="ann",
        because="x",
        customer=second.customer,
    )
    await Exclusions(stage.ledger, stage.clock, stage.gateway).exclude(order)
    await stage.gateway.update(case.id, "exclude", reason)
    ended = [await stage.over(row.id) for row in (case, second)]
    assert [row.outcome for row in ended] == [Outcome.CLOSED_STOPPED] * 2
    assert stage.ledger.exclusions.of(case.customer) is not None
    forgotten, _ = await asyncio.to_thread(stage.fail, 2)
    customer = stage.api.invoices.retrieve(forgotten).to_dict()["customer"]
    stage.ledger.exclusions.exclude(customer, stage.clock.now(), actor="ann", because="x", unique="x")
    await stage.sweep()
    assert len(stage.swept()) == 1
    assert stage.ledger.cases.by_invoice(forgotten) == []


PAUSED = 8
"""Temporal's own number for a workflow that an operator paused there; the SDK has no word for it yet."""


class OneRun:
    """Temporal knows this of every case."""

    def __init__(self, status: int | None) -> None:
        self.run = Run("run-1", status) if status else None

    async def run_of(self, _: str) -> Run | None:
        return self.run


def looking(stage: Stage, gateway: Any, client: Any = None) -> Sweep:
    """The sweep's activities, with edges that a test plays."""
    pace, unused = Pace(stage.ledger, stage.clock, 100.0), SimpleNamespace()
    edges: Any = (client or stage.sandbox.client(), stage.ledger, stage.clock, gateway, unused, pace)
    return Sweep(*edges)


async def test_an_invoice_whose_case_is_being_opened_or_was_refused_is_not_forgotten(idle: Stage) -> None:
    """No row yet, but its workflow runs, or has looked and said no: nothing is found. One that failed is begun again."""
    await asyncio.to_thread(idle.fail)
    seen: dict[int | None, bool] = {}
    for status in (None, *WorkflowExecutionStatus, PAUSED):
        page = await looking(idle, OneRun(status)).look(LookOrder(look=Look.FORGOTTEN_INVOICES))
        assert page.looked == 1
        seen[status] = bool(page.findings)
    alone = [status for status, is_found in seen.items() if not is_found]
    assert alone == [WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED, PAUSED]


async def test_a_case_that_ended_after_the_page_was_read_is_not_stopped(stage: Stage) -> None:
    """Its workflow is over when the sweep asks for it, and its row, open on the page, is closed by then: nothing is found."""
    (case,) = await stage.begun()

    class Ended(OneRun):
        async def run_of(self, _: str) -> Run | None:
            stage.ledger.cases.close(case.id, Outcome.CLOSED_VOIDED, "it was voided", stage.clock.now())
            return self.run

    page = await looking(stage, Ended(WorkflowExecutionStatus.COMPLETED)).look(
        LookOrder(look=Look.STOPPED_CASES)
    )
    assert (page.looked, page.findings) == (1, ())


async def test_a_debit_under_way_is_no_failure(idle: Stage) -> None:
    """Stripe calls an invoice attempted while a bank debit may still pay it; its customer must not be told that it failed."""
    await asyncio.to_thread(idle.fail)
    assert await _looks_failed(idle, "failed", "requires_payment_method")
    assert not await _looks_failed(idle, "pending", "processing")
    assert not await _looks_failed(idle, "failed", "processing")


async def _looks_failed(idle: Stage, charge: str, intent: str) -> bool:
    made = {
        "id": "py_1",
        "status": charge,
        "created": 1_790_000_000,
        "payment_method_details": {"type": "sepa_debit"},
    }
    payment = {"payment": {"payment_intent": {"id": "pi_1", "status": intent, "latest_charge": made}}}
    listed = SimpleNamespace(data=[SimpleNamespace(to_dict=lambda: payment)])
    invoices = idle.sandbox.client().v1.invoices
    api = SimpleNamespace(invoices=invoices, invoice_payments=SimpleNamespace(list=lambda _: listed))
    sweep = looking(idle, OneRun(None), SimpleNamespace(v1=api))
    return bool((await sweep.look(LookOrder(look=Look.FORGOTTEN_INVOICES))).findings)


async def test_a_beginning_needs_no_more_requests_than_are_booked_for_it(stage: Stage) -> None:
    """What a new case asks of Stripe at once is what the sweep has taken from the bucket for it."""
    (invoice,) = await asyncio.to_thread(stage.fail)
    before = len(stage.sandbox.control("requests"))
    await stage.gateway.begin(StartCase(invoice=invoice, at=stage.clock.now()))
    await stage.waiting(invoice)
    asked = [call for call in stage.sandbox.control("requests")[before:] if call["path"].startswith("/v1/")]
    assert 0 < len(asked) <= CALLS_OF_A_BEGINNING, [call["path"] for call in asked]
