"""Credits and debits for part of a period, as pending invoice items."""

from __future__ import annotations

from recoup.sandbox.billing.periods import current_period
from recoup.sandbox.http.errors import Doc
from recoup.sandbox.objects.invoices import pricing_of
from recoup.sandbox.webhooks import tell
from recoup.sandbox.work import Work


def create_item(work: Work, customer: str, amount: int, currency: str, **fields: object) -> Doc:
    """A pending invoice item."""
    blank: Doc = {
        "amount": amount,
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "date": work.now,
        "description": None,
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "net_amount": amount,
        "parent": None,
        "period": {"end": work.now, "start": work.now},
        "pricing": None,
        "proration": False,
        "quantity": 1,
        "quantity_decimal": "1",
        "tax_rates": [],
        "test_clock": None,
        "_subscription": None,
    }
    item = work.create("invoiceitem", created=None, **(blank | fields))
    tell(work, "invoiceitem.created", item)
    return item


def credit_unused(work: Work, subscription: Doc, since: str) -> None:
    """Credit the rest of a paid period at a pause; ``since`` is Stripe's ``bill_for[unused_time_from][type]``."""
    start, end = current_period(subscription)
    invoice = work.find("invoice", subscription["latest_invoice"])
    if since == "none" or invoice is None or invoice["status"] != "paid" or end <= work.now:
        return
    began = start if since == "item_current_period_start" else work.now
    _prorate(work, subscription, began, end, -1)


def debit_remaining(work: Work, subscription: Doc) -> None:
    """Charge the rest of the period at a resumption that keeps the cycle; undoes the pause's credit for that time."""
    if work.first("invoiceitem", {"_subscription": subscription["id"], "proration": 1}) is not None:
        _prorate(work, subscription, work.now, current_period(subscription)[1], 1)


def _prorate(work: Work, subscription: Doc, start: int, end: int, sign: int) -> None:
    whole = current_period(subscription)
    share = (end - start) / max(whole[1] - whole[0], 1)
    for entry in subscription["items"]["data"]:
        amount = sign * round(entry["price"]["unit_amount"] * entry["quantity"] * share)
        create_item(
            work,
            subscription["customer"],
            amount,
            subscription["currency"],
            description="Unused time" if sign < 0 else "Remaining time",
            discountable=False,
            parent={
                "subscription_details": {
                    "subscription": subscription["id"],
                    "subscription_item": entry["id"],
                },
                "type": "subscription_details",
            },
            period={"end": end, "start": start},
            pricing=pricing_of(entry["price"]),
            proration=True,
            _subscription=subscription["id"],
        )
