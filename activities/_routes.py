"""The ways a message may take, in their order: mail, then a text message where mail cannot take it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from activities._listing import Listed
from recoup.billing.customers import Contact
from recoup.ledger import SaidOf
from recoup.messages import MessageFacts, Sender, SmsComposer, SmsSettings
from recoup.rules.case import Template
from recoup.rules.channels import Channel
from recoup.rules.contact import TextMessages
from recoup.rules.conversation import Said


@dataclass(frozen=True)
class Envelope:
    """Whose message it is."""

    recipient: str
    copies: tuple[str, ...] = ()


NO_WAY = "the customer has no e-mail address"
"""Why a message goes to nobody."""

Write = Callable[[list[Listed], Envelope], bytes]
"""Makes the message from what it lists of the customer's invoices, for those who get it."""


@dataclass(frozen=True)
class Route:
    """One way to one customer."""

    channel: Channel
    sender: Sender
    origin: str
    envelope: Envelope
    write: Write
    contact: str = "customer"
    """Whom of the account it reaches: a place in the policy's order, never a name."""

    @property
    def reaches(self) -> dict[str, str | int]:
        """For the record."""
        copies = len(self.envelope.copies)
        return {"to": self.contact} | ({"copies": copies} if copies else {})


@dataclass(frozen=True)
class Texts:
    """How text messages are written."""

    composer: SmsComposer
    settings: SmsSettings
    rules: TextMessages

    def takes(self, template: Template) -> bool:
        """Whether the policy lets this message go out as text."""
        return template.value in self.rules.templates

    def write(self, facts: MessageFacts, listed: Sequence[Listed], invoice: str) -> str:
        """The text; raises as :meth:`SmsComposer.text`."""
        if facts.template is Template.LAST_NOTICE:
            facts = facts.model_copy(update={"suspend_on": day_of(listed, invoice)})
        keep, most = self.settings.keep_diacritics, self.settings.max_parts
        return self.composer.text(facts, keep_diacritics=keep, most_parts=most)


@dataclass(frozen=True)
class Texting(Texts):
    """How text messages are written and sent."""

    sender: Sender


def envelopes_of(
    template: str, contact: Contact, copied: Collection[str], is_stopped: Callable[[str], bool]
) -> list[tuple[str, Envelope]]:
    """To whom a mail may go: the customer, or else another contact of the account; those it is copied to get it with them.

    ``copied`` are the messages of which others get copies, ``is_stopped`` says over which addresses no mail goes out.
    """
    whom = [("customer", contact.email)] if contact.email else []
    whom += [(f"contact {place}", each) for place, each in enumerate(contact.others, 1)]
    copies = [each for each in contact.others if template in copied and not is_stopped(each)]
    return [(who, Envelope(to, tuple(each for each in copies if each != to))) for who, to in whom]


def said_over(channel: Channel, listed: Sequence[Listed], invoice: str | None) -> list[SaidOf]:
    """What a message says of what it lists. A text names one day alone, its own invoice's: of one with another day it is no notice."""
    says = [each.says for each in listed]
    if channel is not Channel.SMS:
        return says
    day = day_of(listed, invoice)
    return [
        SaidOf(invoice=said.invoice, said=Said.OPEN)
        if said.said is Said.NOTICE and said.suspend_at != day
        else said
        for said in says
    ]


def day_of(listed: Sequence[Listed], invoice: str | None) -> datetime | None:
    """The end of access that a message gives notice of for its own invoice."""
    return next((each.says.suspend_at for each in listed if each.says.invoice == invoice), None)
