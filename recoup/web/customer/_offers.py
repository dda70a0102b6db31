"""What the page offers a customer besides paying: worked out from the policy, the cases and, where it must be, from Stripe."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel import Locale

from recoup.billing.plans import STANDS_STILL, Plan
from recoup.messages import formatting
from recoup.rules.base import days
from recoup.rules.customer_page import CancelWhen, CustomerPage
from recoup.rules.money import totals
from recoup.web.customer._debt import Debt, Item
from recoup.web.stripe_side import Billing, Subscribed

_WHOLE_DAYS = (*range(1, 8), 10, 14, 21, 30)
"""Of a long promise a few days are offered, not each."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A smaller plan, and what it is smaller than."""

    subscription: Subscribed
    before: Plan
    after: Plan


def promise_days(page: CustomerPage, debt: Debt) -> tuple[int, ...]:
    """In how many days the customer may promise to pay; none where no case of theirs takes a promise."""
    if not debt.promisable:
        return ()
    return tuple(count for count in _WHOLE_DAYS if count <= page.promise_days)


def ways(page: CustomerPage, debt: Debt, subscriptions: Iterable[Subscribed]) -> dict[str, bool]:
    """Which of the other ways the page leads to."""
    concerned = _concerned(debt, subscriptions)
    return {
        "promise": bool(promise_days(page, debt)),
        "plan": any(_smaller(page, subscription) for subscription in concerned),
        "pause": bool(page.pause_days) and any(_may_pause(subscription) for subscription in concerned),
        "cancel": page.cancel is not CancelWhen.NOT_OFFERED and bool(debt.subscriptions),
    }


def asks_stripe(page: CustomerPage) -> bool:
    """Whether what is offered depends on the subscriptions as Stripe has them."""
    return bool(page.smaller_plans or page.pause_days)


def choices(page: CustomerPage, debt: Debt, billing: Billing) -> list[Choice]:
    """The smaller plans there are for what is open; each is a lower price in the same currency and rhythm."""
    found = []
    for subscription in _concerned(debt, billing.subscriptions(debt.customer)):
        for price, smaller in _smaller(page, subscription).items():
            before = billing.plan(price)
            offered = (billing.plan(each) for each in smaller)
            found += [
                Choice(subscription, before, after)
                for after in offered
                if before is not None and after is not None and after.is_smaller_than(before)
            ]
    return found


def pausable(debt: Debt, billing: Billing) -> list[Subscribed]:
    """The subscriptions with something open that can be paused."""
    return [each for each in _concerned(debt, billing.subscriptions(debt.customer)) if _may_pause(each)]


def _concerned(debt: Debt, subscriptions: Iterable[Subscribed]) -> list[Subscribed]:
    """Those with something open that still run: whose access is suspended has to pay, or to leave."""
    running = {item.invoice.subscription for item in debt.items if not item.suspended}
    return [each for each in subscriptions if each.id in running and not each.has_ended and not each.ends]


def _smaller(page: CustomerPage, subscription: Subscribed) -> dict[str, tuple[str, ...]]:
    return {
        plan.price: page.smaller_plans[plan.price]
        for plan in subscription.plans
        if plan.price in page.smaller_plans
    }


def _may_pause(subscription: Subscribed) -> bool:
    return subscription.paused_until is None and subscription.status in ("active", "past_due", "trialing")


@dataclass(frozen=True, slots=True)
class Writing:
    """How moments and amounts are written for one reader."""

    locale: Locale
    zone: str

    def day(self, moment: datetime | None) -> str | None:
        """The day with its name: ``Friday, 27 November 2026``."""
        if moment is None:
            return None
        local = formatting.local_date(moment, self.zone)
        return f"{formatting.weekday(local, self.locale)}, {formatting.long_date(local, self.locale)}"

    def days_ahead(self, counts: Iterable[int], now: datetime) -> list[dict[str, Any]]:
        """Choices of a number of days, with the day each leads to."""
        return [
            {
                "days": count,
                "count": formatting.day_count(count, self.locale),
                "day": self.day(now + days(count)),
            }
            for count in counts
        ]

    def owed(self, items: Iterable[Item], subscription: str) -> str:
        """What is open of one subscription."""
        mine = (item.invoice.due for item in items if item.invoice.subscription == subscription)
        return formatting.amounts(totals(mine), self.locale)

    def plan(self, plan: Plan) -> dict[str, Any]:
        """A plan with its price; the template knows the words for its rhythm."""
        return {
            "name": plan.name,
            "amount": formatting.amount(plan.amount, self.locale),
            "interval": plan.interval,
            "interval_count": plan.interval_count,
        }


def all_of(subscriptions: Iterable[str]) -> str:
    """What a form sends for all of these. What was not on the page that the customer saw is not meant by it."""
    return "all/" + hashlib.sha256(" ".join(sorted(subscriptions)).encode()).hexdigest()[:16]


def named(items: Iterable[Item], subscription: str) -> str | None:
    """A subscription as its open invoices call it."""
    mine = (item.invoice.description for item in items if item.invoice.subscription == subscription)
    return next((name for name in mine if name), None)


def ends_at(page: CustomerPage, subscription: Subscribed | None) -> datetime | None:
    """When a subscription that is cancelled now would end; ``None`` for at once."""
    waits = page.cancel is CancelWhen.PERIOD_END and subscription is not None
    if not waits or subscription is None or subscription.has_ended or subscription.status in STANDS_STILL:
        return None
    return subscription.renews_at
