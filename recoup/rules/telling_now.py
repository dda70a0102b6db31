"""A message that an operator asks for: now, beside what the campaign says on its own days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from recoup.rules.case import AskedMessage, Case, Template
from recoup.rules.policy import Campaign
from recoup.rules.step import Step, StepKind

BY_HAND = "by_hand"


def is_by_hand(key: str) -> bool:
    """Whether a message with this key was asked for by an operator."""
    return f"/{BY_HAND}/" in key


def offered(campaign: Campaign) -> tuple[Template, ...]:
    """The messages of a campaign that an operator may send at any time; a last notice and what ends a case have their own moments."""
    return tuple(dict.fromkeys(Template(step.template) for step in campaign.messages))


def refusal(case: Case, template: Template) -> str | None:
    """Why this message cannot be asked for now."""
    known = offered(case.campaign)
    if template not in known:
        return f"The campaign has no message {template.value} to send now; it has {', '.join(each.value for each in known)}"
    if case.asked_message is not None:
        return "The message that was asked for before has not gone out yet; there is one at a time"
    return None


def asked_for(case: Case, template: Template) -> Case:
    """An operator wants this said now."""
    if case.outcome is not None:
        return case
    count = sum(is_by_hand(sent.key) for sent in case.messages)
    key = f"{template.value}/{BY_HAND}/{count + 1}"
    return case.model_copy(update={"asked_message": AskedMessage(template=template, key=key)})


def asked_step(case: Case, as_said: Callable[[str], Template], now: datetime) -> Step | None:
    """The message that was asked for; ``as_said`` is the template that says it as things stand."""
    asked = case.asked_message
    if asked is None:
        return None
    return Step(
        kind=StepKind.MESSAGE,
        due_at=now,
        because="an operator asked for this message now",
        template=as_said(asked.template.value),
        key=asked.key,
    )
