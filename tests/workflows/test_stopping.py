"""An operator stops a recovery and says what becomes of the debt, on a real Temporal server."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from activities.contracts import CaseResult, MethodUpdated, OperatorRequest
from activities.people_contracts import CustomerExcluded, ExcludeCustomer, StopCase
from recoup.rules.case import Outcome
from recoup.rules.people import StopEnding
from recoup.rules.policy import Campaign, Ending
from recoup.rules.steps import StepKind
from tests.workflows.outside import Outside
from tests.workflows.playing import Begin, Handle, asleep
from tests.workflows.test_called_off import tried_once
from workflows.recovery import RecoveryCase

pytestmark = pytest.mark.asyncio(loop_scope="session")

OTHERWISE = Campaign(ending=Ending.KEEP)
"""What the campaign would do is another thing than what the operator says."""


async def ended(handle: Handle) -> CaseResult:
    """How the case ended; one that never does fails the test."""
    return await asyncio.wait_for(handle.result(), 30)


def stop(ending: StopEnding) -> StopCase:
    return StopCase(at=datetime.now(UTC), reason="asked to leave", operator="ops", ending=ending)


@pytest.mark.parametrize(
    ("ending", "outcome", "done"),
    [
        (StopEnding.PAUSE, Outcome.LOST_SUSPENDED, ["suspend:pause", "close:lost_suspended", "message:suspended"]),
        (StopEnding.CANCEL, Outcome.LOST_SUSPENDED, ["suspend:cancel", "close:lost_suspended", "message:suspended"]),
        (StopEnding.WRITE_OFF, Outcome.CLOSED_UNCOLLECTIBLE, ["write_off:", "close:closed_uncollectible"]),
    ],
)  # fmt: skip
async def test_a_recovery_is_stopped_with_the_end_that_was_said(
    begin: Begin, ending: StopEnding, outcome: Outcome, done: list[str]
) -> None:
    """The subscription or the invoice ends as the operator said, whatever the campaign has; nothing else is tried or said before."""
    outside = Outside(campaign=OTHERWISE)
    async with begin(outside) as handle:
        await asleep(handle)
        said = await handle.execute_update(RecoveryCase.stop, stop(ending))
        assert said.next.kind in (StepKind.SUSPEND, StepKind.WRITE_OFF)
        assert "an operator stopped the recovery: asked to leave" in said.next.because
        result = await ended(handle)
    assert (result.outcome, outside.kinds()[2:]) == (outcome, done)
    assert [(note.word, note.ending, note.operator) for note in outside.notes] == [("stop", ending, "ops")]


async def test_an_attempt_on_its_way_is_waited_for(begin: Begin) -> None:
    """A payment that comes through while the recovery is being stopped counts, and nobody is suspended."""
    outside = Outside(answers=["paid"], campaign=OTHERWISE)
    hold = outside.hold("attempt")
    async with begin(outside) as handle:
        await asleep(handle)
        word = {"at": datetime.now(UTC).isoformat(), "reason": "try", "operator": "ops"}
        await handle.execute_update("retry_now", word)
        await hold.begun()
        await handle.execute_update(RecoveryCase.stop, stop(StopEnding.CANCEL))
        hold.let_go()
        result = await ended(handle)
    assert result.outcome is Outcome.RECOVERED_BY_OPERATOR
    assert not [kind for kind in outside.kinds() if kind.startswith("suspend")]


async def test_an_attempt_that_waits_to_be_tried_again_is_called_off(begin: Begin) -> None:
    """What may have been sent is only read, nothing is charged any more, and then the subscription is cancelled."""
    outside = Outside(answers=["declined"], campaign=OTHERWISE, away={"attempt"}, keep_tries=True)
    async with begin(outside) as handle:
        await asleep(handle)
        word = {"at": datetime.now(UTC).isoformat(), "reason": "try", "operator": "ops"}
        await handle.execute_update("retry_now", word)
        await tried_once(outside)
        await handle.execute_update(RecoveryCase.stop, stop(StopEnding.CANCEL))
        tried = outside.kinds().count("attempt:manual")
        result = await ended(handle)
    assert (result.outcome, outside.only_read) == (Outcome.LOST_SUSPENDED, [True])
    assert outside.kinds().count("attempt:manual") <= tried + 1
    assert outside.kinds()[-4:] == ["settle:0", "suspend:cancel", "close:lost_suspended", "message:suspended"]


async def test_a_new_card_that_comes_meanwhile_is_tried(begin: Begin) -> None:
    """Who brings a card while their subscription is being paused wants to stay: it is tried, and the pause is undone."""
    outside = Outside(answers=["paid"], campaign=OTHERWISE)
    hold = outside.hold("suspend")
    async with begin(outside) as handle:
        await asleep(handle)
        await handle.execute_update(RecoveryCase.stop, stop(StopEnding.PAUSE))
        await hold.begun()
        news = MethodUpdated(at=datetime.now(UTC), method="pm_2", version="pm_2/2030-1")
        await handle.signal(RecoveryCase.payment_method_updated, news)
        hold.let_go()
        result = await ended(handle)
    assert result.outcome is Outcome.RECOVERED_BY_CARD_UPDATE
    assert outside.kinds()[2:5] == ["suspend:pause", "attempt:card_update", "close:recovered_by_card_update"]
    assert "restore:" in outside.kinds()


async def test_an_excluded_customer_is_left_alone(begin: Begin) -> None:
    """The case ends as stopped and gives its invoice back; the word is kept once with who said it; others hear it as a signal."""
    outside, other = Outside(), Outside()
    async with begin(outside) as handle, begin(other) as told:
        await asleep(handle)
        await asleep(told)
        word = OperatorRequest(at=datetime.now(UTC), reason="a friend of the house", operator="ops")
        said = await handle.execute_update(RecoveryCase.exclude, word)
        assert said.next.because == "ops excluded the customer: a friend of the house"
        news = CustomerExcluded(at=datetime.now(UTC), because="a friend of the house", operator="ops")
        await told.signal(RecoveryCase.customer_excluded, news)
        results = [await ended(handle), await ended(told)]
    assert [result.outcome for result in results] == [Outcome.CLOSED_STOPPED] * 2
    assert outside.kinds()[2:] == other.kinds()[2:] == ["close:closed_stopped", "release:"]
    (order,) = outside.changes
    assert isinstance(order, ExcludeCustomer)
    assert (order.customer, order.actor, order.because) == ("cus_1", "ops", "a friend of the house")
