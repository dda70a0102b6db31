"""What messages cost, and what fees the guard of the card networks has spared: only where the operator says their price."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from recoup.figures.facts import Facts, held
from recoup.figures.selection import Selection
from recoup.figures.values import NotEnough
from recoup.rules.base import Frozen

CHANNELS = ("email", "sms")


class Prices(Frozen):
    """In whole units of one currency, such as ``0.0001``: prices are smaller than a minor unit."""

    currency: str
    email: Decimal | None = None
    """A mail."""
    sms: Decimal | None = None
    """A text message."""
    network_fee: Decimal | None = None
    """What the card networks charge for an attempt beyond their limits."""


class Cost(Frozen):
    """So many at one price."""

    what: str
    count: int
    cost: Decimal | NotEnough
    """In whole units of the prices' currency."""


class Costs(Frozen):
    """In the selection's time."""

    currency: str | None
    messages: tuple[Cost, ...]
    fees_avoided: Cost
    """For attempts that the guard did not let through: at most, since not each would have been charged for."""


def costs(facts: Facts, prices: Prices | None, selection: Selection) -> Costs:
    """Of messages about the debts, and of refused attempts at them."""
    sent = Counter(facts.sent.counts("channel", held(facts.sent["at"], selection)))
    refused = int(held(facts.refused["at"], selection).sum())
    price = {"email": prices.email, "sms": prices.sms} if prices else {}
    channels = [*CHANNELS, *sorted(name for name in sent if name and name not in CHANNELS)]
    return Costs(
        currency=prices.currency if prices else None,
        messages=tuple(_cost(name, sent[name], price.get(name)) for name in channels),
        fees_avoided=_cost("network_fee", refused, prices.network_fee if prices else None),
    )


def _cost(what: str, count: int, price: Decimal | None) -> Cost:
    none = NotEnough(not_enough="no price is set: see the settings under figures")
    return Cost(what=what, count=count, cost=none if price is None else price * count)
