"""What no act tells of is written down: that a person is needed, and what an operator said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from activities.contracts import OperatorRequest, PauseUntil
from activities.note_contracts import NoteKind
from recoup.rules.steps import StepKind
from tests.workflows.outside import Outside
from tests.workflows.playing import Begin, asleep
from workflows.recovery import RecoveryCase

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _word() -> OperatorRequest:
    return OperatorRequest(at=datetime.now(UTC), reason="the customer called", operator="ops")


async def test_words_and_persons_are_written_down_in_order(begin: Begin) -> None:
    """A step that fails for good asks for a person; each word of an operator follows with its name, reason and moment."""
    outside = Outside(broken={"message"})
    async with begin(outside) as handle:
        await asleep(handle, StepKind.PERSON)
        assert [note.kind for note in outside.notes] == [NoteKind.PERSON_NEEDED]
        assert "message is broken" in outside.notes[0].because
        outside.broken.clear()
        await handle.execute_update(RecoveryCase.resume, _word())
        await asleep(handle, StepKind.ATTEMPT)
        until = datetime.now(UTC) + timedelta(days=2)
        pause = PauseUntil(at=datetime.now(UTC), until=until, reason="a promise", operator="ops")
        await handle.execute_update(RecoveryCase.pause_until, pause)
        await handle.execute_update("stop", _word())
        await handle.result()
    told = [(note.word, note.operator, note.because) for note in outside.notes[1:]]
    assert told == [
        ("resume", "ops", "the customer called"),
        ("pause_until", "ops", "a promise"),
        ("stop", "ops", "the customer called"),
    ]
    assert outside.notes[2].until == until.replace(microsecond=0)
    assert len({note.request for note in outside.notes}) == 4


async def test_a_word_that_changes_nothing_is_written_down_at_once(begin: Begin) -> None:
    """The case need not come to its next step for it: a sleeping one wakes, writes, and sleeps again."""
    outside = Outside()
    async with begin(outside) as handle:
        before = await asleep(handle, StepKind.ATTEMPT)
        until = datetime.now(UTC) + timedelta(days=2)
        for _ in range(2):  # the second says what is so already
            pause = PauseUntil(at=datetime.now(UTC), until=until, reason="a promise", operator="ops")
            await handle.execute_update(RecoveryCase.pause_until, pause)
            await asleep(handle, StepKind.RESUME)
        assert [note.word for note in outside.notes] == ["pause_until", "pause_until"]
        assert before.case.attempts_made == 0
        await handle.terminate()
