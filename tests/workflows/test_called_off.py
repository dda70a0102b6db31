"""What was already under way when the case was called off, or was paid in another way: it is looked after before the case closes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from activities.contracts import Happened, OperatorRequest
from recoup.rules.case import Outcome
from recoup.rules.steps import StepKind
from tests.workflows.outside import Outside
from tests.workflows.playing import Begin, asleep
from workflows.recovery import RecoveryCase

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOW = datetime.now(UTC)
WORD = OperatorRequest(at=NOW, reason="the customer called", operator="ops")


async def tried_once(outside: Outside) -> None:
    """Until the attempt has been tried, and failed, once."""
    for _ in range(400):
        if any(kind == "attempt" for kind, _, _ in outside.done):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("no attempt was made")


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([], Outcome.CLOSED_STOPPED),
        (["declined"], Outcome.CLOSED_STOPPED),
        (["paid"], Outcome.RECOVERED_BY_OPERATOR),
        (["unknown", "paid"], Outcome.RECOVERED_BY_OPERATOR),
    ],
)
async def test_an_attempt_that_is_called_off_between_two_tries_is_looked_after(
    begin: Begin, answers: list[str], outcome: Outcome
) -> None:
    """Its first try got no answer and may have charged: the case does not close before it is known what came of it."""
    outside = Outside(answers=[*answers], away={"attempt"}, keep_tries=True)
    async with begin(outside) as handle:
        await asleep(handle)
        await handle.execute_update(RecoveryCase.retry_now, WORD)
        await tried_once(outside)
        await handle.execute_update("stop", WORD)
        for _ in answers[1:]:
            await asleep(handle, StepKind.SETTLE)
            await handle.signal(RecoveryCase.attempt_answered, Happened(at=NOW))
        result = await handle.result()
    assert result.outcome is outcome
    assert outside.only_read == [True] * max(len(answers), 1)
    assert outside.kinds()[-1 if outcome is Outcome.CLOSED_STOPPED else -2].startswith(("close:", "release:"))


@pytest.mark.parametrize("given_back", [True, False])
async def test_paid_outside_and_by_the_attempt_under_way_is_paid_twice(
    begin: Begin, given_back: bool
) -> None:
    """An operator says "paid outside" while an attempt is under way, which is paid: ours is looked at before the case closes."""
    outside = Outside(answers=["paid"], given_back=given_back)
    attempt = outside.hold("attempt")
    async with begin(outside) as handle:
        await asleep(handle)
        await handle.execute_update(RecoveryCase.retry_now, WORD)
        await attempt.begun()
        await handle.execute_update(RecoveryCase.mark_paid_outside, WORD)
        attempt.let_go()
        result = await handle.result()
    ended = Outcome.RECOVERED_OUTSIDE if given_back else Outcome.RECOVERED_BY_OPERATOR
    assert result.outcome is ended
    assert outside.kinds()[-3:] == ["mark_paid:", f"close:{ended}", "message:recovered"]
