"""A world's customers, made in one go: each with its payment methods and subscriptions, ready for the first renewal.

Everybody is a paying customer before the world starts: a subscription begins one period before its first renewal, and that
first invoice was paid outside, so that the renewal's is the first that meets an issuer.
"""

from __future__ import annotations

from typing import Any

from recoup.sandbox.billing.invoicing import finalize, mark_paid
from recoup.sandbox.billing.periods import DAY, set_period
from recoup.sandbox.billing.renewals import bill_period
from recoup.sandbox.http.errors import Doc, invalid_request
from recoup.sandbox.issuers import WORLD_CARD
from recoup.sandbox.objects.common import EMPTY_ADDRESS
from recoup.sandbox.objects.subscriptions import (
    create_customer,
    create_price,
    create_product,
    create_subscription,
)
from recoup.sandbox.sandbox import Sandbox
from recoup.sandbox.service.methods import attach_approved, create_from
from recoup.sandbox.webhooks import tell
from recoup.sandbox.work import Work
from recoup.worlds import Customer, Subscription, World

_PERIOD_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}


def seed(sandbox: Sandbox) -> dict[str, Any]:
    """Make every customer of the world that is not there yet; answers all their ids by key."""
    world, start = sandbox.world, sandbox.world_start
    if world is None or start is None:
        raise invalid_request("The sandbox was started without --world, so there is nobody to seed")
    begin, people = max(int(start.timestamp()), int(sandbox.clock.now())), {}
    late = world.is_dated and begin > int(start.timestamp())
    for key, customer in world.customers.items():
        # One transaction each: what a transaction has loaded is looked through at every step of it.
        with sandbox.work() as work:
            if late and work.first("customer", {"_world_key": key}) is None:
                raise invalid_request(
                    f"The world {world.name!r} starts on {start:%Y-%m-%d %H:%M} UTC, which has passed, and its issuers"
                    " keep to dates; give it a later start and later dates, or write it anew"
                )
            people[key] = _person(work, world, key, customer, begin)
    return {"start": begin, "customers": people}


def _person(work: Work, world: World, key: str, person: Customer, start: int) -> dict[str, Any]:
    customer = work.first("customer", {"_world_key": key})
    if customer is None:
        customer = _create(work, world, key, person, start)
    subscriptions = work.select("subscription", {"customer": customer["id"]})[::-1]
    return {
        "customer": customer["id"],
        "payment_method": customer["invoice_settings"]["default_payment_method"],
        "subscriptions": [subscription["id"] for subscription in subscriptions],
    }


def _create(work: Work, world: World, key: str, person: Customer, start: int) -> Doc:
    customer = create_customer(
        work,
        name=person.name,
        email=person.email,
        phone=person.phone,
        preferred_locales=[person.locale],
        address={**EMPTY_ADDRESS, "country": person.country},
        metadata={**person.metadata, "world": world.name, "world_key": key, "timezone": person.timezone},
        _world_key=key,
    )
    methods: dict[str, str] = {}
    if person.pays_with:
        method = _method(work, person.pays_with, person, customer, methods)
        customer["invoice_settings"]["default_payment_method"] = method
    tell(work, "customer.created", customer)
    for subscription in person.subscriptions:
        _subscribe(work, customer, person, subscription, start, methods)
    return customer


def _method(work: Work, name: str, person: Customer, customer: Doc, made: dict[str, str]) -> str:
    if name not in made:
        owner = {"name": person.name, "email": person.email, "address": {"country": person.country}}
        method = create_from(
            work, {"type": "card", "card": {"token": WORLD_CARD + name}, "billing_details": owner}
        )
        attach_approved(work, method, customer)
        made[name] = method["id"]
    return made[name]


def _subscribe(
    work: Work, customer: Doc, person: Customer, wanted: Subscription, start: int, methods: dict[str, str]
) -> None:
    renewal = start + int(wanted.renews_in.length.total_seconds())
    begin = renewal - _PERIOD_DAYS[wanted.interval] * DAY
    product = work.first("product", {"name": wanted.product}) or create_product(work, wanted.product)
    price = create_price(
        work,
        product["id"],
        wanted.currency,
        wanted.amount,
        {"interval": wanted.interval},
        nickname=wanted.product,
    )
    own = _method(work, wanted.pays_with, person, customer, methods) if wanted.pays_with else None
    subscription = create_subscription(
        work,
        customer,
        [(price, 1)],
        billing_cycle_anchor=renewal,
        start_date=begin,
        default_payment_method=own,
        description=wanted.product,
    )
    set_period(subscription, begin, renewal)
    tell(work, "customer.subscription.created", subscription)
    invoice = bill_period(work, subscription, begin, renewal, "subscription_create")
    finalize(work, invoice)
    mark_paid(work, invoice, out_of_band=True)
    work.told(subscription)
    work.plan("renew", subscription["id"], renewal)
