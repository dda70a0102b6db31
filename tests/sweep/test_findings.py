"""What the sweep finds and mends, each kind planted by keeping webhooks away or ending workflows the hard way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from activities._sweep_looks import Looks
from activities.contracts import OperatorRequest
from activities.pacing import Pace
from activities.sweep_contracts import Look, LookOrder
from recoup.rules.case import Outcome
from tests.sweep.stage import Stage, found

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_failed_renewals_that_nobody_told_of_become_cases_exactly_once(stage: Stage) -> None:
    """Three renewals fail without a webhook; two sweeps at once begin three cases, a third sweep finds nothing."""
    invoices = await asyncio.to_thread(stage.fail, 3)
    results = await asyncio.gather(stage.sweep_beside("one"), stage.sweep_beside("two"))
    cases = [await stage.waiting(invoice) for invoice in invoices]
    assert sorted(stage.swept()) == sorted(("sweep.case_begun", invoice) for invoice in invoices)
    assert sum(tally.mended for result in results for tally in result.tallies) == 3
    assert all(case.is_open for case in cases)
    assert [len(stage.sent(case.customer)) for case in cases] == [1, 1, 1]
    assert found(await stage.sweep()) == {}


async def test_what_is_no_failed_renewal_is_left_alone(stage: Stage) -> None:
    """A first invoice, one sent to be paid, one of a subscription that ended, a paid one: no case is begun."""

    def plant() -> str:
        stage.subscribed(trial_end=None, payment_behavior="allow_incomplete")
        stage.subscribed(collection_method="send_invoice", days_until_due=30)
        gone = stage.subscribed()
        failed, paid = stage.fail(2)
        stage.api.subscriptions.cancel(gone.id)
        stage.pay_as_customer(paid)
        return failed

    failed = await asyncio.to_thread(plant)
    tallies = await stage.sweep()
    assert tallies[Look.FORGOTTEN_INVOICES].looked >= 3
    assert stage.swept() == [("sweep.case_begun", failed)]


async def test_what_failed_too_long_ago_is_left_alone(stage: Stage) -> None:
    """An invoice older than the operator's limit is not even asked for; a younger one is."""

    def plant() -> str:
        stage.fail()
        stage.sandbox.pass_time(days=3)
        return stage.fail()[0]

    young = await asyncio.to_thread(plant)
    pace = Pace(stage.ledger, stage.clock, 100.0)
    looks = Looks(stage.sandbox.client(), stage.ledger, stage.clock, pace, max_age=timedelta(days=2))
    seen = await asyncio.to_thread(looks.page, LookOrder(look=Look.FORGOTTEN_INVOICES))
    assert [candidate.subject for candidate in seen.candidates] == [young]
    assert seen.looked == 1


async def test_cases_hear_of_the_ends_that_no_webhook_told(stage: Stage) -> None:
    """However an invoice ended, its case is told and closes under the right name; no attempt is made for it."""
    api = stage.api.invoices
    ends: list[tuple[Callable[[str], object], Outcome]] = [
        (stage.pay_as_customer, Outcome.RECOVERED_BY_CUSTOMER),
        (lambda invoice: api.pay(invoice, {"paid_out_of_band": True}), Outcome.RECOVERED_OUTSIDE),
        (api.void_invoice, Outcome.CLOSED_VOIDED),
        (api.mark_uncollectible, Outcome.CLOSED_UNCOLLECTIBLE),
        (
            lambda invoice: stage.api.subscriptions.cancel(stage.subscription_of(invoice)),
            Outcome.LOST_CANCELLED,
        ),
    ]
    cases = await stage.begun(len(ends))
    for case, (end, _) in zip(cases, ends, strict=True):
        await asyncio.to_thread(end, case.invoice)
    pays = [len(stage.sandbox.pays(case.invoice)) for case in cases]
    assert found(await stage.sweep()) == {Look.ENDED_INVOICES: (5, 5)}
    outcomes = [(await stage.over(case.id)).outcome for case in cases]
    assert outcomes == [outcome for _, outcome in ends]
    assert sorted(stage.swept()) == sorted(("sweep.case_told", case.id) for case in cases)
    assert [len(stage.sandbox.pays(case.invoice)) for case in cases] == pays
    assert found(await stage.sweep()) == {}


async def test_an_exclusion_that_no_case_has_heard_of_is_told(stage: Stage) -> None:
    """A customer was excluded while Temporal was away: the sweep ends their open case, and leaves the other's alone; one whose workflow is gone is closed."""
    case, gone, other = await stage.begun(3)
    await stage.terminate(gone.id)
    for row in (case, gone):
        word = {"actor": "ann", "because": "pays by hand", "unique": f"exclude/{row.customer}"}
        stage.ledger.exclusions.exclude(row.customer, stage.clock.now(), **word)
    assert found(await stage.sweep())[Look.ENDED_INVOICES] == (2, 2)
    ended = await stage.over(case.id)
    assert ended.outcome is Outcome.CLOSED_STOPPED
    assert "pays by hand" in (ended.because or "")
    closed, open_ = stage.ledger.cases.get(gone.id), stage.ledger.cases.get(other.id)
    assert closed is not None
    assert closed.outcome is Outcome.CLOSED_STOPPED
    assert open_ is not None
    assert open_.is_open
    assert Look.ENDED_INVOICES not in found(await stage.sweep())


async def test_a_row_whose_workflow_is_gone_is_closed_when_its_invoice_ended(stage: Stage) -> None:
    """Nobody is left to be told, so the ledger's row itself is closed."""
    (case,) = await stage.begun()
    await stage.terminate(case.id)
    await asyncio.to_thread(stage.api.invoices.void_invoice, case.invoice)
    assert found(await stage.sweep()) == {Look.ENDED_INVOICES: (1, 1)}
    closed = stage.ledger.cases.get(case.id)
    assert closed is not None
    assert (closed.outcome, closed.because) == (Outcome.CLOSED_VOIDED, "the invoice was voided")
    assert stage.swept() == [("sweep.case_closed", case.id)]
    assert found(await stage.sweep()) == {}


async def test_an_open_case_without_a_workflow_is_begun_again(stage: Stage) -> None:
    """A terminated workflow gets a new run that takes the ledger's row over and repeats no message."""
    (case,) = await stage.begun()
    await stage.terminate(case.id)
    results = await asyncio.gather(stage.sweep_beside("one"), stage.sweep_beside("two"))
    assert sum(tally.mended for result in results for tally in result.tallies) == 1
    run = await stage.run_id(case.id)
    again = await stage.waiting(case.id)
    assert again.run_id == run != case.run_id
    assert len(stage.ledger.cases.by_invoice(case.invoice)) == 1
    assert len(stage.sent(case.customer)) == 1
    assert stage.swept() == [("sweep.case_begun_again", case.id)]
    assert found(await stage.sweep()) == {}


async def test_a_complete_workflow_closes_the_row_that_a_restored_ledger_has_open(stage: Stage) -> None:
    """A ledger put back from a copy has a case open that its workflow ended long ago: the workflow's word counts."""
    (case,) = await stage.begun()
    stop = OperatorRequest(at=stage.clock.now(), reason="the customer called", operator="ann")
    await stage.gateway.update(case.id, "stop", stop)
    await stage.client.get_workflow_handle(f"recovery/{case.id}").result()
    reopen(stage, case.id)
    assert found(await stage.sweep()) == {Look.STOPPED_CASES: (1, 1)}
    closed = stage.ledger.cases.get(case.id)
    assert closed is not None
    assert closed.outcome is Outcome.CLOSED_STOPPED
    assert "the customer called" in (closed.because or "")
    assert stage.swept() == [("sweep.case_closed", case.id)]


def reopen(stage: Stage, case: str) -> None:
    """Make the row what it was in an older copy."""
    import sqlalchemy as sa

    from recoup.ledger.schema import cases

    with stage.ledger._store.engine.execution_options(recoup_write=True).begin() as conn:
        values = {"outcome": None, "because": None, "closed_at": None, "stage": "waiting"}
        conn.execute(sa.update(cases).where(cases.c.id == case).values(**values))


async def test_a_sweep_that_nothing_needs_changes_nothing(stage: Stage) -> None:
    """Cases that run as they should are looked at and left alone, an hour and a day later."""
    cases = await stage.begun(2)
    for span in (timedelta(hours=1), timedelta(hours=20)):
        await asyncio.to_thread(stage.sandbox.pass_time, hours=span.total_seconds() / 3600)
        tallies = await stage.sweep()
        assert found(tallies) == {}
        assert tallies[Look.STOPPED_CASES].looked == 2
    assert stage.swept() == []
    assert all(len(stage.sent(case.customer)) == 1 for case in cases)
