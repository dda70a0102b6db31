"""Messages to customers who owe nothing: reading them at Stripe just before, and writing about their card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from stripe import InvalidRequestError

from activities._failures import stripe_errors
from activities.card_contracts import Told
from activities.messages import CHANNEL, LINK_PURPOSE, Messages
from activities.pacing import Pace
from recoup.billing.customers import Contact, read_contact
from recoup.billing.renewals import (
    CardWords,
    read_card_words,
    read_customer_renewals,
    read_plan,
)
from recoup.ledger import MessageRow, Mirrored, MirroredCard, MirroredRenewal, NewMessage
from recoup.messages import CardOnFile, MessageFacts, NextPayment, build_mime, message_id
from recoup.rules.base import Frozen, days
from recoup.rules.case import MessageState, Template

CALLS_OF_A_NOTICE = 3
"""Requests that writing one takes: the customer, the card, the subscription."""


class Notice(Frozen):
    """What is to be said, once under its key."""

    key: str
    template: Template
    card: MirroredCard
    renewal: MirroredRenewal | None
    on: datetime | None
    """The payment that it is about."""
    link_valid_days: float


@dataclass(frozen=True)
class Notices:
    """Writes notices through the one way in which messages leave."""

    messages: Messages
    pace: Pace

    def read(self, customer: str) -> Mirrored:
        """What Stripe has of the customer at this moment; nothing at all of one whom it does not know any more."""
        self.pace.wait_for()
        with stripe_errors(f"list the subscriptions of {customer}"):
            try:
                return read_customer_renewals(self.messages.client, customer)
            except InvalidRequestError as error:
                if error.code != "resource_missing":
                    raise
                return Mirrored()

    def owes(self, customer: str) -> bool:
        """Whether a case of the customer's is open, or ended in a suspension: its own messages speak already."""
        cases = self.messages.ledger.cases
        return bool(cases.open_of_customer(customer) or cases.suspended_of_customer(customer))

    def send(self, notice: Notice) -> tuple[Told, str]:
        """Send it, unless that was done before; what became of it, and why."""
        return what_became(self.messages.done_with(notice.key) or self.deliver(notice))

    def deliver(self, notice: Notice) -> MessageRow:
        """Send it, where it is known that this was not done before."""
        customer, client = notice.card.customer, self.messages.client
        self.pace.wait_for(CALLS_OF_A_NOTICE)
        with stripe_errors(f"read the customer {customer} and the card {notice.card.method}"):
            contact = read_contact(client, customer)
            words = read_card_words(client, notice.card.method)
            plan = read_plan(client, notice.renewal.subscription) if notice.renewal else None
        new = NewMessage(
            key=notice.key,
            customer=customer,
            template=notice.template,
            channel=CHANNEL,
            locale=contact.locale or self.messages.mail.default_locale,
        )
        return self.messages.deliver(new, contact, lambda: self._write(notice, contact, words, plan))

    def _write(self, notice: Notice, contact: Contact, words: CardWords, plan: str | None) -> bytes:
        messages, now = self.messages, self.messages.clock.now()
        until = now + days(notice.link_valid_days)
        link = messages.ledger.links.issue(notice.card.customer, LINK_PURPOSE, until, now)
        due = notice.renewal.due if notice.renewal else None
        facts = MessageFacts(
            template=notice.template,
            company=messages.mail.about_company,
            customer_name=contact.name,
            locale=contact.locale,
            card=CardOnFile(
                brand=words.brand,
                last4=words.last4,
                exp_year=notice.card.exp_year,
                exp_month=notice.card.exp_month,
            ),
            next_payment=NextPayment(on=notice.on, due=due, description=plan) if notice.on else None,
            update_url=messages.link_url(link.id, link.generation),
            timezone=contact.timezone or messages.mail.default_timezone,
            written_at=now,
        )
        return build_mime(
            messages.composer.compose(facts),
            sender=messages.mail.mailbox,
            recipient=contact.email or "",
            message_id=message_id(notice.key, messages.mail.domain),
            date=now,
        )


def what_became(row: MessageRow) -> tuple[Told, str]:
    """What became of a message, and why."""
    if row.state is MessageState.FAILED:
        return Told.FAILED, row.because or "the message was refused"
    return Told.TOLD, f"the message {row.key} is {row.state}"
