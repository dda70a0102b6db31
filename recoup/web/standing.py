"""How a case stands for its customer, as the ledger alone has it: when access ends, what the bank said, whether a payment is on its way."""

from __future__ import annotations

from datetime import datetime

from pydantic import ValidationError

from recoup.ledger import CaseRow, Ledger
from recoup.rules.base import days
from recoup.rules.case import AttemptState, MessageState, Template
from recoup.rules.declines import Decline
from recoup.rules.policy import Campaign
from recoup.rules.step import StepKind


def is_under_way(ledger: Ledger, invoice: str) -> bool:
    """Whether a payment has been sent to the bank and has no final answer yet: who is asked for another might pay twice."""
    attempt = ledger.attempts.unsettled(invoice)
    return attempt is not None and attempt.state is not AttemptState.RESERVED


def newest_decline(ledger: Ledger, case: CaseRow | None) -> Decline | None:
    """The newest refusal: of our latest attempt, or else the one that the case began with."""
    if case is None:
        return None
    attempts = [row for row in ledger.attempts.of_invoice(case.invoice) if row.decline is not None]
    return attempts[-1].decline if attempts else case.decline


def suspension_of(ledger: Ledger, case: CaseRow, promised: datetime | None) -> datetime | None:
    """When this case would suspend: what it has planned, or the campaign's day if the plan names another step first."""
    if case.is_return:
        return None
    if case.next_kind == StepKind.SUSPEND:
        return case.next_at
    try:
        campaign = Campaign.model_validate(case.policy)
    except ValidationError:  # begun by another release
        return None
    planned = case.failed_at + days(campaign.suspend_after_days)
    notices = [
        message.finished_at
        for message in ledger.messages.of_case(case.id)
        if message.template is Template.LAST_NOTICE
        and message.state is MessageState.SENT
        and message.finished_at
    ]
    warned = [notice + days(campaign.warning.days_before) for notice in notices]
    if promised is not None:
        # Who was not warned before is warned on that day, and has the time that a warning gives.
        warned.append(promised if notices else max(planned, promised + days(campaign.warning.days_before)))
    return max([planned, *warned])
