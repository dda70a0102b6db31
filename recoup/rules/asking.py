"""What an operator may ask of a case: each function says why not, in one sentence, or nothing where it may be asked.

The case itself refuses with these sentences, and whoever shows beforehand what would follow has them from here too.
"""

from __future__ import annotations

from datetime import datetime

from recoup.rules.case import Case, Trigger
from recoup.rules.declines import read


def over(case: Case) -> str | None:
    """Why a case that has ended, or is ending as an operator said, hears nothing more."""
    if case.outcome is not None and case.failed_step is not None:
        return f"The case has ended as {case.outcome}; only `resume` does the step {case.failed_step} again, which failed"
    if case.outcome is not None:
        return f"The case has ended: {case.outcome}, because {case.because}"
    if case.stopping is not None and case.failed_step is None:
        return f"The case is being stopped: {case.stopping.because}"
    return None


def retry(case: Case, *, under_way: bool = False) -> str | None:
    """Why no attempt may be made now, nor be asked for."""
    if under_way:
        return "An attempt is under way; its result comes in a moment"
    if case.unsettled is not None:
        return f"Attempt {case.unsettled} has no final answer yet; another one now could charge twice"
    if case.decline is None or case.untried in (Trigger.CARD_UPDATE, Trigger.ACCOUNT_UPDATER):
        return None
    reading = read(case.decline)
    if reading.decline_class in ("hard", "fraud") or reading.needs_authentication:
        return f"An attempt with this payment method is not allowed ({reading.because}); the customer must act first"
    return None


def pause(until: datetime, now: datetime) -> str | None:
    """Why the clock cannot be stopped until then."""
    return None if until > now else f"A pause must end in the future; {until.isoformat()} is past"


def resume(case: Case) -> str | None:
    """Why there is nothing to resume. After the outcome too, a step that failed may be done again."""
    if case.outcome is not None and case.failed_step is None:
        return over(case)
    if case.outcome is None and case.paused_until is None and case.person_because is None:
        return "The case is neither paused nor waiting for a person"
    return None


def decision(case: Case, operator: str) -> str | None:
    """Why this operator cannot decide about the suspension."""
    if case.question is None or case.question.answer is not None:
        return "The case does not wait for an approval of its suspension"
    approval = case.campaign.approval
    if approval is not None and not approval.may_decide(operator):
        named = ", ".join((*approval.people.approvers, *approval.people.escalate_to))
        return f"The policy has {named} decide about this suspension, not {operator}"
    return None


def grace(case: Case) -> str | None:
    """Why the suspension cannot be moved."""
    return (
        "A return has no grace to extend: its subscription is suspended already" if case.is_return else None
    )
