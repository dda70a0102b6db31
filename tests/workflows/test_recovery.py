"""A case on a real Temporal server with skipped time: the whole life of a failed payment, and everything that can interrupt it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from activities.contracts import (
    AttemptReport,
    FailedAgain,
    Happened,
    InvoicePaid,
    MethodUpdated,
    OperatorRequest,
    PauseUntil,
)
from activities.people_contracts import StopCase
from recoup.rules.case import AttemptState, Outcome, Stage, Trigger
from recoup.rules.declines import Decline
from recoup.rules.money import to_decimal
from recoup.rules.steps import StepKind
from tests.workflows.outside import Outside
from tests.workflows.playing import Begin, Handle, asleep, moved
from workflows.recovery import RecoveryCase

pytestmark = pytest.mark.asyncio(loop_scope="session")


def now() -> datetime:
    return datetime.now(UTC)


async def current_details(handle: Handle) -> str:
    """What the Temporal UI shows under "current details"."""
    told = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return str(told.current_details)


async def test_a_later_retry_wins(play: Begin) -> None:
    """Notified at once, tried on day 1 and day 3, recovered by the second retry, thanked."""
    outside = Outside(answers=["declined", "paid"])
    async with play(outside) as handle:
        result = await handle.result()
    assert result.outcome is Outcome.RECOVERED_BY_RETRY
    assert outside.kinds()[1:] == [
        "message:payment_failed",
        "attempt:schedule",
        "attempt:schedule",
        "close:recovered_by_retry",
        "message:recovered",
    ]
    assert outside.days("attempt") == [1.0, 3.0]
    assert all(outside.decisions)


async def test_a_payment_that_never_comes_ends_in_suspension(play: Begin) -> None:
    """Every step of the campaign, in its order and on its day, every task replayed from history."""
    outside = Outside()
    async with play(outside) as handle:
        result = await handle.result()
    assert result.outcome is Outcome.LOST_SUSPENDED
    assert outside.kinds()[1:] == [
        "message:payment_failed",
        "attempt:schedule",
        "attempt:schedule",
        "message:reminder",
        "attempt:schedule",
        "message:reminder/2",
        "attempt:schedule",
        "message:last_notice",
        "suspend:pause",
        "close:lost_suspended",
        "message:suspended",
    ]
    assert outside.days("attempt") == [1.0, 3.0, 7.0, 12.0]
    assert outside.days("suspend") == [21.0]


async def test_a_stolen_card_is_never_retried(play: Begin) -> None:
    """The customer is told, nothing is charged, the subscription is suspended in the end."""
    outside = Outside(decline=Decline(code="stolen_card", brand="visa"))
    async with play(outside) as handle:
        await handle.result()
    assert "attempt" not in {kind for kind, _, _ in outside.done}


async def test_a_new_card_is_collected_at_once(begin: Begin, time_skipping_env: WorkflowEnvironment) -> None:
    """Two days after an expired card the customer brings a new one: one immediate attempt, closed, thanked."""
    outside = Outside(decline=Decline(code="expired_card"), answers=["paid"])
    async with begin(outside) as handle:
        await asleep(handle)
        await moved(time_skipping_env, handle, 2)
        update = MethodUpdated(at=now() + timedelta(days=2), method="pm_2", version="pm_2/2030-1")
        for _ in range(3):
            await handle.signal(RecoveryCase.payment_method_updated, update)
        result = await handle.result()
    assert result.outcome is Outcome.RECOVERED_BY_CARD_UPDATE
    assert outside.days("attempt") == [2.0]


async def test_a_signal_before_the_first_step_is_not_lost(begin: Begin) -> None:
    """What is told while the case is still being opened counts."""
    outside = Outside()
    async with begin(outside) as handle:
        await handle.signal(RecoveryCase.invoice_paid, InvoicePaid(at=now()))
        result = await handle.result()
    assert result.outcome is Outcome.RECOVERED_BY_CUSTOMER
    assert "attempt" not in {kind for kind, _, _ in outside.done}


@pytest.mark.parametrize(
    ("signal", "news", "outcome"),
    [
        (RecoveryCase.invoice_paid, InvoicePaid(at=now()), Outcome.RECOVERED_BY_CUSTOMER),
        (RecoveryCase.invoice_paid, InvoicePaid(at=now(), outside=True), Outcome.RECOVERED_OUTSIDE),
        (RecoveryCase.invoice_paid, InvoicePaid(at=now(), by_stripe=True), Outcome.RECOVERED_BY_STRIPE),
        (RecoveryCase.invoice_voided, Happened(at=now()), Outcome.CLOSED_VOIDED),
        (RecoveryCase.invoice_uncollectible, Happened(at=now()), Outcome.CLOSED_UNCOLLECTIBLE),
        (RecoveryCase.subscription_cancelled, Happened(at=now()), Outcome.LOST_CANCELLED),
        (RecoveryCase.dispute_opened, Happened(at=now()), Outcome.CLOSED_DISPUTED),
        (RecoveryCase.cancelled_by_customer, Happened(at=now()), Outcome.LOST_CANCELLED_BY_CUSTOMER),
    ],
)
async def test_what_ends_the_debt_ends_the_case(
    begin: Begin, signal: object, news: Happened, outcome: Outcome
) -> None:
    """Each thing that can happen outside closes the case under its own name, without another attempt."""
    outside = Outside()
    async with begin(outside) as handle:
        await asleep(handle)
        await handle.signal(signal, news)  # type: ignore[call-overload]  # the parametrisation hides the pairing
        result = await handle.result()
    assert result.outcome is outcome
    assert "attempt" not in {kind for kind, _, _ in outside.done}


async def test_an_attempt_without_an_answer_is_settled_before_anything_else(play: Begin) -> None:
    """Unknown is not declined: the case settles it after ten minutes, and only then goes on."""
    outside = Outside(answers=["unknown", "unknown", "paid"])
    async with play(outside) as handle:
        result = await handle.result()
    assert result.outcome is Outcome.RECOVERED_BY_RETRY
    assert [kind for kind in outside.kinds() if kind[:3] in ("att", "set")] == [
        "attempt:schedule",
        "settle:1",
        "settle:1",
    ]


async def test_an_invoice_found_paid_at_the_last_look_is_not_suspended(play: Begin) -> None:
    """The look just before the suspension wins over the suspension."""
    outside = Outside(ended_at_suspension=Outcome.RECOVERED_BY_CUSTOMER)
    async with play(outside) as handle:
        result = await handle.result()
    assert result.outcome is Outcome.RECOVERED_BY_CUSTOMER
    assert "message:suspended" not in outside.kinds()


async def test_a_limit_moves_the_attempt_not_the_budget(play: Begin) -> None:
    """An attempt that a limit forbids is made when it is allowed."""
    later = now() + timedelta(days=2, hours=6)
    held = AttemptReport(
        at=later,
        number=None,
        state=AttemptState.SKIPPED,
        trigger=Trigger.SCHEDULE,
        because="a limit",
        not_before=later,
    )
    outside = Outside(answers=[held, "paid"])
    async with play(outside) as handle:
        await handle.result()
    assert outside.days("attempt") == pytest.approx([1.0, 2.2], abs=0.1)


async def test_an_operator_can_retry_pause_resume_stop_and_mark_paid(begin: Begin) -> None:
    """Each update answers with what will happen, and it happens."""
    outside = Outside()
    word = OperatorRequest(at=now(), reason="the customer called", operator="ops")
    async with begin(outside) as handle:
        await asleep(handle)
        said = await handle.execute_update(RecoveryCase.retry_now, word)
        assert said.next.trigger is Trigger.MANUAL
        await asleep(handle, StepKind.ATTEMPT)
        until = now() + timedelta(days=9)
        pause = PauseUntil(at=now(), until=until, reason="a promise", operator="ops")
        said = await handle.execute_update(RecoveryCase.pause_until, pause)
        assert (said.stage, said.next.kind) == (Stage.PAUSED, StepKind.RESUME)
        said = await handle.execute_update(RecoveryCase.resume, word)
        assert said.next.kind is StepKind.ATTEMPT
        said = await handle.execute_update(RecoveryCase.mark_paid_outside, word)
        assert said.next.kind is StepKind.MARK_PAID
        result = await handle.result()
    assert result.outcome is Outcome.RECOVERED_OUTSIDE
    assert outside.kinds()[2:] == [
        "attempt:manual",
        "mark_paid:",
        "close:recovered_outside",
        "message:recovered",
    ]


async def test_a_stopped_case_lets_go_of_the_invoice(begin: Begin) -> None:
    """Stop closes the case, gives the invoice back to Stripe, and says nothing more to the customer."""
    outside = Outside()
    async with begin(outside) as handle:
        await asleep(handle)
        word = StopCase(at=now(), reason="a mistake of ours", operator="ops")
        said = await handle.execute_update(RecoveryCase.stop, word)
        assert said.next.kind is StepKind.CLOSE
        result = await handle.result()
    assert result.outcome is Outcome.CLOSED_STOPPED
    assert outside.kinds()[2:] == ["close:closed_stopped", "release:"]


@pytest.mark.parametrize(
    ("outside", "update", "word", "sentence"),
    [
        (Outside(decline=Decline(code="stolen_card")), "retry_now", None, "the customer must act first"),
        (Outside(decline=Decline(code="authentication_required")), "retry_now", None, "not allowed"),
        (Outside(), "resume", None, "neither paused nor waiting"),
        (Outside(), "pause_until", "past", "must end in the future"),
    ],
)
async def test_an_operators_word_that_must_not_be_followed_is_refused(
    begin: Begin, outside: Outside, update: str, word: str | None, sentence: str
) -> None:
    """The validator says in one sentence why not, and nothing changes."""
    request: object = OperatorRequest(at=now(), reason="try", operator="ops")
    if word == "past":
        request = PauseUntil(at=now(), until=now() - timedelta(hours=1), reason="try", operator="ops")
    async with begin(outside) as handle:
        before = await asleep(handle)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update(update, request)
        assert sentence in str(refused.value.cause)
        assert (await asleep(handle)).case == before.case


async def test_a_step_that_fails_for_good_waits_for_a_person(begin: Begin) -> None:
    """A broken effect stops the case where it is; a person mends it and resumes, and it goes on."""
    outside = Outside(broken={"message"})
    async with begin(outside) as handle:
        view = await asleep(handle, StepKind.PERSON)
        assert view.case.stage is Stage.PERSON
        assert "message is broken" in view.next.because
        outside.broken.clear()
        word = OperatorRequest(at=now(), reason="mended", operator="ops")
        await handle.execute_update(RecoveryCase.resume, word)
        await asleep(handle, StepKind.ATTEMPT)
        await handle.signal(RecoveryCase.invoice_paid, InvoicePaid(at=now()))
        await handle.result()
    assert "message:payment_failed" in outside.kinds()


async def test_a_failure_that_was_not_ours_is_read_before_going_on(begin: Begin) -> None:
    """A further failure makes the case look again instead of guessing."""
    outside = Outside()
    async with begin(outside) as handle:
        await asleep(handle)
        await handle.signal(RecoveryCase.payment_failed, FailedAgain(at=now()))
        await asleep(handle, StepKind.ATTEMPT)
        await handle.signal(RecoveryCase.invoice_paid, InvoicePaid(at=now()))
        await handle.result()
    assert outside.kinds().count("look:") == 1


async def test_what_is_no_case_ends_at_once(begin: Begin) -> None:
    """A refused invoice ends excluded, with the reason, and has no effect at all."""
    outside = Outside(refuse="the case of this invoice has ended before")
    async with begin(outside) as handle:
        result = await handle.result()
    assert (result.outcome, result.because) == (Outcome.CLOSED_EXCLUDED, outside.refuse)
    assert outside.done == []


async def test_the_temporal_ui_tells_where_a_case_stands(begin: Begin) -> None:
    """Search attributes and current details say stage, next action and reason without any other tool."""
    outside = Outside()
    async with begin(outside) as handle:
        view = await asleep(handle)
        shown = (await handle.describe()).typed_search_attributes
        held = {pair.key.name: pair.value for pair in shown}
        assert (held["RecoupStage"], held["RecoupDeclineClass"], held["RecoupAttempt"]) == (
            "waiting",
            "soft",
            0,
        )
        assert held["RecoupNextAction"] == view.next.due_at
        case = view.case
        assert (held["RecoupCustomer"], held["RecoupSubscription"]) == (case.customer, case.subscription)
        assert (held["RecoupAmount"], held["RecoupCurrency"]) == (case.due.amount, case.due.currency)
        details = await current_details(handle)
        assert "waiting" in details
        assert view.next.because in details
        assert f"{to_decimal(case.due)} {case.due.currency.upper()}" in details
        await handle.signal(RecoveryCase.invoice_voided, Happened(at=now()))
        await handle.result()
        held = {p.key.name: p.value for p in (await handle.describe()).typed_search_attributes}
    assert held["RecoupStage"] == "closed"
    assert "RecoupNextAction" not in held
