"""Cases as they run, from the plain to the interrupted: their histories are kept and replayed (``histories/*.json``)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from activities.contracts import Happened, InvoicePaid, MethodUpdated, OperatorRequest, PauseUntil
from activities.people_contracts import ChangePolicy, GiveTo, LongerGrace, Running
from activities.wish_contracts import PromiseToPay
from recoup.rules.declines import Decline
from recoup.rules.people import Approval
from recoup.rules.policy import Campaign, Retries
from recoup.rules.steps import StepKind
from tests.workflows.around import AROUND
from tests.workflows.outside import Outside
from tests.workflows.playing import asleep, beginner, moved
from tests.workflows.shop import APPEARED, CHOSEN, Shop
from tests.workflows.shop import play as play_update
from tests.workflows.wishing import CANCELLATION, Company
from tests.workflows.wishing import play as play_wish
from workflows.recovery import RecoveryCase

Played = WorkflowHandle[Any, Any]


def now() -> datetime:
    return datetime.now(UTC)


def word() -> OperatorRequest:
    return OperatorRequest(at=now(), reason="the customer called", operator="ops")


def new_card(days: float = 0) -> MethodUpdated:
    return MethodUpdated(at=now() + timedelta(days=days), method="pm_2", version="pm_2/2030-1")


async def retry_wins(env: WorkflowEnvironment) -> Played:
    """The second retry collects."""
    return await _left_alone(env, Outside(answers=["declined", "paid"]))


async def suspended(env: WorkflowEnvironment) -> Played:
    """Nothing is ever paid."""
    return await _left_alone(env, Outside())


async def stolen_card(env: WorkflowEnvironment) -> Played:
    """Never tried, only written about, suspended in the end."""
    return await _left_alone(env, Outside(decline=Decline(code="stolen_card", brand="visa")))


async def unknown_settled(env: WorkflowEnvironment) -> Played:
    """An attempt without an answer is settled twice before it is known."""
    return await _left_alone(env, Outside(answers=["unknown", "unknown", "paid"]))


async def _left_alone(env: WorkflowEnvironment, outside: Outside) -> Played:
    async with beginner(env, skipping=True)(outside) as handle:
        await handle.result()
        return handle


async def card_updated(env: WorkflowEnvironment) -> Played:
    """The card has expired; on the second day the customer brings another one."""
    outside = Outside(decline=Decline(code="expired_card"), answers=["paid"])
    async with beginner(env, skipping=False)(outside) as handle:
        await asleep(handle)
        await moved(env, handle, 2)
        await handle.signal(RecoveryCase.payment_method_updated, new_card(2))
        await handle.result()
        return handle


async def paid_by_customer(env: WorkflowEnvironment) -> Played:
    """The customer pays on Stripe's page."""
    async with beginner(env, skipping=False)(Outside()) as handle:
        await asleep(handle)
        await handle.signal(RecoveryCase.invoice_paid, InvoicePaid(at=now()))
        await handle.result()
        return handle


async def marked_paid(env: WorkflowEnvironment) -> Played:
    """An operator says that it was paid outside."""
    async with beginner(env, skipping=False)(Outside()) as handle:
        await asleep(handle)
        await handle.execute_update(RecoveryCase.mark_paid_outside, word())
        await handle.result()
        return handle


async def paused_resumed_stopped(env: WorkflowEnvironment) -> Played:
    """Paused, resumed, paused again until the pause is over; then an operator stops the recovery."""
    async with beginner(env, skipping=False)(Outside()) as handle:
        await asleep(handle)
        until = now() + timedelta(days=5)
        pause = PauseUntil(at=now(), until=until, reason="a promise", operator="ops")
        await handle.execute_update(RecoveryCase.pause_until, pause)
        await handle.execute_update(RecoveryCase.resume, word())
        await handle.execute_update(RecoveryCase.pause_until, pause)
        await moved(env, handle, 6)
        await asleep(handle)
        await handle.execute_update("stop", word())
        await handle.result()
        return handle


async def card_during_an_attempt(env: WorkflowEnvironment) -> Played:
    """An operator's attempt is under way when the new card comes."""
    outside = Outside(answers=["declined", "paid"])
    attempt = outside.hold("attempt")
    async with beginner(env, skipping=False)(outside) as handle:
        await asleep(handle)
        await handle.execute_update(RecoveryCase.retry_now, word())
        await attempt.begun()
        await handle.signal(RecoveryCase.payment_method_updated, new_card())
        attempt.let_go()
        await handle.result()
        return handle


async def paid_while_the_suspension_is_closed(env: WorkflowEnvironment) -> Played:
    """The payment comes when the suspension is already decided: the case begins its own return."""
    outside = Outside()
    async with beginner(env, skipping=False)(outside) as handle:
        await asleep(handle)
        for _ in range(12):
            await moved(env, handle, 2)
            if (await asleep(handle)).next.kind is StepKind.SUSPEND:
                break
        close = outside.hold("close")
        await handle.signal(RecoveryCase.attempt_answered, Happened(at=now() + timedelta(days=60)))
        await handle.execute_update(RecoveryCase.pause_until, _a_second_after(60))
        await close.begun()
        await handle.signal(RecoveryCase.invoice_paid, InvoicePaid(at=now() + timedelta(days=60)))
        close.let_go()
        await handle.result()
        return handle


def _a_second_after(days: float) -> PauseUntil:
    at = now() + timedelta(days=days)
    return PauseUntil(at=at, until=at + timedelta(seconds=1), reason="a moment", operator="ops")


async def failed_step(env: WorkflowEnvironment) -> Played:
    """The first message can never be written; a person mends it. The thank-you then fails too, and is mended."""
    outside = Outside(broken={"message"})
    async with beginner(env, skipping=False)(outside) as handle:
        await asleep(handle, StepKind.PERSON)
        outside.broken.clear()
        await handle.execute_update(RecoveryCase.resume, word())
        await asleep(handle, StepKind.ATTEMPT)
        outside.broken.add("message")
        await handle.signal(RecoveryCase.invoice_paid, InvoicePaid(at=now()))
        await asleep(handle, StepKind.PERSON)
        outside.broken.clear()
        await handle.execute_update(RecoveryCase.resume, word())
        await handle.result()
        return handle


async def disputed_while_stripe_is_away(env: WorkflowEnvironment) -> Played:
    """An attempt that waits to be tried again is given up."""
    outside = Outside()
    async with beginner(env, skipping=False)(outside) as handle:
        await asleep(handle)
        outside.away.add("attempt")
        await handle.execute_update(RecoveryCase.retry_now, word())
        await asyncio.sleep(0.5)
        await handle.signal(RecoveryCase.dispute_opened, Happened(at=now()))
        await handle.result()
        return handle


async def stopped_between_two_tries(env: WorkflowEnvironment) -> Played:
    """An attempt that waits to be tried again is called off, and then found to have been paid."""
    outside = Outside(answers=["paid"])
    async with beginner(env, skipping=False)(outside) as handle:
        await asleep(handle)
        outside.away.add("attempt")
        await handle.execute_update(RecoveryCase.retry_now, word())
        await asyncio.sleep(0.5)
        await handle.execute_update("stop", word())
        await handle.result()
        return handle


async def paid_twice(env: WorkflowEnvironment) -> Played:
    """An operator says that it was paid outside while an attempt is under way, and that is paid too."""
    outside = Outside(answers=["paid"])
    attempt = outside.hold("attempt")
    async with beginner(env, skipping=False)(outside) as handle:
        await asleep(handle)
        await handle.execute_update(RecoveryCase.retry_now, word())
        await attempt.begun()
        await handle.execute_update(RecoveryCase.mark_paid_outside, word())
        attempt.let_go()
        await handle.result()
        return handle


async def returned(env: WorkflowEnvironment) -> Played:
    """A suspended customer comes back with a new card."""
    outside = Outside(return_number=2, answers=["paid"])
    take_up = outside.hold("take_up")
    async with beginner(env, skipping=False)(outside) as handle:
        await take_up.begun()
        await handle.signal(RecoveryCase.payment_method_updated, new_card())
        take_up.let_go()
        await handle.result()
        return handle


async def people_noted(env: WorkflowEnvironment) -> Played:
    """A step fails for good and an operator resumes, pauses and stops the case: all of it is written down."""
    outside = Outside(broken={"message"})
    async with beginner(env, skipping=False)(outside) as handle:
        await asleep(handle, StepKind.PERSON)
        outside.broken.clear()
        await handle.execute_update(RecoveryCase.resume, word())
        await asleep(handle, StepKind.ATTEMPT)
        await handle.execute_update(RecoveryCase.pause_until, _a_second_after(1))
        await handle.execute_update("stop", word())
        await handle.result()
        return handle


async def promised(env: WorkflowEnvironment) -> Played:
    """On the second day the customer promises to pay within four days; the bank agrees on the promised one."""
    outside = Outside(answers=["declined", "paid"])
    async with beginner(env, skipping=False)(outside) as handle:
        await asleep(handle)
        await moved(env, handle, 2)
        at = (await asleep(handle)).now
        promise = PromiseToPay(at=at, until=at + timedelta(days=4))
        await handle.execute_update(RecoveryCase.promise_to_pay, promise)
        await moved(env, handle, 4.1)
        await handle.result()
        return handle


async def cancelled_by_customer(env: WorkflowEnvironment) -> Played:
    """The customer cancels on their page while an attempt is under way, which is refused."""
    outside = Outside()
    attempt = outside.hold("attempt")
    async with beginner(env, skipping=False)(outside) as handle:
        await asleep(handle)
        await handle.execute_update(RecoveryCase.retry_now, word())
        await attempt.begun()
        await handle.signal(RecoveryCase.cancelled_by_customer, Happened(at=now()))
        attempt.let_go()
        await handle.result()
        return handle


async def wish_to_cancel(env: WorkflowEnvironment) -> Played:
    """A customer's wish to cancel, from the cases to Stripe and back to the cases."""
    return await play_wish(env, Company(), CANCELLATION)


async def refused_then_approved(env: WorkflowEnvironment) -> Played:
    """An important account: a person gives it longer, and approves its suspension when it is asked anew."""
    approval = Approval(from_priority=60, remind_after_days=1, decide_after_days=9)
    campaign = Campaign(
        retries=Retries(after_days=()),
        restrict_after_days=19,
        cancel_after_days=30,
        approval=approval,
    )
    outside = Outside(campaign=campaign, priority=80)
    async with beginner(env, skipping=False)(outside) as handle:
        grace = LongerGrace(at=now(), reason="they asked for time", operator="ops", days=9)
        for update, request in ((RecoveryCase.refuse_suspension, grace), (RecoveryCase.approve, word())):
            while (await asleep(handle)).case.question is None:
                await moved(env, handle, 1.5)
            await handle.execute_update(update, request)  # type: ignore[arg-type]
        await handle.result()
        return handle


async def handed_over_and_moved(env: WorkflowEnvironment) -> Played:
    """Handed over to a person, moved to another policy, resumed, noted, and paid."""
    async with beginner(env, skipping=False)(
        Outside(campaign=Campaign(retries=Retries(after_days=())))
    ) as handle:
        await asleep(handle)
        over = GiveTo(at=now(), reason="a friend", operator="ops", to="ben")
        await handle.execute_update(RecoveryCase.hand_over, over)
        await asleep(handle, StepKind.PERSON)
        move = ChangePolicy(
            at=now(), reason="a new policy", operator="ops", running=Running.NEXT_STEP, version="v2",
            campaign=Campaign(name="patient", grace_days=20),
        )  # fmt: skip
        await handle.execute_update(RecoveryCase.change_policy, move)
        await handle.execute_update(RecoveryCase.resume, word())
        await handle.execute_update(RecoveryCase.note, word())
        await asleep(handle)
        await handle.signal(RecoveryCase.invoice_paid, InvoicePaid(at=now()))
        await handle.result()
        return handle


async def method_adopted(env: WorkflowEnvironment) -> Played:
    """The card update of a method that appeared first and was chosen then."""
    return await play_update(env, Shop(), APPEARED, CHOSEN)


_ALL = (
    retry_wins,
    suspended,
    stolen_card,
    unknown_settled,
    card_updated,
    paid_by_customer,
    marked_paid,
    paused_resumed_stopped,
    card_during_an_attempt,
    paid_while_the_suspension_is_closed,
    failed_step,
    disputed_while_stripe_is_away,
    stopped_between_two_tries,
    paid_twice,
    returned,
    people_noted,
    method_adopted,
    promised,
    cancelled_by_customer,
    wish_to_cancel,
    refused_then_approved,
    handed_over_and_moved,
)
SCENARIOS: dict[str, Callable[[WorkflowEnvironment], Awaitable[Played]]] = {
    play.__name__.replace("_", "-"): play for play in (*_ALL, *AROUND)
}
