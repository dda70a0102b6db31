"""People and a case, on a real Temporal server: approvals, grace, hand-over, notes, and the record that each word leaves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from activities.contracts import CaseView, InvoicePaid, OperatorRequest
from activities.note_contracts import NoteKind
from activities.people_contracts import (
    AssignCase,
    ChangePolicy,
    GiveTo,
    LateCancelled,
    LongerGrace,
    MoveCase,
    Running,
)
from recoup.rules.case import Outcome, Stage
from recoup.rules.people import Approval, Default, People
from recoup.rules.policy import Campaign, LastNotice, MessageStep, Retries
from recoup.rules.steps import StepKind
from recoup.temporal import attributes
from tests.workflows.outside import Outside
from tests.workflows.playing import Begin, Handle, asleep, moved
from workflows.recovery import RecoveryCase

pytestmark = pytest.mark.asyncio(loop_scope="session")

APPROVAL = Approval(
    from_priority=60,
    remind_after_days=1,
    escalate_after_days=2,
    decide_after_days=4,
    people=People(approvers=("anna", "ben"), escalate_to=("boss",)),
)
SHORT = Campaign(
    messages=(MessageStep(template="payment_failed", after_days=0),),
    retries=Retries(after_days=()),
    window_days=2,
    grace_days=0,
    warning=LastNotice(days_before=1),
    approval=APPROVAL,
)
"""Told at once, warned on day 1, suspended on day 2 if a person approves it."""


def word(operator: str = "anna", reason: str = "talked to them") -> OperatorRequest:
    return OperatorRequest(at=datetime.now(UTC), reason=reason, operator=operator)


def longer(days: float, operator: str = "anna") -> LongerGrace:
    return LongerGrace(at=datetime.now(UTC), reason="they asked for time", operator=operator, days=days)


def events(outside: Outside) -> list[str]:
    return [note.kind.value for note in outside.notes]


async def asked(env: WorkflowEnvironment, handle: Handle) -> CaseView:
    """The case once it waits for the approval of its suspension."""
    for _ in range(6):
        view = await asleep(handle)
        if view.case.question is not None:
            return view
        await moved(env, handle, 0.6)
    raise AssertionError("nobody was asked")


async def test_an_important_account_is_not_suspended_unasked(
    begin: Begin, time_skipping_env: WorkflowEnvironment
) -> None:
    """The case waits in the stage ``person`` with its reason, also in the ledger's queue, and is suspended on a person's word."""
    outside = Outside(campaign=SHORT, priority=80)
    async with begin(outside) as handle:
        view = await asked(time_skipping_env, handle)
        assert view.case.stage is Stage.PERSON
        assert "suspend" not in [kind for kind, _, _ in outside.done]
        assert [told.stage for told in outside.stages] == [Stage.PERSON]
        assert outside.notes[0].kind is NoteKind.APPROVAL_ASK
        assert outside.notes[0].people == "anna, ben"
        assert "the priority is 80 (+80 a large account)" in outside.notes[0].because
        said = await handle.execute_update(RecoveryCase.approve, word())
        assert said.next.kind is StepKind.SUSPEND
        assert "anna approved the suspension" in said.next.because
        result = await handle.result()
    assert result.outcome is Outcome.LOST_SUSPENDED
    spoken = next(note for note in outside.notes if note.kind is NoteKind.OPERATOR_WORD)
    assert (spoken.operator, spoken.word, spoken.because) == ("anna", "approve", "talked to them")


async def test_an_account_below_the_priority_is_suspended_by_itself(play: Begin) -> None:
    """Nobody is asked about those that the policy does not name."""
    outside = Outside(campaign=SHORT, priority=59)
    async with play(outside) as handle:
        assert (await handle.result()).outcome is Outcome.LOST_SUSPENDED
    assert events(outside) == []


async def test_people_are_reminded_then_others_then_the_default_decides(play: Begin) -> None:
    """Each stage is recorded with whom it is for, at its day; in the end the policy's default suspends."""
    outside = Outside(campaign=SHORT, priority=80)
    async with play(outside) as handle:
        result = await handle.result()
    kinds = [(note.kind.value, note.people) for note in outside.notes]
    assert kinds == [
        ("approval_ask", "anna, ben"),
        ("approval_remind", "anna, ben"),
        ("approval_escalate", "boss"),
        ("approval_default", "anna, ben"),
    ]
    assert outside.days("suspend") == pytest.approx([6.0], abs=0.1)
    assert result.outcome is Outcome.LOST_SUSPENDED


async def test_waiting_by_default_asks_anew_and_still_ends(play: Begin) -> None:
    """With ``default: wait`` the question is put again as often as the policy says, and then the suspension follows."""
    approval = APPROVAL.model_copy(update={"default": Default.WAIT, "rounds": 3})
    outside = Outside(campaign=SHORT.model_copy(update={"approval": approval}), priority=80)
    async with play(outside) as handle:
        await handle.result()
    assert events(outside).count("approval_default") == 3
    assert events(outside).count("approval_remind") == 3
    assert outside.days("suspend") == pytest.approx([14.0], abs=0.1)


async def test_a_refused_suspension_gives_time_and_is_asked_again(
    begin: Begin, time_skipping_env: WorkflowEnvironment
) -> None:
    """The customer keeps access for the new grace, gets a new last notice before its end, and people are asked anew."""
    outside = Outside(campaign=SHORT, priority=80)
    async with begin(outside) as handle:
        await asked(time_skipping_env, handle)
        said = await handle.execute_update(RecoveryCase.refuse_suspension, longer(10))
        assert said.next.kind is StepKind.MESSAGE
        assert said.stage is Stage.WARNED
        await moved(time_skipping_env, handle, 9.1)
        view = await asked(time_skipping_env, handle)
        assert view.case.question is not None
        await handle.execute_update(RecoveryCase.approve, word("boss"))
        await handle.result()
    assert outside.days("message")[:3] == pytest.approx([0.0, 1.0, 11.5], abs=0.7)
    assert outside.days("suspend")[0] >= 12.0
    assert events(outside).count("approval_ask") == 2
    # It left the queue of people while the new grace ran.
    assert [told.stage for told in outside.stages][:3] == [Stage.PERSON, Stage.WARNED, Stage.PERSON]


async def test_only_those_whom_the_policy_names_decide(
    begin: Begin, time_skipping_env: WorkflowEnvironment
) -> None:
    """Another operator is told who decides; before the question nobody can decide."""
    outside = Outside(campaign=SHORT, priority=80)
    async with begin(outside) as handle:
        await asleep(handle)
        with pytest.raises(WorkflowUpdateFailedError) as early:
            await handle.execute_update(RecoveryCase.approve, word())
        assert "does not wait for an approval" in str(early.value.cause)
        await asked(time_skipping_env, handle)
        for update, request in (
            (RecoveryCase.approve, word("eve")),
            (RecoveryCase.refuse_suspension, longer(5, "eve")),
        ):
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await handle.execute_update(update, request)  # type: ignore[arg-type]
            assert "anna, ben, boss decide about this suspension, not eve" in str(refused.value.cause)
        await handle.terminate()
    assert "operator_word" not in events(outside)


async def test_a_payment_ends_the_waiting(begin: Begin, time_skipping_env: WorkflowEnvironment) -> None:
    """While people think, the customer pays: nobody is suspended."""
    outside = Outside(campaign=SHORT, priority=80)
    async with begin(outside) as handle:
        await asked(time_skipping_env, handle)
        await handle.signal(RecoveryCase.invoice_paid, InvoicePaid(at=datetime.now(UTC)))
        assert (await handle.result()).outcome is Outcome.RECOVERED_BY_CUSTOMER
    assert "suspend" not in [kind for kind, _, _ in outside.done]


async def test_a_case_that_was_handed_over_does_nothing_by_itself(
    begin: Begin, time_skipping_env: WorkflowEnvironment
) -> None:
    """Nothing is sent or suspended until it is resumed; who has it is recorded; then it goes on where it was."""
    outside = Outside(campaign=SHORT.model_copy(update={"approval": None}))
    async with begin(outside) as handle:
        await asleep(handle)
        over = GiveTo(at=datetime.now(UTC), reason="a friend of ours", operator="anna", to="ben")
        said = await handle.execute_update(RecoveryCase.hand_over, over)
        assert (said.stage, said.next.because) == (
            Stage.PERSON,
            "anna handed the case over to ben: a friend of ours",
        )
        await moved(time_skipping_env, handle, 30)
        view = await asleep(handle, StepKind.PERSON)
        assert (view.case.assigned_to, outside.kinds()[1:]) == ("ben", ["message:payment_failed"])
        said = await handle.execute_update(RecoveryCase.resume, word())
        assert said.next.key == "last_notice"
        await handle.terminate()
    assigned = [change for change in outside.changes if isinstance(change, AssignCase)]
    assert [(note.to, note.actor) for note in assigned] == [("ben", "anna")]
    words = [note.word for note in outside.notes]
    assert words == ["hand_over", "resume"]


async def test_notes_and_owners_change_nothing_else(begin: Begin) -> None:
    """A note and an owner leave their record, and the case goes on as it was."""
    outside = Outside(campaign=SHORT)
    async with begin(outside) as handle:
        before = await asleep(handle)
        await handle.execute_update(RecoveryCase.note, word(reason="prefers invoices"))
        to_ben = GiveTo(at=datetime.now(UTC), reason="his account", operator="anna", to="ben")
        said = await handle.execute_update(RecoveryCase.assign, to_ben)
        assert said.next == before.next
        assert (await asleep(handle)).case.assigned_to == "ben"
        await handle.execute_update(RecoveryCase.assign, to_ben.model_copy(update={"to": None}))
        assert (await asleep(handle)).case.assigned_to is None
        await handle.terminate()
    assert [(note.word, note.because) for note in outside.notes] == [("note", "prefers invoices")]
    assert [change.to for change in outside.changes if isinstance(change, AssignCase)] == ["ben", None]


async def test_a_longer_grace_moves_notice_and_suspension(
    begin: Begin, time_skipping_env: WorkflowEnvironment
) -> None:
    """Given before the last notice, the grace moves the notice too, so that it names the right day."""
    outside = Outside(campaign=SHORT.model_copy(update={"approval": None}))
    async with begin(outside) as handle:
        await asleep(handle)
        await handle.execute_update(RecoveryCase.extend_grace, longer(8))
        await moved(time_skipping_env, handle, 9.5)
        await asleep(handle, StepKind.SUSPEND)
        await moved(time_skipping_env, handle, 1)
        await handle.result()
    assert outside.days("message")[1] >= 9.0
    assert outside.days("suspend")[0] >= 10.0


async def test_the_priority_can_be_searched_for(begin: Begin) -> None:
    """``RecoupPriority`` is set from the first step on."""
    async with begin(Outside(priority=80)) as handle:
        await asleep(handle)
        assert (await handle.describe()).typed_search_attributes[attributes.PRIORITY] == 80
        await handle.terminate()


async def test_access_is_restricted_between_notice_and_suspension(play: Begin) -> None:
    """Warn, restrict, suspend: each at its day, in this order."""
    campaign = Campaign(window_days=14, grace_days=7, restrict_after_days=19, retries=Retries(after_days=()))
    outside = Outside(campaign=campaign)
    async with play(outside) as handle:
        await handle.result()
    kinds = outside.kinds()
    assert kinds.index("message:last_notice") < kinds.index("restrict:") < kinds.index("suspend:pause")
    assert (outside.days("restrict"), outside.days("suspend")) == ([19.0], [21.0])


async def test_a_payment_takes_the_restriction_back(
    begin: Begin, time_skipping_env: WorkflowEnvironment
) -> None:
    """A customer whose access was restricted and who pays gets it back before the thank-you."""
    campaign = SHORT.model_copy(update={"approval": None, "restrict_after_days": 1.0})
    outside = Outside(campaign=campaign)
    async with begin(outside) as handle:
        await asleep(handle)
        await moved(time_skipping_env, handle, 1.1)
        await asleep(handle, StepKind.SUSPEND)
        await handle.signal(RecoveryCase.invoice_paid, InvoicePaid(at=datetime.now(UTC)))
        await handle.result()
    assert outside.kinds()[-4:] == [
        "restrict:",
        "close:recovered_by_customer",
        "restore:",
        "message:recovered",
    ]


async def test_a_paused_subscription_is_cancelled_at_last(
    play: Begin, time_skipping_env: WorkflowEnvironment
) -> None:
    """The case ends with the suspension; its late cancellation waits by itself, also for a return that is under way."""
    campaign = SHORT.model_copy(update={"approval": None, "cancel_after_days": 30.0})
    outside = Outside(campaign=campaign, held_days=[1.0])
    async with play(outside) as handle:
        result = await handle.result()
        id_ = f"late-cancel/{result.case_id}"
        late = time_skipping_env.client.get_workflow_handle(id_, result_type=LateCancelled)
        done = await asyncio.wait_for(late.result(), 30)
    assert done.done
    closed = next(at for kind, _, at in outside.done if kind == "close")
    days = [(at - closed) / timedelta(days=1) for kind, _, at in outside.done if kind == "cancel"]
    assert days == pytest.approx([30.0, 31.0], abs=0.1)


async def test_a_case_moves_to_another_policy_with_its_past(
    begin: Begin, time_skipping_env: WorkflowEnvironment
) -> None:
    """From the next step on the new campaign holds; what was done already counts in it; the ledger has both versions' word."""
    outside = Outside(campaign=SHORT)
    new = SHORT.model_copy(update={"name": "patient", "approval": None, "grace_days": 20.0})
    async with begin(outside) as handle:
        await asleep(handle)
        move = ChangePolicy(
            at=datetime.now(UTC), reason="a new policy", operator="anna", running=Running.NEXT_STEP,
            version="v2", campaign=new, priority=10, priority_because=("+10 new",),
        )  # fmt: skip
        said = await handle.execute_update(RecoveryCase.change_policy, move)
        assert said.next.key == "last_notice"
        view = await asleep(handle)
        assert (view.case.campaign.name, view.case.priority) == ("patient", 10)
        assert view.next.due_at is not None
        assert (view.next.due_at - view.case.failed_at).days == 21
        assert (await handle.describe()).typed_search_attributes[attributes.CAMPAIGN] == "patient"
        await handle.terminate()
    moves = [change for change in outside.changes if isinstance(change, MoveCase)]
    assert [(note.version, note.campaign.name, note.actor) for note in moves] == [("v2", "patient", "anna")]
    assert outside.kinds().count("message:payment_failed") == 1
