"""What a customer may do to a subscription of their own: end it, pause it, take a smaller plan. Each may be done twice.

Nothing of it makes an invoice or a proration, and none of it pays or forgives what is open already.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

from stripe import InvalidRequestError, StripeClient

from recoup.billing.invoices import object_of
from recoup.billing.methods import ENDED
from recoup.billing.subscriptions import cancel, open_invoices_of
from recoup.errors import RecoupError
from recoup.rules.base import Wire
from recoup.rules.customer_page import CancelWhen
from recoup.rules.money import Money

STANDS_STILL = ("paused", "unpaid", "incomplete")
"""States whose period brings nothing any more: an end that waits for it would never come."""


class Refused(RecoupError):
    """What the customer asked for cannot be done any more; the sentence says why."""


class Plan(Wire):
    """A recurring price, as the page shows it."""

    price: str
    name: str | None = None
    amount: Money
    """For one unit and one period."""
    interval: str
    """day, week, month or year."""
    interval_count: int = 1

    def is_smaller_than(self, other: Plan) -> bool:
        """Whether switching to it lowers what the next invoice asks for, and changes neither its day nor its currency."""
        rhythm = (self.interval, self.interval_count, self.amount.currency)
        return (
            rhythm == (other.interval, other.interval_count, other.amount.currency)
            and self.amount.amount < other.amount.amount
        )


def plan_of(price: dict[str, Any]) -> Plan | None:
    """A price object of Stripe's; ``None`` for one that is not a fixed amount each period."""
    recurring = price.get("recurring") or {}
    if price.get("unit_amount") is None or recurring.get("usage_type") == "metered" or not recurring:
        return None
    return Plan(
        price=price["id"],
        name=price.get("nickname") or object_of(price.get("product")).get("name"),
        amount=Money(amount=price["unit_amount"], currency=price["currency"]),
        interval=recurring["interval"],
        interval_count=recurring.get("interval_count") or 1,
    )


def read_plan(client: StripeClient, price: str) -> Plan | None:
    """Read a price with the name of its product; ``None`` for one that is gone, inactive or no plan."""
    try:
        data = client.v1.prices.retrieve(price, {"expand": ["product"]}).to_dict()
    except InvalidRequestError as error:
        if error.http_status == 404:
            return None
        raise
    return plan_of(data) if data.get("active", True) else None


def end_by_customer(client: StripeClient, subscription: str, when: CancelWhen, *, key: str) -> str:
    """End a subscription as its customer wished; Stripe's own attempts at its open invoices end at once either way."""
    state = client.v1.subscriptions.retrieve(subscription).to_dict()
    if state.get("status") in ENDED:
        return "the subscription had ended already"
    for invoice in open_invoices_of(client, subscription):
        # One that was paid or voided meanwhile refuses, and needs nothing.
        with suppress(InvalidRequestError):
            client.v1.invoices.update(invoice, {"auto_advance": False})
    if when is CancelWhen.PERIOD_END and state.get("status") not in STANDS_STILL:
        if not state.get("cancel_at_period_end"):
            client.v1.subscriptions.update(
                subscription, {"cancel_at_period_end": True}, {"idempotency_key": key}
            )
        return "the subscription ends with its period"
    cancel(client, subscription, key=key)
    return "the subscription is cancelled"


def pause_for(client: StripeClient, subscription: str, until: datetime, *, key: str) -> str:
    """Make no invoice that is to be paid before a moment; Stripe goes on by itself from then.

    Raises:
        Refused: the subscription has ended.
    """
    state = _running(client, subscription)
    if state.get("pause_collection") or state.get("status") == "paused":
        return "the subscription was paused already"
    paused: Any = {"behavior": "void", "resumes_at": int(until.timestamp())}
    client.v1.subscriptions.update(subscription, {"pause_collection": paused}, {"idempotency_key": key})
    return f"the subscription is paused until {until:%d %b %Y}"


def switch(client: StripeClient, subscription: str, price: str, smaller: str, *, key: str) -> str:
    """Put a smaller price in the place of another from the next invoice on; the rest of this period is not reckoned anew.

    Raises:
        Refused: the subscription has ended or has another plan by now, or the price is not a smaller one of the same rhythm.
    """
    state = _running(client, subscription)
    items = {item["price"]["id"]: item for item in state["items"]["data"]}
    if smaller in items:
        return "the subscription had that plan already"
    item = items.get(price)
    if item is None:
        raise Refused("the subscription has another plan by now")
    before, after = plan_of(item["price"]), read_plan(client, smaller)
    if before is None or after is None or not after.is_smaller_than(before):
        raise Refused(f"{smaller} is not a smaller price than {price}, of the same currency and rhythm")
    changes: Any = {"items": [{"id": item["id"], "price": smaller}], "proration_behavior": "none"}
    client.v1.subscriptions.update(subscription, changes, {"idempotency_key": key})
    return f"the subscription has the price {smaller} from its next invoice on"


def _running(client: StripeClient, subscription: str) -> dict[str, Any]:
    state = client.v1.subscriptions.retrieve(subscription).to_dict()
    if state.get("status") in ENDED:
        raise Refused("the subscription has ended")
    return state
