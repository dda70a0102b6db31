"""The week as a mail to the operators, by a schedule."""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from datetime import timedelta

    from activities.digest_contracts import DIGEST_WORKFLOW, DigestActivity, DigestSent, StartDigest
    from workflows import _orders as orders

RETRY = RetryPolicy(
    initial_interval=timedelta(minutes=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(hours=3),
    maximum_attempts=24,
)
"""Two days: a mail server is back by then, or its address for somebody is wrong."""


@workflow.defn(name=DIGEST_WORKFLOW)
class WeeklyDigest:
    """One week's digest."""

    @workflow.run
    async def run(self, start: StartDigest) -> DigestSent:
        done: DigestSent = await workflow.execute_activity(
            DigestActivity.SEND.value,
            start,
            result_type=DigestSent,
            start_to_close_timeout=orders.START_TO_CLOSE,
            heartbeat_timeout=orders.HEARTBEAT,
            retry_policy=RETRY,
            summary="the last whole week, to the operators",
        )
        workflow.set_current_details(f"{done.week}: sent to {done.sent}, {done.had} had it already")
        return done
