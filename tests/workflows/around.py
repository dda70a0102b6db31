"""The workflows around the cases as they run, over activities that answer by a script: their histories are kept and replayed too."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities import card_contracts as cards
from activities import sweep_contracts as sweeps
from activities.contracts import Activity, OperatorRequest
from activities.digest_contracts import DIGEST_WORKFLOW, DigestActivity, DigestSent, StartDigest
from activities.integration_contracts import (
    INTEGRATION_WORKFLOW,
    Delivered,
    IntegrationActivity,
    StartIntegration,
)
from activities.people_contracts import LATE_CANCEL_WORKFLOW, LateCancel, LateCancelled
from activities.timing_contracts import TRAINING_WORKFLOW, StartTraining, TimingActivity, TrainingResult
from recoup.rules.base import Wire
from workflows.hosted import DELIVERING, RECOVERY
from workflows.integrations import Integration
from workflows.refresh import RefreshCards

Played = WorkflowHandle[Any, Any]
Answers = Sequence[Wire | Exception]
"""What an activity answers, one after the other; the last one for ever."""

NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)
REFUSED = ApplicationError("there is nothing like it", non_retryable=True)


def scripted(name: StrEnum, answers: Answers) -> Callable[..., Any]:
    """An activity of this name that answers by the script."""
    left = list(answers)

    @activity.defn(name=name.value)
    async def answering(*_: Any) -> Any:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return answering


@asynccontextmanager
async def begun(
    env: WorkflowEnvironment, name: str, start: Wire, script: dict[StrEnum, Answers]
) -> AsyncIterator[Played]:
    """The workflow of this name, with a worker for it."""
    queue = f"test-{uuid.uuid4()}"
    async with Worker(
        env.client,
        task_queue=queue,
        workflows=[*RECOVERY, *DELIVERING],
        activities=[scripted(each, answers) for each, answers in script.items()],
        identity="worker",
        build_id="tests",
    ):
        yield await env.client.start_workflow(name, start, id=queue, task_queue=queue)


async def _ended(env: WorkflowEnvironment, name: str, start: Wire, script: dict[StrEnum, Answers]) -> Played:
    async with begun(env, name, start, script) as handle:
        await handle.result()
        return handle


async def sweep(env: WorkflowEnvironment) -> Played:
    """Two pages of one look, one finding that mends itself, one that cannot be mended, and a look that cannot be finished."""
    found = [
        sweeps.Finding(
            look=sweeps.Look.UNSETTLED_ATTEMPTS, subject=f"key_{n}", because="no result", attempt=n
        )
        for n in range(7)
    ]
    pages: Answers = [
        sweeps.Page(at=NOW, looked=100, findings=tuple(found[:6]), after="key_5"),
        sweeps.Page(at=NOW, looked=1, findings=tuple(found[6:]), after=None),
        REFUSED,
        sweeps.Page(at=NOW, looked=3, findings=(), after=None),
    ]
    mended: Answers = [
        sweeps.Mended(at=NOW, did="settled", because="Stripe knows it as paid"),
        sweeps.Mended(at=NOW, did=None, because="it has its result by now"),
        REFUSED,
        sweeps.Mended(at=NOW, did="settled", because="Stripe knows it as declined"),
    ]
    script: dict[StrEnum, Answers] = {sweeps.SweepActivity.LOOK: pages, sweeps.SweepActivity.MEND: mended}
    return await _ended(env, sweeps.RECONCILE_WORKFLOW, sweeps.StartSweep(), script)


_MIRROR: dict[StrEnum, Answers] = {
    cards.CardActivity.CATCH_UP: [
        cards.CaughtUp(at=NOW, read=50, more=True, marked_before=NOW),
        cards.CaughtUp(at=NOW, read=3, more=False, marked_before=NOW),
    ],
    cards.CardActivity.IMPORT_PAGE: [
        cards.Imported(at=NOW, looked=100, more=True),
        cards.Imported(at=NOW, looked=7, more=False),
    ],
}


async def mirror(env: WorkflowEnvironment) -> Played:
    """Who was marked is read again, and two pages of subscriptions are imported."""
    return await _ended(env, cards.MIRROR_WORKFLOW, cards.KeepMirror(), _MIRROR)


async def expiring(env: WorkflowEnvironment) -> Played:
    """Three are reminded, one cannot be, and one waits for an hour at which it may be written to."""
    few = tuple(cards.Remind(customer=f"cus_{n}", method=f"pm_{n}") for n in range(5))
    waits = cards.Reminded(
        at=NOW, told=cards.Told.WAITS, because="it is night", not_before=NOW + timedelta(hours=2)
    )
    told = cards.Reminded(at=NOW, told=cards.Told.TOLD, because="sent")
    script: dict[StrEnum, Answers] = _MIRROR | {
        cards.CardActivity.DUE_REMINDERS: [
            cards.DuePage(at=NOW, looked=5, found=few, after="pm_4"),
            cards.DuePage(at=NOW, looked=0, found=(), after=None),
            cards.DuePage(at=NOW + timedelta(hours=2), looked=1, found=few[:1], after=None),
        ],
        cards.CardActivity.REMIND: [waits, REFUSED, told],
    }
    return await _ended(env, cards.EXPIRING_WORKFLOW, cards.StartExpiring(rests=True), script)


async def refresh(env: WorkflowEnvironment) -> Played:
    """Customers are selected, some are asked, an operator pauses and resumes, and one page is given up until it is resumed."""
    tallies = [cards.RefreshTally(waiting=9 - n, told=n) for n in (3, 6, 9)]
    script: dict[StrEnum, Answers] = _MIRROR | {
        cards.CardActivity.SELECT_TARGETS: [
            cards.Selected(at=NOW, added=5, after="pm_5"),
            cards.Selected(at=NOW, added=4, after=None),
        ],
        cards.CardActivity.WORK_TARGETS: [
            cards.Worked(at=NOW, tally=tallies[0], wait_seconds=60),
            REFUSED,
            cards.Worked(at=NOW, tally=tallies[1]),
            cards.Worked(at=NOW, tally=tallies[2]),
        ],
    }
    word = OperatorRequest(at=NOW, reason="the issuer called", operator="ops")
    start = cards.StartRefresh(name="renewed", mirrored=True)
    async with begun(env, cards.REFRESH_WORKFLOW, start, script) as handle:
        while (await handle.query(RefreshCards.progress)).state != "paused":  # noqa: ASYNC110  # it pauses itself, in another process
            await asyncio.sleep(0.02)
        await handle.execute_update(RefreshCards.resume, word)
        await handle.signal(RefreshCards.more)
        await handle.result()
        return handle


async def integration(env: WorkflowEnvironment) -> Played:
    """There is more at once, then a rest that a word ends, then the destination is gone."""
    script: dict[StrEnum, Answers] = {
        IntegrationActivity.DELIVER: [
            Delivered(at=NOW, delivered=100, more=True),
            Delivered(at=NOW, delivered=2, wait_seconds=86_400),
            Delivered(at=NOW, delivered=1, wait_seconds=30),
            Delivered(at=NOW, gone=True),
        ]
    }
    async with begun(env, INTEGRATION_WORKFLOW, StartIntegration(destination="crm"), script) as handle:
        await handle.signal(Integration.look_now)
        await handle.result()
        return handle


async def training(env: WorkflowEnvironment) -> Played:
    """A model that was not promoted."""
    result = TrainingResult(
        at=NOW, version="m1", promoted=False, because="too few attempts", attempts=12, approved=3, is_new=True
    )
    script: dict[StrEnum, Answers] = {TimingActivity.TRAIN: [result]}
    return await _ended(env, TRAINING_WORKFLOW, StartTraining(by="schedule"), script)


async def digest(env: WorkflowEnvironment) -> Played:
    """The mail server is away at first."""
    sent = DigestSent(at=NOW, week="2026-W47", sent=2, had=1)
    script: dict[StrEnum, Answers] = {DigestActivity.SEND: [RuntimeError("away"), sent]}
    return await _ended(env, DIGEST_WORKFLOW, StartDigest(), script)


async def late_cancel(env: WorkflowEnvironment) -> Played:
    """A payment is on its way at the first look; at the second nobody has come back."""
    start = LateCancel(
        case_id="in_1", invoice="in_1", customer="cus_1", subscription="sub_1", at=NOW,
        due_at=NOW + timedelta(days=30), because="nobody has come back in 30 days after the suspension",
    )  # fmt: skip
    looks = [
        LateCancelled(
            at=start.due_at, done=False, because="a payment is on its way",
            look_again_at=start.due_at + timedelta(days=1),
        ),
        LateCancelled(at=start.due_at + timedelta(days=1), done=True, because="cancelled"),
    ]  # fmt: skip
    script: dict[StrEnum, Answers] = {Activity.CANCEL_AT_LAST: looks}
    return await _ended(env, LATE_CANCEL_WORKFLOW, start, script)


AROUND: tuple[Callable[[WorkflowEnvironment], Awaitable[Played]], ...] = (
    sweep, mirror, expiring, refresh, integration, training, digest, late_cancel,
)  # fmt: skip
