"""When access ends: the last notice, the restriction before the suspension, and the cancellation after it."""

from __future__ import annotations

from datetime import datetime

from recoup.rules.base import days
from recoup.rules.case import Case, MessageState, SentMessage, Template
from recoup.rules.policy import Campaign


def notices_of(case: Case) -> tuple[SentMessage, ...]:
    """The last notices of a case, sent or not, in their order."""
    return tuple(sent for sent in case.messages if sent.key.startswith(Template.LAST_NOTICE))


def was_warned(case: Case) -> bool:
    """Whether a last notice was confirmed as sent, and the newest one was kept from the customer by no stopped channel."""
    notices = notices_of(case)
    confirmed = any(notice.state is MessageState.SENT for notice in notices)
    return confirmed and not notices[-1].state.is_silenced


def grace_ends(case: Case, campaign: Campaign) -> datetime:
    """When the campaign's grace is over, or the longer one that a person gave."""
    planned = case.failed_at + days(campaign.suspend_after_days)
    return max(planned, case.grace_until or planned)


def notice_due(case: Case, campaign: Campaign) -> datetime:
    """When the last notice goes out."""
    return grace_ends(case, campaign) - days(campaign.warning.days_before)


def renewed_notice_due(case: Case, campaign: Campaign) -> datetime | None:
    """When a last notice goes out once more, because a person gave so much longer that what the old one announced is past by then."""
    notices = notices_of(case)
    if case.grace_until is None or not was_warned(case):
        return None
    due, announced = notice_due(case, campaign), max(notice.at for notice in notices)
    return due if due > announced + days(campaign.warning.days_before) else None


def suspend_at(case: Case, campaign: Campaign) -> datetime:
    """When access ends if nothing is paid: never sooner after the last notice than the campaign promises, nor before the day
    by which the customer promised to pay.
    """
    planned = grace_ends(case, campaign)
    notices = [notice.at for notice in notices_of(case)]
    if not notices and (waits := case.waits(Template.LAST_NOTICE)):
        notices = [waits.until]
    warned = max(notices) + days(campaign.warning.days_before) if notices else planned
    return max(planned, warned, *_holds(case, planned))


def restrict_at(case: Case, campaign: Campaign) -> datetime | None:
    """When the access is restricted; ``None`` where it never is. Never before the last notice, and later where the grace is longer."""
    if campaign.restrict_after_days is None:
        return None
    planned = grace_ends(case, campaign) - days(campaign.suspend_after_days - campaign.restrict_after_days)
    waits = case.waits(Template.LAST_NOTICE)
    notices = [notice.at for notice in notices_of(case)] or ([waits.until] if waits else [])
    return max(planned, *_holds(case, planned), *notices)


def _holds(case: Case, planned: datetime) -> tuple[datetime, datetime]:
    """What withholds no access before its day: the customer's promise, and a payment that is on its way."""
    return case.promise.until if case.promise else planned, case.suspend_not_before or planned


def cancel_at(suspended_at: datetime, campaign: Campaign) -> datetime | None:
    """When a subscription that was paused then is cancelled at last; ``None`` where it never is."""
    return None if campaign.cancel_after_days is None else suspended_at + days(campaign.cancel_after_days)
