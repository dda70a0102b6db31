"""Attempts that must wait on a real Temporal server: for the networks' limits, and for Stripe's own retries."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata

from activities.contracts import AttemptReport, CaseView, FailedAgain, OperatorRequest
from recoup.rules.case import AttemptState, Trigger
from recoup.rules.policy import Campaign, Retries, RetryMode
from recoup.rules.steps import StepKind
from recoup.rules.weaving import StripeTries
from tests.workflows.outside import Outside
from tests.workflows.playing import Begin, Handle, asleep
from workflows.recovery import RecoveryCase

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIMIT = "15 attempts on this card in 720 hours are the limit (the operator's own cap)"


async def test_an_operator_is_told_until_when_the_guard_holds(begin: Begin) -> None:
    """The guard's "not before" stands in the case's next step with its reason, and in the answer to whoever asks again."""
    now = datetime.now(UTC).replace(microsecond=0)
    until = now + timedelta(days=9)
    held = AttemptReport(
        at=now,
        number=None,
        state=AttemptState.SKIPPED,
        trigger=Trigger.MANUAL,
        because=LIMIT,
        not_before=until,
    )
    word = OperatorRequest(at=now, reason="the customer called", operator="ops")
    outside = Outside(answers=[held])
    async with begin(outside) as handle:
        await asleep(handle)
        await handle.execute_update(RecoveryCase.retry_now, word)
        assert (await asleep(handle)).case.not_before == until
        asked = (await handle.execute_update(RecoveryCase.retry_now, word)).asked
        assert asked is not None
        assert (asked.kind, asked.trigger, asked.due_at) == (StepKind.ATTEMPT, Trigger.MANUAL, until)
        assert asked.because == f"an operator asked for an attempt now, but {LIMIT}"
        told = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
        assert f"an operator asked for an attempt now, but {LIMIT}" in told.current_details
        await handle.terminate()
    assert outside.kinds().count("attempt:manual") == 1


async def _looked(handle: Handle) -> CaseView:
    """The case once it has read the invoice again."""
    for _ in range(200):
        view = await asleep(handle, StepKind.ATTEMPT)
        if view.case.stripe.last is not None:
            return view
        await asyncio.sleep(0.02)
    raise AssertionError("the invoice was never read again")


async def test_news_of_stripes_own_attempt_moves_ours(begin: Begin) -> None:
    """Stripe retried and failed: the invoice is read again, and our attempt keeps its distance from what comes next."""
    now = datetime.now(UTC).replace(microsecond=0)
    coming = now + timedelta(days=1)
    campaign = Campaign(retries=Retries(mode=RetryMode.WEAVE, after_days=(1, 5)))
    outside = Outside(campaign=campaign, stripe=StripeTries(last=now, coming=coming))
    async with begin(outside) as handle:
        before = await asleep(handle, StepKind.ATTEMPT)
        assert before.next.due_at is not None
        await handle.signal(RecoveryCase.payment_failed, FailedAgain(at=now, coming=coming))
        view = await _looked(handle)
        assert view.case.stripe == StripeTries(last=now, coming=coming)
        assert view.next.due_at == coming + timedelta(hours=12)
        assert "12 hours are kept" in view.next.because
        await handle.terminate()
    assert "look:" in outside.kinds()


async def test_a_moment_that_has_passed_is_no_reason_to_ask_again_at_once(play: Begin) -> None:
    """Who acts goes by a clock that runs behind the case's: attempts and messages that must wait are asked for once again, then once a minute."""
    now = datetime.now(UTC).replace(microsecond=0)
    held = AttemptReport(
        at=now, number=None, state=AttemptState.SKIPPED, trigger=Trigger.SCHEDULE, because=LIMIT,
        not_before=now - timedelta(hours=1),
    )  # fmt: skip
    waits = AttemptReport(
        at=now, number=1, state=AttemptState.PENDING, trigger=Trigger.SCHEDULE, because="the bank takes its time",
        check_at=now - timedelta(hours=1),
    )  # fmt: skip
    outside = Outside(answers=[held, held, held, waits, waits, waits, "paid"], put_off=3)
    async with play(outside) as handle:
        await asyncio.wait_for(handle.result(), 60)
    asked = [at for kind, _, at in outside.done if kind in ("attempt", "settle")]
    told = [at for kind, key, at in outside.done if (kind, key) == ("message", "payment_failed")]
    assert (len(asked), len(told)) == (7, 4)
    for times, at_once in ((told, 1), (asked[:4], 1), (asked[3:], 1)):
        gaps = [second - first for first, second in pairwise(times)]
        assert sum(gap < timedelta(seconds=59) for gap in gaps) <= at_once


async def test_a_suspension_put_off_to_what_has_passed_is_asked_for_once_a_minute(play: Begin) -> None:
    """The same of a suspension that has to wait: after the second answer it is not asked for at once again."""
    outside = Outside(look_again=timedelta(hours=-1))
    async with play(outside) as handle:
        async with asyncio.timeout(60):
            while outside.kinds().count("suspend:pause") < 5:  # noqa: ASYNC110 - nobody tells when
                await asyncio.sleep(0.02)
        await handle.terminate()
    times = [at for kind, _, at in outside.done if kind == "suspend"]
    gaps = [second - first for first, second in pairwise(times)]
    assert sum(gap < timedelta(seconds=59) for gap in gaps) <= 1
