"""What a message would say and whether it would go out, worked out before anybody asks for it; nothing is written or sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from stripe import StripeClient

from activities._contact import gate_for, wish_of
from activities._facts import facts_of
from activities._listing import Listing
from activities._routes import NO_WAY, Envelope, Texts, envelopes_of
from activities.contracts import Decision, MessageOrder
from recoup.addressing import AddressKeys
from recoup.billing.customers import Contact, read_contact
from recoup.clock import Clock
from recoup.ledger import Ledger, NewMessage
from recoup.messages import Composer, MailSettings
from recoup.rules.case import Case
from recoup.rules.channels import Channel
from recoup.rules.contact import ContactPolicy
from recoup.rules.conversation import Answer
from recoup.rules.step import Step
from recoup.rules.steps import next_try
from recoup.rules.suspension import suspend_at

__all__ = ["LINK", "Letter", "Previews", "Texts", "Written"]

LINK = "…"
"""In place of the customer's own link, which is made when the message is sent."""


@dataclass(frozen=True)
class Written:
    """A message in words, over the way that it takes."""

    channel: Channel
    to: str
    text: str
    subject: str | None = None
    """Only mail has one."""
    copies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Letter:
    """A message as it would go out."""

    language: str
    answer: Answer
    """Whether it would go out at this moment."""
    written: Written | None
    """Nothing where it would go out over no way."""
    passed_over: tuple[str, ...] = field(default=())
    """Why ways that come first are not taken."""

    @property
    def may_go(self) -> bool:
        """Whether it goes out, at once or after a while."""
        return self.written is not None and (self.answer.is_yes or self.answer.not_before is not None)


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
    link: str
    """Stands in for the customer's link while the message is written, as long as a real one: parts of text messages are counted."""
    texts: Texts | None = None
    """How text messages are written; nothing where they are switched off."""

    def of(self, case: Case, step: Step) -> Letter:
        """The message of a step, in the customer's language and over the way that it would take: the first that is not stopped.

        Raises:
            stripe.StripeError: the customer or what they owe could not be read.
            ValueError: it cannot be written; the sentence says why.
        """
        now = self.clock.now()
        order = _order(case, step, now)
        contact = read_contact(self.client, case.customer, self.contact.others.metadata)
        language = self.composer.languages.choose(contact.locales, self.mail.default_locale).tag
        ways, passed = list(self._ways(order, contact)), list[str]()
        for channel, envelope in ways:
            answer = self._ask(order, contact, language, channel, envelope.recipient)
            if answer.stopped is None:
                written = self._write(order, contact, channel, envelope, now)
                return Letter(language, answer, written, tuple(passed))
            passed.append(answer.because)
        answer = self._ask(order, contact, language, Channel.EMAIL, None)
        if answer.covered_by is None:
            answer = Answer(because=", and ".join(passed) or NO_WAY)
        return Letter(language, answer, None)

    def _ways(self, order: MessageOrder, contact: Contact) -> Iterator[tuple[Channel, Envelope]]:
        """As :class:`activities.messages.Messages` tries them."""
        copied = self.contact.others.copied
        for _, envelope in envelopes_of(order.template.value, contact, copied, self._is_stopped):
            yield Channel.EMAIL, envelope
        if self.texts is not None and contact.phone is not None and self.texts.takes(order.template):
            yield Channel.SMS, Envelope(contact.phone)

    def _is_stopped(self, address: str) -> bool:
        return self.ledger.channels.stopped(Channel.EMAIL, self.address_keys.of(address)) is not None

    def _ask(
        self, order: MessageOrder, contact: Contact, language: str, channel: Channel, recipient: str | None
    ) -> Answer:
        new = NewMessage(
            key=f"{order.case_id}/{order.key}",
            case_id=order.case_id,
            customer=order.customer,
            template=order.template,
            channel=channel,
            locale=language,
        )
        wish = wish_of(new, order, (order.customer, *self.address_keys.of(recipient)))
        gate = gate_for(wish, contact, self.contact, self.mail.default_timezone, self.clock.now())
        return self.ledger.messages.foreseen(gate)

    def _write(
        self, order: MessageOrder, contact: Contact, channel: Channel, envelope: Envelope, now: datetime
    ) -> Written:
        listed = Listing(self.client, self.ledger).of(order, now)
        zone = self.contact.default_timezone or self.mail.default_timezone
        facts = facts_of(order, contact, listed, self.mail.about_company, self.link, zone, now)
        if channel is Channel.SMS:
            assert self.texts is not None
            text = self.texts.write(facts, listed, order.invoice)
            return Written(channel, envelope.recipient, self._shown(text))
        composed = self.composer.compose(facts)
        text = self._shown(composed.text)
        return Written(channel, envelope.recipient, text, composed.subject, envelope.copies)

    def _shown(self, text: str) -> str:
        base, _, token = self.link.rpartition("/")
        return text.replace(f"{base}/{token}", f"{base}/{LINK}")


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
