"""Attempts that nobody settled, and access that nobody gave back."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
import stripe

from activities.sweep_contracts import Look
from recoup.billing.subscriptions import pause
from recoup.ledger import AttemptRow, CaseRow, ReserveAttempt
from recoup.rules.case import Access, AttemptState, Outcome, Trigger
from tests.sweep.stage import Stage, found

pytestmark = pytest.mark.asyncio(loop_scope="session")


def reserved(stage: Stage, case: CaseRow, card: str | None = None) -> AttemptRow:
    """An attempt of the case as its activity would reserve it, on its own card or on another one."""
    payments = stage.api.invoice_payments.list(
        {"invoice": case.invoice, "expand": ["data.payment.payment_intent.latest_charge"]}
    )
    charge = payments.data[0].to_dict()["payment"]["payment_intent"]["latest_charge"]
    method = stage.method(case.customer, card) if card else charge["payment_method"]
    new = ReserveAttempt(
        invoice=case.invoice,
        case_id=case.id,
        request=f"a worker that died/{case.id}",
        trigger=Trigger.SCHEDULE,
        payment_method=method,
        fingerprint="card_1",
        brand="visa",
        amount=case.amount,
        currency=case.currency,
        latest_charge=charge["id"],
    )
    attempt = stage.ledger.attempts.reserve(new, stage.clock.now()).attempt
    assert attempt is not None
    return attempt


def sent(stage: Stage, attempt: AttemptRow, reached: bool) -> None:
    """The worker asked Stripe, or thought so, and died before the answer."""
    stage.ledger.attempts.mark_sent(attempt.id, stage.clock.now())
    if reached:
        fields = {"payment_method": attempt.payment_method, "off_session": True}
        with suppress(stripe.CardError):
            stage.api.invoices.pay(attempt.invoice, fields, {"idempotency_key": attempt.key})


@pytest.mark.parametrize(
    ("card", "was_sent", "reached", "state"),
    [
        (None, False, False, AttemptState.SKIPPED),
        (None, True, False, AttemptState.SKIPPED),
        (None, True, True, AttemptState.DECLINED),
        ("good", True, True, AttemptState.PAID),
    ],
    ids=["merely reserved", "never arrived", "declined", "paid"],
)
async def test_what_became_of_a_forgotten_attempt_is_read_and_never_sent_again(
    stage: Stage, card: str | None, was_sent: bool, reached: bool, state: AttemptState
) -> None:
    """The worker died in the middle of an attempt and its case is gone: reading settles it, and the case goes on or ends."""
    (case,) = await stage.begun()
    await stage.terminate(case.id)
    attempt = await asyncio.to_thread(reserved, stage, case, card)
    if was_sent:
        await asyncio.to_thread(sent, stage, attempt, reached)
    await asyncio.to_thread(stage.sandbox.pass_time, minutes=40)
    pays = len(stage.sandbox.pays(case.invoice))
    assert found(await stage.sweep()) == {Look.UNSETTLED_ATTEMPTS: (1, 1), Look.STOPPED_CASES: (1, 1)}
    settled = stage.ledger.attempts.get(attempt.id)
    assert settled is not None
    assert settled.state is state
    assert len(stage.sandbox.pays(case.invoice)) == pays, "the sweep asks Stripe for no payment"
    assert stage.swept() == [("sweep.attempt_settled", case.id), ("sweep.case_begun_again", case.id)]
    if state is AttemptState.PAID:
        assert (await stage.over(case.id)).outcome is Outcome.RECOVERED_BY_RETRY
    else:
        assert (await stage.waiting(case.id)).is_open
    assert found(await stage.sweep()) == {}


async def test_attempts_that_are_young_or_whose_case_runs_are_left_alone(stage: Stage) -> None:
    """Half an hour belongs to the activity and its repeats; a running case settles its attempt itself."""
    young, running = await stage.begun(2)
    await stage.terminate(young.id)
    await asyncio.to_thread(reserved, stage, running)
    await asyncio.to_thread(stage.sandbox.pass_time, minutes=25)
    await asyncio.to_thread(reserved, stage, young)
    await asyncio.to_thread(stage.sandbox.pass_time, minutes=25)
    assert found(await stage.sweep()) == {Look.STOPPED_CASES: (1, 1)}
    assert stage.swept() == [("sweep.case_begun_again", young.id)]
    attempt = stage.ledger.attempts.unsettled(running.invoice)
    assert attempt is not None
    assert attempt.state is AttemptState.RESERVED


async def test_an_attempt_left_behind_by_a_closed_case_is_settled(stage: Stage) -> None:
    """A case that was stopped while its attempt had no answer leaves no attempt open for ever, and no charge is made for it."""
    (case,) = await stage.begun()
    attempt = await asyncio.to_thread(reserved, stage, case)
    await asyncio.to_thread(sent, stage, attempt, False)
    await stage.terminate(case.id)
    stage.ledger.cases.close(case.id, Outcome.CLOSED_STOPPED, "an operator stopped it", stage.clock.now())
    await asyncio.to_thread(stage.sandbox.pass_time, minutes=40)
    assert found(await stage.sweep()) == {Look.UNSETTLED_ATTEMPTS: (1, 1)}
    assert stage.ledger.attempts.unsettled(case.invoice) is None
    assert stage.sandbox.pays(case.invoice) == []


async def suspended(stage: Stage) -> CaseRow:
    """A case that ended in a suspension, its workflow over."""
    (case,) = await stage.begun()
    await stage.terminate(case.id)

    def suspend() -> None:
        assert case.subscription is not None
        how = pause(stage.sandbox.client(), case.subscription, key=f"recoup/{case.id}/pause")
        at = stage.clock.now()
        stage.ledger.access.note(case.subscription, case.customer, Access.SUSPENDED, how, case.id, at)
        stage.ledger.cases.close(case.id, Outcome.LOST_SUSPENDED, "nothing was paid", at)

    await asyncio.to_thread(suspend)
    return case


def access_of(stage: Stage, case: CaseRow) -> Access:
    """What the ledger says that the case's subscription may use."""
    row = stage.ledger.access.get(case.subscription or "")
    assert row is not None
    return row.state


async def test_a_customer_who_paid_after_the_suspension_returns(stage: Stage) -> None:
    """The payment's webhook was lost: one return is begun, however many sweeps see it, and it gives the access back."""
    case = await suspended(stage)
    await asyncio.to_thread(stage.pay_as_customer, case.invoice)
    await asyncio.gather(stage.sweep_beside("one"), stage.sweep_beside("two"))
    returned = await stage.over(f"{case.id}/r2")
    assert returned.outcome is Outcome.RECOVERED_BY_CUSTOMER
    await stage.client.get_workflow_handle(f"recovery/{case.id}/r2").result()
    assert access_of(stage, case) is Access.FULL
    assert len(stage.ledger.cases.by_invoice(case.invoice)) == 2
    assert stage.swept() == [("sweep.return_begun", case.id)]
    assert found(await stage.sweep()) == {}


async def test_access_comes_back_where_the_debt_was_waived(stage: Stage) -> None:
    """A voided invoice is owed by nobody, and no return can begin for it: the access itself is restored, once."""
    case = await suspended(stage)
    await asyncio.to_thread(stage.api.invoices.void_invoice, case.invoice)
    await asyncio.gather(stage.sweep_beside("one"), stage.sweep_beside("two"))
    assert access_of(stage, case) is Access.FULL
    assert stage.swept() == [("sweep.access_restored", case.id)]
    told = [event for event in stage.ledger.events.of_case(case.id) if event.kind == "access.restored"]
    assert len(told) == 1
    status = stage.api.subscriptions.retrieve(case.subscription).to_dict()
    assert status["status"] != "paused"
    assert not status["pause_collection"]
    assert found(await stage.sweep()) == {}


def _nothing(_: Stage, __: CaseRow) -> None:
    """The customer still owes it."""


def _written_off(stage: Stage, case: CaseRow) -> None:
    stage.api.invoices.mark_uncollectible(case.invoice)


def _left(stage: Stage, case: CaseRow) -> None:
    stage.pay_as_customer(case.invoice)
    stage.api.subscriptions.cancel(case.subscription)


def _owes_more(stage: Stage, case: CaseRow) -> None:
    more = {"customer": case.customer, "subscription": case.subscription, "currency": "usd"}
    stage.api.invoice_items.create(
        {"customer": case.customer, "amount": 100, "currency": "usd", "subscription": case.subscription}
    )
    invoice = stage.api.invoices.create(more | {"pending_invoice_items_behavior": "include"}).id
    stage.api.invoices.finalize_invoice(invoice)
    stage.pay_as_customer(case.invoice)


async def test_access_stays_suspended_where_it_should(stage: Stage) -> None:
    """Still owed, written off but never paid, a customer who has left, another open invoice: nothing is given back."""
    plants = (_nothing, _written_off, _left, _owes_more)
    cases = [await suspended(stage) for _ in plants]
    for case, plant in zip(cases, plants, strict=True):
        await asyncio.to_thread(plant, stage, case)
    assert found(await stage.sweep()) == {}
    assert {access_of(stage, case) for case in cases} == {Access.SUSPENDED}
