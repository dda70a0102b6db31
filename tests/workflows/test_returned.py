"""A case whose last notice does not reach the customer: it waits for a person, and suspends nothing before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from temporalio.testing import WorkflowEnvironment

from activities.contracts import MessageReturned, OperatorRequest
from activities.note_contracts import NoteKind
from recoup.rules.case import MessageState, Outcome
from recoup.rules.steps import StepKind
from tests.workflows.outside import Outside
from tests.workflows.playing import Begin, Handle, asleep, moved
from workflows.recovery import RecoveryCase

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _until(env: WorkflowEnvironment, handle: Handle, outside: Outside, message: str) -> None:
    for _ in range(40):
        await asleep(handle)
        if any(key == message for _, key, _ in outside.done):
            return
        await moved(env, handle, 1)
    raise AssertionError(f"{message} was never sent")


async def _at_a_person(env: WorkflowEnvironment, handle: Handle) -> None:
    for _ in range(40):
        if (await asleep(handle)).next.kind is StepKind.PERSON and (
            await handle.query(RecoveryCase.case)
        ).case.person_because:
            return
        await moved(env, handle, 1)
    raise AssertionError("nobody was asked")


async def test_a_last_notice_to_stopped_channels_waits_for_a_person(
    begin: Begin, time_skipping_env: WorkflowEnvironment
) -> None:
    """The operator is told why, nothing is suspended; after their word the days of the warning pass, then it is."""
    outside = Outside(stopped_from="last_notice")
    async with begin(outside) as handle:
        await _at_a_person(time_skipping_env, handle)
        assert "suspend" not in outside.kinds()
        (asked,) = [note for note in outside.notes if note.kind is NoteKind.PERSON_NEEDED]
        assert "every channel to the customer is stopped" in asked.because
        word = OperatorRequest(at=datetime.now(UTC), reason="called them", operator="ops")
        await handle.execute_update(RecoveryCase.resume, word)
        await asleep(handle)
        assert "suspend" not in outside.kinds()
        await moved(time_skipping_env, handle, 3.1)
        assert (await handle.result()).outcome is Outcome.LOST_SUSPENDED


async def test_a_last_notice_that_came_back_is_sent_again_then_waits(
    begin: Begin, time_skipping_env: WorkflowEnvironment
) -> None:
    """The signal takes back what was said; the second notice finds every channel stopped, and a person is asked."""
    outside = Outside(stopped_from="last_notice/2")
    async with begin(outside) as handle:
        await _until(time_skipping_env, handle, outside, "last_notice")
        view = await asleep(handle)
        news = MessageReturned(at=view.now, message=f"{view.case.id}/last_notice")
        await handle.signal(RecoveryCase.message_returned, news)
        await _at_a_person(time_skipping_env, handle)
        assert "suspend" not in outside.kinds()
        seen = {
            sent.key: sent.state
            for sent in (await asleep(handle)).case.messages
            if sent.key.startswith("last_notice")
        }
        assert seen == {"last_notice": MessageState.RETURNED, "last_notice/2": MessageState.STOPPED}
        await handle.terminate()


async def test_a_bounce_that_is_quicker_than_the_report_is_not_forgotten(
    begin: Begin,
) -> None:
    """The signal comes while the message is still being sent: the report that it was sent does not stand."""
    outside = Outside()
    hold = outside.hold("message")
    async with begin(outside) as handle:
        await hold.begun()
        case = (await handle.query(RecoveryCase.case)).case
        news = MessageReturned(at=datetime.now(UTC), message=f"{case.id}/payment_failed")
        await handle.signal(RecoveryCase.message_returned, news)
        hold.let_go()
        (sent,) = (await asleep(handle, StepKind.ATTEMPT)).case.messages
        assert sent.state is MessageState.RETURNED
        await handle.terminate()
