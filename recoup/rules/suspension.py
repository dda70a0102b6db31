"""When access ends."""

from __future__ import annotations

from datetime import datetime

from recoup.rules.base import days
from recoup.rules.case import Case, Template
from recoup.rules.policy import Campaign


def notice_due(case: Case, campaign: Campaign) -> datetime:
    """When the last notice goes out."""
    return case.failed_at + days(campaign.suspend_after_days - campaign.warning.days_before)


def suspend_at(case: Case, campaign: Campaign) -> datetime:
    """When access ends if nothing is paid: never sooner after the last notice than the campaign promises, nor before the day
    by which the customer promised to pay.
    """
    planned = case.failed_at + days(campaign.suspend_after_days)
    notices = [sent.at for sent in case.messages if sent.key.startswith(Template.LAST_NOTICE)]
    if not notices and (waits := case.waits(Template.LAST_NOTICE)):
        notices = [waits.until]
    warned = max(notices) + days(campaign.warning.days_before) if notices else planned
    promised = case.promise.until if case.promise else planned
    return max(planned, warned, promised, case.suspend_not_before or planned)
