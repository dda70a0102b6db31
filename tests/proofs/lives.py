"""Customers who live the same life, each with a post of its own."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import yaml

Event = dict[str, Any]
Act = Callable[["Life"], None]


@dataclass(frozen=True)
class Chapter:
    """Until this day of the life time passes; then, with the clock standing, somebody may act."""

    day: float
    act: Act | None = None
    is_heard: bool = True
    """Whether Recoup hears and does anything until then; otherwise all of it comes later, and at once."""


@dataclass
class Post:
    """How the deliveries of one customer's events arrive; the first customer's come as Stripe sends them."""

    dice: random.Random
    in_order: bool = False
    most_delay: timedelta = timedelta(0)

    def copies(self, events: list[Event], now: datetime) -> list[tuple[datetime, Event]]:
        """What arrives when: each event one to three times, in any order, some later."""
        if self.in_order:
            return [(now, event) for event in events]
        found = [event for event in events for _ in range(self.dice.randint(1, 3))]
        self.dice.shuffle(found)
        return [(now + self._delay(), event) for event in found]

    def _delay(self) -> timedelta:
        late = self.most_delay and self.dice.random() < 0.4
        return self.dice.random() * self.most_delay if late else timedelta(0)


@dataclass
class Life:
    """One customer."""

    number: int
    post: Post
    api: Any
    customer: str = ""
    subscription: str = ""
    waiting: list[tuple[datetime, Event]] = field(default_factory=list)
    invoices: set[str] = field(default_factory=set)

    @property
    def email(self) -> str:
        """Where messages go."""
        return f"life-{self.number}@example.com"

    def bring(self, card: str) -> str:
        """A card of the world, attached and made the customer's default."""
        token = {"type": "card", "card": {"token": f"tok_world_{card}_{self.number}"}}
        method = self.api.payment_methods.create(token).id
        self.api.payment_methods.attach(method, {"customer": self.customer})
        default = {"invoice_settings": {"default_payment_method": method}}
        self.api.customers.update(self.customer, default)
        return str(method)

    def begin(self, price: str, trial_end: int) -> None:
        """Subscribe, with a trial first."""
        about = {"name": f"Life {self.number}", "email": self.email, "preferred_locales": ["en"]}
        self.customer = str(self.api.customers.create(about).id)
        self.bring("first")
        items = [{"price": price}]
        wanted = {"customer": self.customer, "items": items, "trial_end": trial_end}
        self.subscription = str(self.api.subscriptions.create(wanted).id)


def world_of(count: int) -> str:
    """For each life a card that is empty, one that pays once and is empty then, and a good one."""
    empty = {"declines": {"decline_code": "insufficient_funds", "network_decline_code": "51"}}
    cards: dict[str, Any] = {"nobodys": {"brand": "visa"}}
    for number in range(count):
        cards[f"first_{number}"] = {"brand": "visa", "issuer": [empty]}
        once = {"approves": True, "for_attempts": 1}
        cards[f"second_{number}"] = {"brand": "mastercard", "issuer": [once, empty]}
        cards[f"good_{number}"] = {"brand": "visa"}
    nobody = {
        "name": "Nobody",
        "email": "nobody@example.com",
        "pays_with": "nobodys",
        "subscriptions": [
            {"product": "Team plan", "amount": 4900, "currency": "usd", "renews_in": {"days": 300}}
        ],
    }
    start = {"weekday": "monday", "time": "09:00", "timezone": "UTC"}
    world = {"version": 1, "name": "lives", "seed": 1, "start": start, "cards": cards}
    return yaml.safe_dump({**world, "customers": {"nobody": nobody}}, sort_keys=False)
