"""Billing periods: an anchor and an interval make a sequence of moments."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime

from recoup.sandbox.http.errors import Doc

DAY = 86_400
_SECONDS = {"day": DAY, "week": 7 * DAY}


def period_end(start: int, interval: str, count: int, anchor: int) -> int:
    """The end of the period that starts at ``start``; months keep the anchor's day, or take their last one (UTC)."""
    if interval in _SECONDS:
        return start + count * _SECONDS[interval]
    months = count * (12 if interval == "year" else 1)
    began = datetime.fromtimestamp(start, UTC)
    place = began.year * 12 + began.month - 1 + months
    year, month = place // 12, place % 12 + 1
    day = min(datetime.fromtimestamp(anchor, UTC).day, calendar.monthrange(year, month)[1])
    return int(began.replace(year=year, month=month, day=day).timestamp())


def end_for(subscription: Doc, start: int) -> int:
    """The end of a subscription's period that starts then; the shortest of its items' intervals."""
    anchor = subscription["billing_cycle_anchor"]
    rhythms = [item["price"]["recurring"] for item in subscription["items"]["data"]]
    return min(period_end(start, rhythm["interval"], rhythm["interval_count"], anchor) for rhythm in rhythms)


def set_period(subscription: Doc, start: int, end: int) -> None:
    """Put every item of the subscription in this period."""
    for item in subscription["items"]["data"]:
        item["current_period_start"] = start
        item["current_period_end"] = end


def current_period(subscription: Doc) -> tuple[int, int]:
    """The period the subscription is in."""
    item = subscription["items"]["data"][0]
    return item["current_period_start"], item["current_period_end"]
