"""What the Temporal UI shows of a case: search attributes, current details, timer summaries."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeUpdate

from recoup.rules.case import Case, Outcome, Stage
from recoup.rules.declines import read
from recoup.rules.holding import gathering
from recoup.rules.money import in_words
from recoup.rules.steps import Step, StepKind, asked_attempt
from recoup.temporal import attributes
from workflows._orders import cut

_DOING = {
    StepKind.MESSAGE: "tell the customer",
    StepKind.ATTEMPT: "try to collect",
    StepKind.SETTLE: "find out what became of the attempt",
    StepKind.LOOK: "read the invoice again",
    StepKind.MARK_PAID: "mark the invoice as paid outside Stripe",
    StepKind.WRITE_OFF: "write the invoice off",
    StepKind.RESTRICT: "restrict the access",
    StepKind.APPROVAL: "ask whether the suspension may be made",
    StepKind.SUSPEND: "suspend the subscription",
    StepKind.PERSON: "wait for a person",
    StepKind.RESUME: "go on after the pause",
    StepKind.CLOSE: "close the case",
    StepKind.RESTORE: "restore the access",
    StepKind.RELEASE: "give the invoice back to Stripe",
    StepKind.END: "nothing more",
}


_MINUTE = "%a %d %b %Y %H:%M"


def waiting_for(step: Step) -> str:
    """The summary of the timer that waits for this step."""
    return cut(f"{_DOING[step.kind]}: {step.because}")


def show(before: Case, case: Case, step: Step, now: datetime) -> None:
    """Bring what the UI shows up to date, with one history event at most."""
    workflow.set_current_details(details(case, step, now))
    if _follows_at_once(case, step, now) and not case.stage.is_final and case.stage is before.stage:
        return
    updates = _updates(case, step, now)
    held = {pair.key.name: pair.value for pair in workflow.info().typed_search_attributes}
    changed = [update for update in updates if held.get(update.key.name) != update.value]
    if changed:
        workflow.upsert_search_attributes(changed)


def _follows_at_once(case: Case, step: Step, now: datetime) -> bool:
    """Whether the step needs no announcement: it is due, or it is a message that only gathers what else fails in these minutes."""
    gathers = step.kind is StepKind.MESSAGE and case.stage is Stage.OPEN
    return step.is_due(now + gathering(case) if gathers else now)


def refused(outcome: Outcome, because: str) -> None:
    """Show why there is no case."""
    workflow.set_current_details(f"**{outcome}**: {because}")
    workflow.upsert_search_attributes([attributes.STAGE.value_set(outcome.stage.value)])


def _updates(case: Case, step: Step, now: datetime) -> list[SearchAttributeUpdate[Any]]:
    # Whoever begins a case sets what identifies it, as far as it is known there: for a return that is the invoice alone.
    wanted: list[SearchAttributeUpdate[Any]] = [
        attributes.CUSTOMER.value_set(case.customer),
        attributes.AMOUNT.value_set(case.due.amount),
        attributes.CURRENCY.value_set(case.due.currency),
        attributes.STAGE.value_set(case.stage.value),
        attributes.ATTEMPT.value_set(case.attempts_made),
        attributes.CAMPAIGN.value_set(case.campaign.name),
    ]
    if case.subscription is not None:
        wanted.append(attributes.SUBSCRIPTION.value_set(case.subscription))
    if case.priority is not None:
        wanted.append(attributes.PRIORITY.value_set(case.priority))
    if case.decline is not None:
        wanted.append(attributes.DECLINE_CLASS.value_set(read(case.decline).decline_class.value))
    if step.due_at is not None and not step.is_due(now):
        wanted.append(attributes.NEXT_ACTION.value_set(step.due_at))
    elif case.stage.is_final or step.due_at is None:
        wanted.append(attributes.NEXT_ACTION.value_unset())
    return wanted


def details(case: Case, step: Step, now: datetime) -> str:
    """What stands under "current details": what it is about, what comes next and why, and whom it waits for."""
    lines = [
        f"**{case.stage}** · {in_words(case.due)} · {case.invoice} · {case.customer}",
        "",
    ]
    if case.outcome is not None:
        lines.append(f"Outcome: **{case.outcome}**, because {case.because}.")
    else:
        lines.append(f"Next: **{_DOING[step.kind]}** {_when(step, now)}, because {step.because}.")
    if (asked := asked_attempt(case, now)) is not None and step.kind is not StepKind.ATTEMPT:
        lines.append(f"Asked for: **{_DOING[asked.kind]}** {_when(asked, now)}, because {asked.because}.")
    if case.decline is not None:
        lines.append(f"Last decline: `{case.decline.code}`, read as {read(case.decline).decline_class}.")
    sent = ", ".join(message.key for message in case.messages) or "none"
    lines.append(
        f"Attempts: {case.attempts_made} ({case.retries_made} scheduled). Messages: {sent}. Access: {case.access}."
    )
    if case.outcome is None:
        lines += _waits(case, step)
    if case.priority:
        lines.append(f"Priority: **{case.priority}** ({', '.join(case.priority_because)}).")
    return "\n\n".join(line for line in lines if line)


def _waits(case: Case, step: Step) -> Iterator[str]:
    """What stands beside the next step: messages that were put off, a customer's word, the person in whose hands it is."""
    for held in (each for each in case.put_off if each.key != step.key):
        yield f"Put off: {held.key}, until {held.until:{_MINUTE}} UTC, because {held.because}."
    if case.promise is not None:
        kept = ", tried on that day" if case.promise.tried else ""
        yield f"Promise: the customer pays by {case.promise.until:{_MINUTE}} UTC{kept}."
    if case.person_because is not None and step.kind is not StepKind.PERSON:
        yield f"Waits for a person: {case.person_because}."
    if case.assigned_to is not None:
        yield f"Given to: {case.assigned_to}."


def _when(step: Step, now: datetime) -> str:
    if step.due_at is None:
        return "(no date)"
    return "now" if step.is_due(now) else f"on {step.due_at:{_MINUTE}} UTC"
