"""How a case gives its orders, reads the reports, and what it refuses an operator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

from activities.contracts import Activity, AttemptReport, Decision, MessageReport, TellCase
from activities.wish_contracts import PromiseToPay
from recoup.rules import asking, fold
from recoup.rules.base import Wire
from recoup.rules.case import Case, Trigger
from recoup.rules.promising import refusal
from recoup.rules.step import Step

Report = TypeVar("Report", bound=Wire)

START_TO_CLOSE = timedelta(seconds=600)
"""More than all the Stripe calls of one activity can take with the SDK's own retries."""

HEARTBEAT = timedelta(seconds=15)
"""A worker that does not tell of an activity for so long is taken for dead (:mod:`recoup.temporal.heartbeats`)."""

RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=5)
)
"""Without an end: what cannot be reached now is reached later; what can never succeed says so itself."""

A_MINUTE = timedelta(minutes=1)

SUMMARY_BYTES = 200


async def execute(
    activity: StrEnum,
    order: Wire,
    report: type[Report],
    summary: str,
    *,
    until: Callable[[], bool] | None = None,
) -> Report:
    """Have one activity done, however often it takes, or ``until`` it is not wanted any more.

    What is running then comes to its end and its report counts; only what waits to be tried again is given up, as a
    cancelled :class:`ActivityError`.
    """
    handle: workflow.ActivityHandle[Report] = workflow.start_activity(
        activity.value,
        order,
        result_type=report,
        start_to_close_timeout=START_TO_CLOSE,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=RETRY,
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=cut(summary),
    )
    if until is not None:
        await workflow.wait_condition(lambda: handle.done() or until())
        if not handle.done():
            handle.cancel()
    return await handle


async def page(activity: str, order: Wire | None, report: type[Report], summary: str) -> Report:
    """Have one page of something long done, however often it takes."""
    done: Report = await workflow.execute_activity(
        activity,
        args=[] if order is None else [order],
        result_type=report,
        start_to_close_timeout=START_TO_CLOSE,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=RETRY,
        summary=cut(summary),
    )
    return done


async def tell(order: TellCase) -> bool:
    """Tell one case of a new method; ``False`` when it was over."""
    told: bool = await workflow.execute_activity(
        Activity.TELL_CASE.value,
        order,
        result_type=bool,
        start_to_close_timeout=START_TO_CLOSE,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=RETRY,
        summary=f"tell {order.case.case_id}",
    )
    return told


def cut(text: str) -> str:
    """Shorten to what the Temporal UI takes as a summary."""
    return text.encode()[:SUMMARY_BYTES].decode(errors="ignore")


def common(case: Case, step: Step, now: datetime, acts: int) -> dict[str, Any]:
    """What every order carries; the request is unique for this act of this case."""
    return {
        "case_id": case.id,
        "invoice": case.invoice,
        "customer": case.customer,
        "subscription": case.subscription,
        "request": f"{workflow.info().first_execution_run_id}/{acts}",
        "decision": _decision(case, step, now),
    }


def _decision(case: Case, step: Step, now: datetime) -> Decision:
    """The decision for a step; of an attempt at its planned moment also who chose that, and how likely it was."""
    said = Decision(at=now, step=step, known=known(case, now), rules_version=case.rules_version)
    planned = case.planned
    if planned is None or step.trigger is not Trigger.SCHEDULE or step.due_at != planned.at:
        return said
    return said.model_copy(update={"model": planned.model, "propensity": planned.propensity})


def known(case: Case, now: datetime) -> dict[str, str | int | None]:
    """What the decision looked at, in short; only what is set."""
    facts: dict[str, str | int | None] = {
        "decline": case.decline.code if case.decline else None,
        "hours": int((now - case.failed_at).total_seconds() // 3600),
        "attempts": case.attempts_made,
        "retries": case.retries_made,
        "messages": len(case.messages),
        "untried": case.untried,
        "not_before": case.not_before.isoformat() if case.not_before else None,
    }
    return {name: value for name, value in facts.items() if value not in (None, 0)}


def fold_report(case: Case, report: AttemptReport) -> Case:
    """Fold what came of an attempt into the case."""
    return fold.attempt_folded(
        fold.stripe_seen(case, report.stripe),
        report.trigger,
        report.state,
        number=report.number,
        at=report.at,
        because=report.because,
        decline=report.decline,
        payment_method=report.payment_method,
        ended_as=report.ended,
        not_before=report.not_before,
        check_at=report.check_at,
    )


def fold_message(case: Case, report: MessageReport) -> Case:
    """Fold what came of a message into the case."""
    if report.not_before is not None:
        return fold.message_put_off(case, report.key, report.not_before, report.because)
    said_at = report.said_at or report.at
    return fold.message_done(case, report.key, report.state, said_at, report.covered_by)


def unhurried(report: Report, now: datetime, **before: datetime | None) -> Report:
    """A report that asks to wait for later moments than those that the case has waited for; otherwise for a minute more.

    Whoever reports goes by another clock than Temporal's: a case that runs ahead of that clock would ask again at once, and be told
    the same, until the two meet. Only what was told is compared, never the time itself, which a replay may see a little differently.
    """
    told = {name: getattr(report, name) for name, was in before.items() if was is not None}
    again = {name for name, moment in told.items() if moment is not None and moment <= before[name]}
    if not again or not workflow.patched("no-circle-between-two-clocks"):
        return report
    return report.model_copy(update=dict.fromkeys(again, (now + A_MINUTE).replace(microsecond=0)))


def describe_failure(error: ActivityError) -> str:
    """The innermost message of an activity's failure, short enough for a history."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return cut(str(cause) or type(cause).__name__)


def refuse_if_over(case: Case | None) -> None:
    """Refuse an operator's word to a case that is not open."""
    if case is None:
        raise ApplicationError("The case is being opened; ask again in a moment")
    refuse(asking.over(case))


def refuse(because: str | None) -> None:
    """Refuse an operator's word, where there is a reason to."""
    if because is not None:
        raise ApplicationError(because)


def refuse_promise(case: Case, promise: PromiseToPay, now: datetime) -> None:
    """Refuse a promise that the policy, or what has happened, leaves no room for."""
    refuse(refusal(case, promise.until, now))


def refuse_retry(case: Case, *, under_way: bool) -> None:
    """Refuse an attempt that must not be made."""
    refuse(asking.retry(case, under_way=under_way))


def refuse_resume(case: Case | None) -> None:
    """Refuse to resume what is not held."""
    if case is None:
        refuse_if_over(case)
    else:
        refuse(asking.resume(case))
