"""A case that grows continues as new, and goes on as if nothing had happened."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.contracts import FailedAgain, StartCase
from recoup.rules import fold
from recoup.rules.case import MessageState, Outcome
from tests.rules.cases import a_case
from tests.workflows.outside import Outside
from workflows.recovery import RecoveryCase

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_continued_case_is_not_taken_up_again(time_skipping_env: WorkflowEnvironment) -> None:
    """What was said and tried before stays so: the case goes straight on to its next step, with new request names."""
    now = datetime.now(UTC)
    case = fold.message_done(a_case(failed_at=now), "payment_failed", MessageState.SENT, now)
    outside, queue = Outside(answers=["paid"]), f"test-{uuid.uuid4()}"
    start = StartCase(invoice=case.invoice, at=now, case=case, acts=17)
    with ThreadPoolExecutor(2) as threads:
        async with Worker(
            time_skipping_env.client,
            task_queue=queue,
            workflows=[RecoveryCase],
            activities=outside.activities(),
            activity_executor=threads,
        ):
            result = await time_skipping_env.client.execute_workflow(
                RecoveryCase.run, start, id=queue, task_queue=queue
            )
    assert result.outcome is Outcome.RECOVERED_BY_RETRY
    assert outside.kinds() == ["attempt:schedule", "close:recovered_by_retry", "message:recovered"]
    assert [request.rpartition("/")[2] for request in outside.requests] == ["18", "19", "20"]


@pytest.mark.slow
async def test_a_flood_of_news_does_not_grow_a_history_for_ever(
    time_skipping_env: WorkflowEnvironment,
) -> None:
    """Thousands of signals make the case continue as new between two steps; it is the same case afterwards."""
    outside, queue = Outside(), f"test-{uuid.uuid4()}"
    now = datetime.now(UTC)
    with ThreadPoolExecutor(2) as threads:
        async with Worker(
            time_skipping_env.client,
            task_queue=queue,
            workflows=[RecoveryCase],
            activities=outside.activities(),
            activity_executor=threads,
        ):
            with time_skipping_env.with_time_skipping_disabled():
                first = await time_skipping_env.client.start_workflow(
                    RecoveryCase.run, StartCase(invoice="in_flood", at=now), id=queue, task_queue=queue
                )
            for number in range(4500):
                news = FailedAgain(at=now + timedelta(seconds=number))
                await time_skipping_env.client.get_workflow_handle(queue).signal(
                    RecoveryCase.payment_failed, news
                )
            run = await time_skipping_env.client.get_workflow_handle(queue).describe()
            before = await time_skipping_env.client.get_workflow_handle(
                queue, run_id=first.first_execution_run_id
            ).describe()
            assert before.status is WorkflowExecutionStatus.CONTINUED_AS_NEW
            assert run.run_id != first.first_execution_run_id
            assert outside.kinds().count("take_up:in_flood") == 1
            await time_skipping_env.client.get_workflow_handle(queue).terminate()
