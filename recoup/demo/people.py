"""The customers of a world: they read their mail, follow its links, pay, change cards, cancel, or do nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import stripe

from recoup.demo.browsing import Browser, CardInHand, Stuck
from recoup.demo.company import Product
from recoup.demo.control import Seeded
from recoup.ledger import Ledger
from recoup.messages import Outbox, OutboxMail
from recoup.worlds import OwnAct, Reaction, World


@dataclass(frozen=True, slots=True)
class Act:
    """Something that a customer will do."""

    at: datetime
    customer: str
    """The key in the world."""
    does: str
    """As the world says it; ``opens`` where the mail is only looked at."""
    key: str
    """Each act has its own, and is done once."""
    with_: str | None = None
    days: int | None = None
    mail: OutboxMail | None = None


class People:
    """Everybody in the world, and what they still have in mind."""

    def __init__(
        self,
        world: World,
        seeded: Seeded,
        outbox: Outbox,
        ledger: Ledger,
        product: Product,
        starter_url: str,
        browse: Callable[[], Browser] = Browser,
    ) -> None:
        self._world = world
        self._seeded = seeded
        self._outbox = outbox
        self._ledger = ledger
        self._product = product
        self._starter_url = starter_url
        self._browse = browse
        self._done: set[str] = set()
        self.stuck: list[str] = []
        """What went wrong for somebody; empty when every page led on."""

    def planned(self) -> list[Act]:
        """What everybody still has in mind, in the order in which it is due."""
        mails = sorted(self._outbox.list(), key=lambda mail: (mail.at, mail.id))
        failures = self._first_failures()
        acts = [
            act
            for key in self._world.customers
            for act in (*self._reactions(key, mails), *self._own_acts(key, failures))
            if act.key not in self._done
        ]
        return sorted(acts, key=lambda act: (act.at, act.key))

    async def do(self, act: Act) -> None:
        """Do it; once begun it is not tried a second time. What goes wrong is noted in :attr:`stuck`."""
        self._done.add(act.key)
        try:
            await self._do(act)
        except Stuck as error:
            self.stuck.append(f"{act.customer} wanted to {act.does.replace('_', ' ')}, but {error}")
        except stripe.StripeError as error:
            told = error.code or type(error).__name__
            self.stuck.append(
                f"{act.customer} wanted to {act.does.replace('_', ' ')}, but Stripe said {told}"
            )

    def _reactions(self, key: str, mails: Iterable[OutboxMail]) -> Iterable[Act]:
        address = self._world.customers[key].email
        seen: list[str] = []
        for mail in mails:
            if mail.to != address or mail.template is None:
                continue
            seen.append(mail.template)
            for number, reaction in enumerate(self._world.reactions(key, seen)):
                yield from _acts_of(key, mail, number, reaction)

    def _own_acts(self, key: str, failures: dict[str, datetime]) -> Iterable[Act]:
        failed_at = failures.get(self._seeded.customers[key])
        if failed_at is None:
            return
        for number, own in enumerate(self._world.own_acts(key)):
            yield _act_of(own, failed_at + own.at.length, key, f"{key}/own/{number}")

    def _first_failures(self) -> dict[str, datetime]:
        failures: dict[str, datetime] = {}
        for case in self._ledger.cases.list_all(limit=10_000):
            earlier = failures.get(case.customer)
            failures[case.customer] = min(earlier, case.failed_at) if earlier else case.failed_at
        return failures

    async def _do(self, act: Act) -> None:
        async with self._browse() as browser:
            match act.does:
                case "opens":
                    await browser.open(self._update_link(act))
                case "update_card":
                    await browser.change_card(self._update_link(act), self._card(act))
                case "authenticate":
                    await browser.pay_with_saved_card(self._invoice_link(act))
                case "fail_authentication":
                    await browser.refuse_at_bank(self._invoice_link(act))
                case "pay_invoice":
                    await self._pay(act, browser)
                case "promise_to_pay":
                    await browser.promise(self._update_link(act), act.days or 0)
                case "cancel_by_link":
                    await browser.cancel(self._update_link(act))
                case "cancel_subscription":
                    for subscription in self._seeded.subscriptions[act.customer]:
                        await self._product.cancel(subscription)
                case "update_card_elsewhere":
                    card = self._card(act)
                    customer = self._seeded.customers[act.customer]
                    await self._product.change_card(customer, card.number, (card.month, card.year))

    async def _pay(self, act: Act, browser: Browser) -> None:
        link = self._invoice_link(act)
        if act.with_ is None:
            await browser.pay_with_saved_card(link)
        elif act.with_ in self._world.cards:
            await browser.pay_with_card(link, self._card(act))
        else:
            await browser.pay_otherwise(link, act.with_)

    def _update_link(self, act: Act) -> str:
        mail = act.mail or self._newest_mail(act.customer)
        link = (
            next((link for link in mail.links if link.startswith(f"{self._starter_url}/u/")), None)
            if mail
            else None
        )
        if link is None:
            raise Stuck("no mail with an update link came")
        return link

    def _invoice_link(self, act: Act) -> str:
        """Where the invoice is paid: the other address in the mail."""
        mail = act.mail or self._newest_mail(act.customer)
        link = (
            next((link for link in mail.links if not link.startswith(self._starter_url)), None)
            if mail
            else None
        )
        if link is None:
            raise Stuck("no mail with a link to the invoice came")
        return link

    def _newest_mail(self, key: str) -> OutboxMail | None:
        address = self._world.customers[key].email
        return next((mail for mail in self._outbox.list() if mail.to == address), None)

    def _card(self, act: Act) -> CardInHand:
        card = self._world.cards[act.with_ or ""]
        month, year = card.expiry(self._seeded.start)
        return CardInHand(number=card.number or "", month=month, year=year)


def _acts_of(key: str, mail: OutboxMail, number: int, reaction: Reaction) -> Iterable[Act]:
    name = f"{key}/{mail.id}/{number}"
    acts_after = reaction.acts_after
    if reaction.opens_after is not None:
        opened = mail.at + reaction.opens_after.length
        yield Act(opened, key, "opens", f"{name}/opens", mail=mail)
    if reaction.does != "nothing" and acts_after is not None:
        yield _act_of(reaction, mail.at + acts_after.length, key, name, mail)


def _act_of(
    wanted: Reaction | OwnAct, at: datetime, key: str, name: str, mail: OutboxMail | None = None
) -> Act:
    return Act(at, key, wanted.does, name, with_=wanted.with_, days=wanted.days, mail=mail)
