"""What happens while the case is busy: told during an attempt, a suspension or the end; effects that fail or cannot be reached."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from activities.contracts import (
    Happened,
    InvoicePaid,
    MethodUpdated,
    OperatorRequest,
    PauseUntil,
    WhatWillHappen,
)
from recoup.rules.case import Outcome, Stage, Trigger
from recoup.rules.declines import Decline
from recoup.rules.policy import Campaign, LastNotice, MessageStep, Retries
from recoup.rules.steps import StepKind
from tests.workflows.outside import Outside
from tests.workflows.playing import Begin, Handle, asleep, moved
from workflows.recovery import RecoveryCase

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOW = datetime.now(UTC)
WORD = OperatorRequest(at=NOW, reason="the customer called", operator="ops")
NEW_CARD = MethodUpdated(at=NOW, method="pm_2", version="pm_2/2030-1")
SHORT = Campaign(
    messages=(MessageStep(template="payment_failed", after_days=0),),
    retries=Retries(after_days=()),
    window_days=1,
    grace_days=0,
    warning=LastNotice(days_before=0),
)
"""A day from the failure to the suspension."""


async def test_a_card_that_arrives_during_an_attempt_gets_its_own(begin: Begin) -> None:
    """The attempt under way is refused; the new card is tried at once, whatever pause the old one's bank asks for."""
    outside = Outside(answers=["declined", "paid"])
    attempt = outside.hold("attempt")
    async with begin(outside) as handle:
        await asleep(handle)
        await handle.execute_update(RecoveryCase.retry_now, WORD)
        await attempt.begun()
        await handle.signal(RecoveryCase.payment_method_updated, NEW_CARD)
        attempt.let_go()
        result = await handle.result()
    assert result.outcome is Outcome.RECOVERED_BY_CARD_UPDATE
    assert [kind for kind in outside.kinds() if kind.startswith("attempt")] == [
        "attempt:manual",
        "attempt:card_update",
    ]
    assert outside.days("attempt") == [0.0, 0.0]


async def test_an_attempt_that_used_the_new_card_already_is_not_repeated(begin: Begin) -> None:
    """The news of a card may come after the attempt that was made with it: one attempt, counted for the card."""
    outside = Outside(answers=["declined"], paid_with="pm_2")
    attempt = outside.hold("attempt")
    async with begin(outside) as handle:
        await asleep(handle)
        await handle.execute_update(RecoveryCase.retry_now, WORD)
        await attempt.begun()
        await handle.signal(RecoveryCase.payment_method_updated, NEW_CARD)
        attempt.let_go()
        view = await asleep(handle)
        assert (view.case.untried, view.case.attempts_made, view.case.retries_made) == (None, 1, 0)
        await handle.signal(RecoveryCase.invoice_voided, Happened(at=NOW))
        await handle.result()


async def test_an_attempt_that_was_led_to_another_one_is_still_made(begin: Begin) -> None:
    """Asked for the new card's attempt, the ledger gave an older one that had no answer: the new card's turn comes after."""
    outside = Outside(answers=["declined", "paid"], led_to=Trigger.SCHEDULE)
    async with begin(outside) as handle:
        await asleep(handle)
        await handle.signal(RecoveryCase.payment_method_updated, NEW_CARD)
        view = await asleep(handle, StepKind.ATTEMPT)
        assert view.case.untried is Trigger.CARD_UPDATE
        await handle.signal(RecoveryCase.invoice_voided, Happened(at=NOW))
        await handle.result()


async def test_no_second_attempt_is_asked_for_while_one_is_under_way(begin: Begin) -> None:
    """An operator's retry during an attempt is refused, so that a hard refusal is not followed by another attempt."""
    outside = Outside(answers=["paid"])
    attempt = outside.hold("attempt")
    async with begin(outside) as handle:
        await asleep(handle)
        await handle.execute_update(RecoveryCase.retry_now, WORD)
        await attempt.begun()
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update(RecoveryCase.retry_now, WORD)
        attempt.let_go()
        await handle.result()
    assert "under way" in str(refused.value.cause)


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (["paid"], Outcome.RECOVERED_BY_OPERATOR),
        (["declined"], Outcome.CLOSED_STOPPED),
        (["unknown", "paid"], Outcome.RECOVERED_BY_OPERATOR),
        (["unknown", "unknown", "declined"], Outcome.CLOSED_STOPPED),
    ],
)
async def test_a_case_that_is_stopped_during_an_attempt_waits_for_its_answer(
    begin: Begin, answers: list[str], outcome: Outcome
) -> None:
    """What the attempt brought decides how the case ended, also when the answer has to be found out."""
    outside = Outside(answers=[*answers])
    attempt = outside.hold("attempt")
    async with begin(outside) as handle:
        await asleep(handle)
        await handle.execute_update(RecoveryCase.retry_now, WORD)
        await attempt.begun()
        await handle.execute_update("stop", WORD)
        attempt.let_go()
        for _ in answers[1:]:
            await asleep(handle, StepKind.SETTLE)
            await handle.signal(RecoveryCase.attempt_answered, Happened(at=NOW))
        result = await handle.result()
    assert result.outcome is outcome
    assert outside.kinds().count("settle:1") == len(answers) - 1
    assert outside.kinds()[2 + len(answers)] == f"close:{outcome}"


@pytest.mark.parametrize("news", [InvoicePaid(at=NOW), NEW_CARD])
@pytest.mark.parametrize("during", ["close", "message"])
async def test_who_comes_back_while_the_suspension_is_completed_is_heard(
    begin: Begin, news: InvoicePaid | MethodUpdated, during: str
) -> None:
    """Paid, or a new card, after the suspension was decided and before the case is over: its return is begun."""
    outside = Outside(campaign=SHORT)
    async with begin(outside) as handle:
        await asleep(handle, StepKind.MESSAGE)
        busy = outside.hold(during)
        if during == "message":
            outside.held.clear()
        word = OperatorRequest(at=NOW + timedelta(days=2), reason="x", operator="ops")
        pause = PauseUntil(at=word.at, until=word.at + timedelta(seconds=1), reason="x", operator="ops")
        await handle.execute_update(RecoveryCase.pause_until, pause)
        if during == "message":
            await _suspended(outside)
            outside.held["message"] = busy
        await busy.begun()
        signal = (
            RecoveryCase.invoice_paid
            if isinstance(news, InvoicePaid)
            else RecoveryCase.payment_method_updated
        )
        await handle.signal(signal, news)  # type: ignore[call-overload]  # the pairing is right
        busy.let_go()
        result = await handle.result()
    assert result.outcome is Outcome.LOST_SUSPENDED
    (told,) = outside.told
    assert (told.case.begins, told.case.return_number) == (True, 2)
    assert news in (told.update, told.paid)


async def _suspended(outside: Outside) -> None:
    for _ in range(400):
        if "suspend:pause" in outside.kinds():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it was not suspended")


async def test_a_card_that_arrives_during_the_suspension_is_tried_first(begin: Begin) -> None:
    """The suspension is under way when the card comes: the attempt follows, and the access comes back with the payment."""
    outside = Outside(campaign=SHORT, answers=["paid"])
    suspension = outside.hold("suspend")
    async with begin(outside) as handle:
        await asleep(handle, StepKind.MESSAGE)
        await _two_days_later(handle)
        await suspension.begun()
        await handle.signal(RecoveryCase.payment_method_updated, NEW_CARD)
        suspension.let_go()
        result = await handle.result()
    assert result.outcome is Outcome.RECOVERED_BY_CARD_UPDATE
    assert outside.kinds()[-5:] == [
        "suspend:pause",
        "attempt:card_update",
        "close:recovered_by_card_update",
        "restore:",
        "message:recovered",
    ]


async def test_a_payment_that_arrives_during_the_suspension_restores_the_access(begin: Begin) -> None:
    """Paid while the suspension is under way: recovered, and what was just taken is given back."""
    outside = Outside(campaign=SHORT)
    suspension = outside.hold("suspend")
    async with begin(outside) as handle:
        await asleep(handle, StepKind.MESSAGE)
        await _two_days_later(handle)
        await suspension.begun()
        await handle.signal(RecoveryCase.invoice_paid, InvoicePaid(at=NOW))
        suspension.let_go()
        result = await handle.result()
    assert result.outcome is Outcome.RECOVERED_BY_CUSTOMER
    assert "restore:" in outside.kinds()


async def _two_days_later(handle: Handle) -> None:
    later = NOW + timedelta(days=2)
    pause = PauseUntil(at=later, until=later + timedelta(seconds=1), reason="x", operator="ops")
    await handle.execute_update(RecoveryCase.pause_until, pause)


async def test_access_that_another_case_took_is_given_back_by_the_last_one(begin: Begin) -> None:
    """The subscription is suspended by another invoice's case; when the last debt is paid this case restores it."""
    outside = Outside(suspended_already=True)
    async with begin(outside) as handle:
        await asleep(handle)
        await handle.signal(RecoveryCase.invoice_paid, InvoicePaid(at=NOW))
        await handle.result()
    assert outside.kinds()[-3:] == ["close:recovered_by_customer", "restore:", "message:recovered"]


@pytest.mark.parametrize(
    ("broken", "answers"),
    [
        ("attempt", []),
        ("settle", ["unknown"]),
        ("mark_paid", []),
        ("message", []),
        ("restore", []),
        ("release", []),
    ],
)
async def test_a_step_that_can_never_succeed_is_not_done_over_and_over(
    begin: Begin, broken: str, answers: list[str]
) -> None:
    """Whatever fails for good, before the outcome or after it: the case waits for a person, and goes on when resumed."""
    outside = Outside(answers=[*answers, "paid"], suspended_already=broken == "restore")
    async with begin(outside) as handle:
        await asleep(handle)
        outside.broken.add(broken)
        if broken in ("attempt", "settle"):
            await handle.execute_update(RecoveryCase.retry_now, WORD)
        elif broken == "mark_paid":
            await handle.execute_update(RecoveryCase.mark_paid_outside, WORD)
        elif broken == "release":
            await handle.execute_update("stop", WORD)
        else:
            await handle.signal(RecoveryCase.invoice_paid, InvoicePaid(at=NOW))
        if broken == "settle":
            view = await asleep(handle, StepKind.SETTLE)
            later = view.now + timedelta(minutes=11)
            await handle.signal(RecoveryCase.attempt_answered, Happened(at=later))
        view = await asleep(handle, StepKind.PERSON)
        assert f"{broken} is broken" in view.next.because
        assert view.case.stage is Stage.PERSON
        outside.broken.clear()
        await handle.execute_update(RecoveryCase.resume, WORD)
        if broken == "mark_paid":
            await handle.execute_update(RecoveryCase.mark_paid_outside, WORD)
        await handle.result()
    assert any(kind.startswith(broken) for kind in outside.kinds())


@pytest.mark.parametrize("away", ["message", "attempt", "suspend"])
async def test_what_cannot_be_reached_does_not_keep_the_end_from_coming(begin: Begin, away: str) -> None:
    """A mail server, a Stripe or a backend that is away is tried again and again, but not after the debt has ended."""
    outside = Outside(campaign=SHORT if away == "suspend" else Campaign())
    async with begin(outside) as handle:
        if away == "message":
            outside.away.add(away)
            await asyncio.sleep(0.5)
        else:
            await asleep(handle)
            outside.away.add(away)
            if away == "attempt":
                await handle.execute_update(RecoveryCase.retry_now, WORD)
            else:
                await _two_days_later(handle)
            await asyncio.sleep(2)
        await handle.signal(RecoveryCase.dispute_opened, Happened(at=NOW))
        result = await asyncio.wait_for(handle.result(), 20)
    assert result.outcome is Outcome.CLOSED_DISPUTED
    assert not any(kind.startswith("attempt") for kind in outside.kinds())


async def test_a_new_card_does_not_wait_for_the_mail_server(begin: Begin) -> None:
    """The first message cannot be handed over; the new card is collected at once all the same."""
    outside = Outside(decline=Decline(code="expired_card"), answers=["paid"], away={"message"})
    async with begin(outside) as handle:
        await asyncio.sleep(0.5)
        await handle.signal(RecoveryCase.payment_method_updated, NEW_CARD)
        for _ in range(400):
            if "attempt:card_update" in outside.kinds():
                break
            await asyncio.sleep(0.01)
        outside.away.clear()
        result = await asyncio.wait_for(handle.result(), 20)
    assert result.outcome is Outcome.RECOVERED_BY_CARD_UPDATE


async def test_an_answer_that_takes_days_is_read_as_soon_as_it_is_told(
    begin: Begin, time_skipping_env: WorkflowEnvironment
) -> None:
    """A bank debit is looked at twice a day; the news of its result is read at once."""
    outside = Outside(answers=["unknown", "paid"])
    async with begin(outside) as handle:
        await asleep(handle)
        await handle.execute_update(RecoveryCase.retry_now, WORD)
        await asleep(handle, StepKind.SETTLE)
        await moved(time_skipping_env, handle, 0.001)
        await handle.signal(RecoveryCase.attempt_answered, Happened(at=NOW))
        result = await handle.result()
    assert result.outcome is Outcome.RECOVERED_BY_OPERATOR
    assert outside.days("settle") == [0.0]


async def test_a_suspension_waits_for_a_payment_that_is_on_its_way(begin: Begin) -> None:
    """Told to look again later, the case suspends nobody until then; the payment's news ends it."""
    outside = Outside(campaign=SHORT, look_again=timedelta(hours=12))
    async with begin(outside) as handle:
        await asleep(handle, StepKind.MESSAGE)
        await _two_days_later(handle)
        view = await asleep(handle, StepKind.SUSPEND)
        assert view.next.due_at is not None
        assert view.next.due_at > view.now + timedelta(hours=11)
        await handle.signal(RecoveryCase.invoice_paid, InvoicePaid(at=NOW))
        result = await handle.result()
    assert result.outcome is Outcome.RECOVERED_BY_CUSTOMER
    assert "restore:" not in outside.kinds()


async def test_what_a_look_finds_ended_is_not_written_about(begin: Begin) -> None:
    """The message's own look at the invoice finds it paid: the case ends, without the message and without a thank-you."""
    outside = Outside(ended_at_message=Outcome.RECOVERED_BY_CUSTOMER)
    async with begin(outside) as handle:
        result = await handle.result()
    assert result.outcome is Outcome.RECOVERED_BY_CUSTOMER
    assert outside.kinds()[2:] == ["close:recovered_by_customer"]


async def _reads(outside: Outside, only: bool) -> None:
    """Until the case looks for the answer, by reading alone or not."""
    for _ in range(400):
        if outside.only_read[-1:] == [only]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"nobody looked for the answer: {outside.only_read}")


@pytest.mark.parametrize("word", ["stop", "mark_paid_outside", "pause_until", "dispute_opened"])
async def test_an_attempt_that_is_not_wanted_any_more_is_only_read_about(begin: Begin, word: str) -> None:
    """Stopped, paid outside, paused or disputed while an attempt has no answer: nothing is sent again to find out about it."""
    outside = Outside(answers=["unknown", "skipped"])
    async with begin(outside) as handle:
        await asleep(handle)
        await handle.execute_update(RecoveryCase.retry_now, WORD)
        await asleep(handle, StepKind.SETTLE)
        if word == "dispute_opened":
            await handle.signal(RecoveryCase.dispute_opened, Happened(at=NOW))
        elif word == "pause_until":
            until = NOW + timedelta(days=3)
            pause = PauseUntil(at=NOW, until=until, reason="a promise", operator="ops")
            await handle.execute_update(RecoveryCase.pause_until, pause)
        else:
            await handle.execute_update(word, WORD, result_type=WhatWillHappen)
        await handle.signal(RecoveryCase.attempt_answered, Happened(at=NOW))
        await _reads(outside, True)
        await handle.terminate() if word == "pause_until" else await handle.result()
    assert outside.only_read == [True]


async def test_a_settling_that_is_tried_again_hears_of_the_end(begin: Begin) -> None:
    """Stripe cannot be reached to find out about an attempt, and the customer disputes: what follows may only read."""
    outside = Outside(answers=["unknown", "skipped"], away={"settle"})
    async with begin(outside) as handle:
        await asleep(handle)
        await handle.execute_update(RecoveryCase.retry_now, WORD)
        await asleep(handle, StepKind.SETTLE)
        await handle.signal(RecoveryCase.attempt_answered, Happened(at=NOW))
        await _reads(outside, False)
        await handle.signal(RecoveryCase.dispute_opened, Happened(at=NOW))
        await _reads(outside, True)
        outside.away.clear()
        assert (await handle.result()).outcome is Outcome.CLOSED_DISPUTED
    assert (outside.only_read[0], outside.only_read[-1]) == (False, True)
