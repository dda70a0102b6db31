"""What a message would say and whether it would go out, worked out before anybody asks for it; nothing is written or sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from stripe import StripeClient

from activities._contact import gate_for, wish_of
from activities._facts import facts_of
from activities._listing import Listing
from activities.contracts import Decision, MessageOrder
from recoup.addressing import AddressKeys
from recoup.billing.customers import read_contact
from recoup.clock import Clock
from recoup.ledger import Ledger, NewMessage
from recoup.messages import Composed, Composer, MailSettings
from recoup.rules.case import Case
from recoup.rules.channels import Channel
from recoup.rules.contact import ContactPolicy
from recoup.rules.conversation import Answer
from recoup.rules.step import Step
from recoup.rules.steps import next_try
from recoup.rules.suspension import suspend_at

LINK = "…"
"""In place of the customer's own link, which is made when the message is sent."""


@dataclass(frozen=True)
class Letter:
    """A message as it would go out."""

    to: str | None
    """Where to; nothing where the customer has no address that can be used."""
    composed: Composed
    answer: Answer
    """Whether it would go out at this moment."""


@dataclass(frozen=True)
class Previews:
    """Writes messages that are looked at and let go."""

    client: StripeClient
    ledger: Ledger
    clock: Clock
    composer: Composer
    mail: MailSettings
    contact: ContactPolicy
    address_keys: AddressKeys
    public_url: str

    def of(self, case: Case, step: Step) -> Letter:
        """The message of a step, in the customer's language.

        Raises:
            stripe.StripeError: the customer or what they owe could not be read.
            ValueError: it cannot be written; the sentence says why.
        """
        now = self.clock.now()
        order = _order(case, step, now)
        contact = read_contact(self.client, case.customer, self.contact.others.metadata)
        listed = Listing(self.client, self.ledger).of(order, now)
        zone = self.contact.default_timezone or self.mail.default_timezone
        address = f"{self.public_url.rstrip('/')}/u/{LINK}"
        facts = facts_of(order, contact, listed, self.mail.about_company, address, zone, now)
        new = NewMessage(
            key=f"{case.id}/{order.key}",
            case_id=case.id,
            customer=case.customer,
            template=order.template,
            channel=Channel.EMAIL,
            locale=self.composer.languages.choose(contact.locales, self.mail.default_locale).tag,
        )
        wish = wish_of(new, order, (case.customer, *self.address_keys.of(contact.email)))
        gate = gate_for(wish, contact, self.contact, self.mail.default_timezone, now)
        return Letter(contact.email, self.composer.compose(facts), self.ledger.messages.foreseen(gate))


def _order(case: Case, step: Step, now: datetime) -> MessageOrder:
    assert step.template is not None
    return MessageOrder(
        case_id=case.id,
        invoice=case.invoice,
        customer=case.customer,
        subscription=case.subscription,
        request="preview",
        decision=Decision(at=now, step=step, known={}, rules_version=case.rules_version),
        template=step.template,
        key=step.key or step.template.value,
        decline=case.decline,
        next_attempt_at=next_try(case, step, now),
        suspend_at=suspend_at(case, case.campaign),
        link_valid_days=case.campaign.link_valid_days,
    )
