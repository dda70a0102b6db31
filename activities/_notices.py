"""Messages to customers who owe nothing: reading them at Stripe just before, and writing about their card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from stripe import InvalidRequestError

from activities._contact import whole
from activities._failures import stripe_errors
from activities._routes import Envelope
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
from recoup.rules.conversation import Answer

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
    useless_from: datetime | None = None
    """What has to wait for so long is not said at all."""

    def is_useless_at(self, moment: datetime | None) -> bool:
        """Whether it would come too late then."""
        return moment is not None and self.useless_from is not None and moment >= self.useless_from


class Became(Frozen):
    """What became of a notice."""

    told: Told
    because: str
    not_before: datetime | None = None
    """When to try again, where it waits."""


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

    def is_known(self, customer: str) -> bool:
        """Whether Stripe has, or had, such a customer under this key."""
        self.pace.wait_for()
        with stripe_errors(f"read the customer {customer}"):
            try:
                read_contact(self.messages.client, customer)
            except InvalidRequestError as error:
                if error.code != "resource_missing":
                    raise
                return False
        return True

    def owes(self, customer: str) -> bool:
        """Whether a case of the customer's is open, or ended in a suspension: its own messages speak already."""
        cases = self.messages.ledger.cases
        return bool(cases.open_of_customer(customer) or cases.suspended_of_customer(customer))

    def send(self, notice: Notice) -> Became:
        """Send it, unless that was done before; what became of it, and why."""
        return what_became(self.messages.done_with(notice.key) or self.deliver(notice))

    def deliver(self, notice: Notice) -> MessageRow | Answer:
        """Send it, where it is known that this was not done before; an answer says that it has to wait, and until when."""
        customer, client = notice.card.customer, self.messages.client
        self.pace.wait_for(CALLS_OF_A_NOTICE)
        with stripe_errors(f"read the customer {customer} and the card {notice.card.method}"):
            contact = read_contact(client, customer, self.messages.contact.others.metadata)
            words = read_card_words(client, notice.card.method)
            plan = read_plan(client, notice.renewal.subscription) if notice.renewal else None
        new = NewMessage(
            key=notice.key,
            customer=customer,
            template=notice.template,
            channel=CHANNEL,
            locale=self.messages.language_of(contact),
        )
        done = self.messages.deliver(
            new, contact, lambda _, to: self._write(notice, contact, words, plan, to)
        )
        if isinstance(done, Answer) and notice.is_useless_at(done.not_before):
            return self.messages.refuse(new, f"it could not be said before the payment: {done.because}")
        return done

    def _write(
        self, notice: Notice, contact: Contact, words: CardWords, plan: str | None, to: Envelope
    ) -> bytes:
        messages, now = self.messages, self.messages.clock.now()
        until = now + days(notice.link_valid_days)
        link = messages.ledger.links.issue(notice.card.customer, LINK_PURPOSE, until, now)
        due = notice.renewal.due if notice.renewal else None
        facts = MessageFacts(
            template=notice.template,
            company=messages.mail.about_company,
            customer_name=contact.name,
            locale=contact.locales,
            card=CardOnFile(
                brand=words.brand,
                last4=words.last4,
                exp_year=notice.card.exp_year,
                exp_month=notice.card.exp_month,
            ),
            next_payment=NextPayment(on=notice.on, due=due, description=plan) if notice.on else None,
            update_url=messages.link_url(link.id, link.generation),
            timezone=contact.timezone or messages.contact.default_timezone or messages.mail.default_timezone,
            written_at=now,
        )
        return build_mime(
            messages.composer.compose(facts),
            sender=messages.mail.mailbox,
            recipient=to.recipient,
            copies=to.copies,
            message_id=message_id(notice.key, messages.mail.domain),
            date=now,
            headers=messages.unsubscribing(notice.card.customer, contact, to),
        )


def what_became(done: MessageRow | Answer) -> Became:
    """What became of a message, and why."""
    if isinstance(done, Answer):
        until = whole(done.not_before) if done.not_before else None
        return Became(told=Told.WAITS, because=done.because, not_before=until)
    if done.state is MessageState.FAILED or done.state.is_silenced:
        return Became(told=Told.FAILED, because=done.because or "the message was refused")
    return Became(told=Told.TOLD, because=f"the message {done.key} is {done.state}")
