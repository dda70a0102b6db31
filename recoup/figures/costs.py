"""What messages cost, and what fees the guard of the card networks has spared: only where the operator says their price."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from recoup.figures.debts import Debt
from recoup.figures.selection import Selection
from recoup.figures.values import NotEnough
from recoup.ledger.figures_rows import FigureMessage, FigureRefusal
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


def costs(
    debts: Sequence[Debt],
    messages: Iterable[FigureMessage],
    refusals: Iterable[FigureRefusal],
    prices: Prices | None,
    selection: Selection,
) -> Costs:
    """Of messages about these debts, and of refused attempts at them."""
    invoices = {debt.case.invoice for debt in debts}
    sent = Counter(
        message.channel
        for message in messages
        if selection.holds(message.at) and _invoice(message.case_id) in invoices
    )
    refused = sum(selection.holds(each.at) and _invoice(each.case_id) in invoices for each in refusals)
    price = {"email": prices.email, "sms": prices.sms} if prices else {}
    channels = [*CHANNELS, *sorted(sent.keys() - set(CHANNELS))]
    return Costs(
        currency=prices.currency if prices else None,
        messages=tuple(_cost(name, sent[name], price.get(name)) for name in channels),
        fees_avoided=_cost("network_fee", refused, prices.network_fee if prices else None),
    )


def _cost(what: str, count: int, price: Decimal | None) -> Cost:
    none = NotEnough(not_enough="no price is set: see the settings under figures")
    return Cost(what=what, count=count, cost=none if price is None else price * count)


def _invoice(case_id: str) -> str:
    return case_id.split("/", 1)[0]
