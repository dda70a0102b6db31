"""Who acts in a scenario: its customers, its operators, and the card networks; each thing once, when its moment has come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from recoup.demo.control import Seeded
from recoup.demo.people import Act, People
from recoup.errors import ConnectionFailed
from recoup.ledger import Ledger
from recoup.rehearsal.scenario import OperatorAct, Renewal, Scenario
from recoup.temporal.ids import recovery_workflow_id
from recoup.temporal.words import request_for
from recoup.virtual.host import Host
from recoup.virtual.stripe import Stripe

WORLD_CARD = "tok_world_"
"""The sandbox's token of a card of its world begins so."""
MOST_CASES = 1000


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody has done."""

    at: datetime
    who: str
    """``customer``, ``operator`` or ``network``."""
    what: str
    because: str | None = None
    """Why, where that was said; or why it could not be done."""
    customer: str | None = None
    """The key in the world; None where it is about all."""


@dataclass(frozen=True, slots=True)
class _Planned:
    at: datetime
    do: Callable[[datetime], None]


class Cast:
    """Everybody in a scenario, and what they still have in mind."""

    def __init__(
        self,
        scenario: Scenario,
        seeded: Seeded,
        methods: Mapping[str, str],
        people: People,
        ledger: Ledger,
        stripe: Stripe,
        host: Host,
    ) -> None:
        """``methods`` are the ids of the payment methods that customers begin with, by the customer's key."""
        self._scenario = scenario
        self._seeded = seeded
        self._methods = methods
        self._people = people
        self._ledger = ledger
        self._stripe = stripe
        self._host = host
        self._began = False
        self._waiting: list[_Planned] = []
        self.deeds: list[Deed] = []
        """What was done so far."""

    @property
    def next_at(self) -> datetime | None:
        """When somebody next does something; None: nobody has anything in mind."""
        self._begin()
        acts = self._people.planned()
        moments = [each.at for each in self._waiting] + [act.at for act in acts[:1]]
        return min(moments, default=None)

    def act(self, now: datetime) -> None:
        """Have done what is due."""
        for act in self._people.planned():
            if act.at <= now:
                self._of_customer(act, now)
        due = [each for each in self._waiting if each.at <= now]
        self._waiting = [each for each in self._waiting if each.at > now]
        for each in due:
            each.do(now)

    def _begin(self) -> None:
        """The first payment has failed: from now on the moments of all others are known."""
        cases = self._ledger.cases.list_all(limit=MOST_CASES)
        if self._began or not cases:
            return
        self._began = True
        first = min(case.failed_at for case in cases)
        for word in self._scenario.operators:
            self._waiting.append(_Planned(first + word.at.length, partial(self._of_operator, word)))
        for renewal in self._scenario.networks:
            self._waiting.append(_Planned(first + renewal.at.length, partial(self._of_network, renewal)))
        self._waiting.sort(key=lambda each: each.at)

    def _of_customer(self, act: Act, now: datetime) -> None:
        stuck = len(self._people.stuck)
        asyncio.run(self._people.do(act))
        failed = f"it did not work: {self._people.stuck[-1]}" if len(self._people.stuck) > stuck else None
        self.deeds.append(Deed(now, "customer", _in_words(act), failed, act.customer))

    def _of_operator(self, word: OperatorAct, now: datetime) -> None:
        said: dict[str, Any] = {"at": now, "operator": word.operator, "reason": word.reason}
        what = f"{word.operator} says {word.says}"
        if word.days is not None:
            what += f" ({word.days:g} days)"
            pauses = word.says == "pause-until"
            said |= {"until": now + timedelta(days=word.days)} if pauses else {"days": word.days}
        update = word.says.replace("-", "_")
        open_cases = [each for each in self._ledger.cases.list_all(limit=MOST_CASES) if each.is_open]
        for case in open_cases:
            refused = self._host.update(recovery_workflow_id(case.id), update, request_for(update, **said))
            because = word.reason if refused is None else f"{word.reason}; refused: {refused}"
            self.deeds.append(Deed(now, "operator", what, because, self._seeded.key_of(case.customer)))
        if not open_cases:
            self.deeds.append(Deed(now, "operator", what, f"{word.reason}; but no case is open any more"))

    def _of_network(self, renewal: Renewal, now: datetime) -> None:
        card = self._scenario.cards[renewal.with_]
        fresh = {"payment_method": self._methods[renewal.customer], "card": f"{WORLD_CARD}{renewal.with_}"}
        try:
            self._stripe.control("POST", "updater", fresh)
            failed = None
        except ConnectionFailed as error:
            failed = f"it did not work: {error}"
        what = f"{card.brand.capitalize()} renews the card: it is now the one that ends in {card.last4}"
        self.deeds.append(Deed(now, "network", what, failed, renewal.customer))


def _in_words(act: Act) -> str:
    match act.does:
        case "opens":
            return "opens the mail and looks at the update page"
        case "update_card":
            return "follows the link of the mail and enters another card on Stripe's page"
        case "update_card_elsewhere":
            return "enters another card in the company's own product"
        case "pay_invoice":
            how = {None: "the card on file", "blik": "BLIK", "bank_transfer": "a bank transfer"}.get(
                act.with_, "another card"
            )
            return f"follows the link of the mail and pays the invoice on Stripe's page with {how}"
        case "authenticate":
            return "follows the link of the mail and confirms the payment at the bank (3-D Secure)"
        case "fail_authentication":
            return "follows the link of the mail and does not pass the bank's 3-D Secure"
        case "promise_to_pay":
            return f"promises on the update page to pay in {act.days} days"
        case "cancel_by_link":
            return "cancels on the update page"
        case _:
            return "cancels in the company's own product"
