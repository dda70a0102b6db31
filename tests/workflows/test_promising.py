"""A promise to pay, as a running case takes it: the update, its refusals, and what the case does on the promised day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from activities.contracts import CaseView, Happened, InvoicePaid, OperatorRequest, WhatWillHappen
from activities.wish_contracts import PromiseToPay
from recoup.rules.case import Outcome, Trigger
from recoup.rules.policy import Campaign, LastNotice, MessageStep, Retries, RetryMode
from recoup.rules.steps import StepKind
from tests.workflows.outside import Outside
from tests.workflows.playing import Begin, Handle, asleep, moved
from workflows.recovery import RecoveryCase

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHORT = Campaign(
    messages=(MessageStep(template="payment_failed", after_days=0),),
    retries=Retries(after_days=(1,)),
    window_days=2,
    grace_days=0,
    warning=LastNotice(days_before=1),
)
"""Warned after a day, suspended after two."""


async def promise(handle: Handle, view: CaseView, days: float) -> WhatWillHappen:
    """Promise to pay within so many days from what the case takes for now."""
    word = PromiseToPay(at=view.now, until=view.now + timedelta(days=days))
    return await handle.execute_update(RecoveryCase.promise_to_pay, word)


async def test_a_promise_holds_the_case_until_its_day(
    begin: Begin, time_skipping_env: WorkflowEnvironment
) -> None:
    """The suspension's day passes without a word; on the promised one a single attempt is made, and it collects."""
    outside = Outside(campaign=SHORT, answers=["paid"])
    async with begin(outside) as handle:
        said = await promise(handle, await asleep(handle), 5)
        assert (said.next.trigger, said.next.kind) == (Trigger.PROMISE, StepKind.ATTEMPT)
        assert said.next.because.startswith("the customer promised to pay by ")
        assert [word.operator for word in outside.promises] == ["customer"]
        await moved(time_skipping_env, handle, 4.9)
        await asleep(handle)
        assert outside.kinds() == ["take_up:" + outside.done[0][1], "message:payment_failed"]
        await moved(time_skipping_env, handle, 0.2)
        result = await handle.result()
    assert result.outcome is Outcome.RECOVERED_BY_RETRY
    assert outside.days("attempt") == [5.0]
    assert outside.kinds()[2:] == ["attempt:promise", "close:recovered_by_retry", "message:recovered"]


async def test_a_broken_promise_is_followed_by_the_notice_and_the_end(
    begin: Begin, time_skipping_env: WorkflowEnvironment
) -> None:
    """Refused on the promised day: the last notice goes out, its day passes, and the access ends."""
    outside = Outside(campaign=SHORT)
    async with begin(outside) as handle:
        await promise(handle, await asleep(handle), 5)
        await moved(time_skipping_env, handle, 5.1)
        await asleep(handle, StepKind.SUSPEND)
        await moved(time_skipping_env, handle, 1.1)
        result = await handle.result()
    assert result.outcome is Outcome.LOST_SUSPENDED
    assert outside.days("attempt") == [5.0]
    assert outside.days("suspend") == [6.0]
    assert "message:last_notice" in outside.kinds()


async def test_whoever_pays_before_the_day_has_kept_the_promise(
    begin: Begin, time_skipping_env: WorkflowEnvironment
) -> None:
    """The invoice is paid on the second day of a promise: closed at once, and nothing attempted."""
    outside = Outside()
    async with begin(outside) as handle:
        view = await asleep(handle)
        await promise(handle, view, 5)
        await moved(time_skipping_env, handle, 2)
        await handle.signal(RecoveryCase.invoice_paid, InvoicePaid(at=view.now + timedelta(days=2)))
        result = await handle.result()
    assert result.outcome is Outcome.RECOVERED_BY_CUSTOMER
    assert outside.days("attempt") == []


async def test_a_second_promise_is_refused(begin: Begin) -> None:
    """Once for each case, also when the button is pressed twice; the first one stands, and is written down once."""
    outside = Outside()
    async with begin(outside) as handle:
        view = await asleep(handle)
        await promise(handle, view, 3)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await promise(handle, view, 5)
        assert "once for each case" in str(refused.value.cause)
        after = await asleep(handle)
        assert after.case.promise is not None
        assert after.case.promise.until == view.now + timedelta(days=3)
        assert len(outside.promises) == 1
        await handle.signal(RecoveryCase.invoice_voided, Happened(at=view.now))
        await handle.result()


@pytest.mark.parametrize(
    ("campaign", "days", "sentence"),
    [
        (Campaign(), 6, "5 days at most"),
        (Campaign(), -1, "must be for the future"),
        (Campaign(retries=Retries(mode=RetryMode.WEAVE)), 3, "Stripe's own retries"),
    ],
    ids=["too long", "past", "weave"],
)
async def test_a_promise_that_cannot_be_kept_to_is_refused(
    begin: Begin, campaign: Campaign, days: float, sentence: str
) -> None:
    """The validator says why in a sentence, nothing changes and nothing is written down."""
    outside = Outside(campaign=campaign)
    async with begin(outside) as handle:
        view = await asleep(handle)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await promise(handle, view, days)
        assert sentence in str(refused.value.cause)
        assert (await asleep(handle)).case == view.case
        assert outside.promises == []
        await handle.signal(RecoveryCase.invoice_voided, Happened(at=view.now))
        await handle.result()


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (["declined"], Outcome.LOST_CANCELLED_BY_CUSTOMER),
        (["unknown", "declined"], Outcome.LOST_CANCELLED_BY_CUSTOMER),
        (["paid"], Outcome.RECOVERED_BY_OPERATOR),
    ],
)
async def test_a_customer_who_cancels_during_an_attempt_hears_nothing_more(
    begin: Begin, answers: list[str], outcome: Outcome
) -> None:
    """No further attempt and no further reminder; only what was charged before the word still counts as paid."""
    outside = Outside(answers=[*answers])
    attempt = outside.hold("attempt")
    async with begin(outside) as handle:
        view = await asleep(handle)
        word = OperatorRequest(at=view.now, reason="the customer called", operator="ops")
        await handle.execute_update(RecoveryCase.retry_now, word)
        await attempt.begun()
        await handle.signal(RecoveryCase.cancelled_by_customer, Happened(at=view.now))
        attempt.let_go()
        for _ in answers[1:]:
            await asleep(handle, StepKind.SETTLE)
            await handle.signal(RecoveryCase.attempt_answered, Happened(at=view.now))
        result = await handle.result()
    assert result.outcome is outcome
    assert len(outside.days("attempt")) == 1
    assert all(outside.only_read), "what is still open is read, never sent again"
    written = [kind for kind in outside.kinds() if kind.startswith("message")]
    assert written == ["message:payment_failed", *["message:recovered"] * (outcome.stage == "recovered")]
