"""Messages: telling a customer something, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stripe import StripeClient
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities._contact import gate_for, not_sent, wish_of
from activities._ending import ended_for_us
from activities._facts import facts_of
from activities._failures import stripe_errors
from activities._listing import Listed, Listing
from activities._routes import NO_WAY, Envelope, Route, Texting, Write, envelopes_of, said_over
from activities.contracts import Activity, MessageOrder, MessageReport
from activities.records import write_decision
from recoup.addressing import AddressKeys
from recoup.billing import read_invoice
from recoup.billing.customers import Contact, read_contact
from recoup.clock import Clock
from recoup.ledger import Gate, Ledger, MessageRow, NewMessage, NewStop
from recoup.links import UnsubscribeLinks
from recoup.messages import (
    CannotLookUp,
    Composer,
    MailSettings,
    MessageFacts,
    Sender,
    SendOptedOut,
    SendRefused,
    SendUnavailable,
    SendUnclear,
    build_mime,
    message_id,
)
from recoup.rules.base import days
from recoup.rules.case import Access, MessageState, Stage, Template
from recoup.rules.channels import Channel, StopReason
from recoup.rules.contact import ContactPolicy
from recoup.rules.conversation import Answer
from recoup.rules.step import StepKind

CHANNEL = Channel.EMAIL
LINK_PURPOSE = "update"


@dataclass
class Messages:
    """The activities that write to customers."""

    client: StripeClient
    ledger: Ledger
    clock: Clock
    composer: Composer
    sender: Sender
    mail: MailSettings
    link_url: Callable[[str, int], str]
    """Makes the address of an update link from the link's id and generation."""
    contact: ContactPolicy
    """The policy file's, as it is now: it holds for the customer, not for one case."""
    unsubscribe: UnsubscribeLinks
    address_keys: AddressKeys
    texting: Texting | None = None
    """How text messages go out; nothing where they are switched off."""

    @activity.defn(name=Activity.SEND_MESSAGE.value, no_thread_cancel_exception=True)
    def send(self, order: MessageOrder) -> MessageReport:
        """Send one message once; one that may have gone out is never sent again."""
        write_decision(self.ledger, order)
        key = f"{order.case_id}/{order.key}"
        if (row := self.done_with(key)) is not None:
            return self._report(order, row)
        if (ended := self._ended(order)) is not None:
            return ended
        with stripe_errors(f"read the customer {order.customer}"):
            contact = read_contact(self.client, order.customer, self.contact.others.metadata)
        new = NewMessage(
            key=key,
            case_id=order.case_id,
            customer=order.customer,
            template=order.template,
            channel=CHANNEL,
            locale=self.language_of(contact),
        )
        done = self.deliver(
            new, contact, lambda listed, to: self._write(order, key, contact, listed, to), order
        )
        return self._report(order, done) if isinstance(done, MessageRow) else self._not_sent(order, done)

    def language_of(self, contact: Contact) -> str:
        """The language in which the customer is written to: the first of theirs that we speak, or the default."""
        return self.composer.languages.choose(contact.locales, self.mail.default_locale).tag

    def done_with(self, key: str) -> MessageRow | None:
        """The message, where nothing is left to do for it; None where it still has to be written down or sent."""
        row = self.ledger.messages.get(key)
        if row is not None and row.state is MessageState.SENDING:
            row = self._find_out(row)
        return row if row is not None and row.state is not MessageState.RESERVED else None

    def deliver(
        self, new: NewMessage, contact: Contact, write: Write, order: MessageOrder | None = None
    ) -> MessageRow | Answer:
        """Ask the gate, write the message down, then hand it over: the one way in which messages leave.

        ``order`` is the case's, where it is a case that speaks. An answer instead of the row says why nothing went out yet.

        Raises:
            ApplicationError: it could not be written or handed over, or another worker has it in its hands.
        """
        routes, why = self._routes(new, contact, write, order), list[str]()
        for route in routes:
            new = new.model_copy(update={"channel": route.channel.value})
            done = self._take(route, new, contact, order)
            if not isinstance(done, Answer) or done.stopped is None:
                return done
            why.append(done.because)
        if not routes:
            answer = self._ask(self._gate(new, order, contact, None))
            return answer if answer.covered_by is not None else self.refuse(new, NO_WAY)
        self.ledger.messages.reserve(new, self.clock.now())
        return self.ledger.messages.mark_stopped(new.key, ", and ".join(why), self.clock.now())

    def _gate(
        self, new: NewMessage, order: MessageOrder | None, contact: Contact, recipient: str | None
    ) -> Gate:
        wish = wish_of(new, order, (new.customer, *self.address_keys.of(recipient)))
        return gate_for(wish, contact, self.contact, self.mail.default_timezone, self.clock.now())

    def _routes(
        self, new: NewMessage, contact: Contact, write: Write, order: MessageOrder | None
    ) -> list[Route]:
        """The ways that this message may take, in their order. A text message is what a case says, where the policy lets it."""
        found = [
            Route(Channel.EMAIL, self.sender, self.mail.sender, envelope, write, who)
            for who, envelope in envelopes_of(
                new.template.value, contact, self.contact.others.copied, self._is_stopped
            )
        ]
        texting = self.texting
        if texting is None or order is None or contact.phone is None or not texting.takes(new.template):
            return found

        def text(listed: list[Listed], _: Envelope) -> bytes:
            return texting.write(self._facts(order, contact, listed), listed, order.invoice).encode()

        origin = texting.settings.origin or ""
        return [*found, Route(Channel.SMS, texting.sender, origin, Envelope(contact.phone), text)]

    def _is_stopped(self, address: str) -> bool:
        return self.ledger.channels.stopped(CHANNEL, self.address_keys.of(address)) is not None

    def _take(
        self, route: Route, new: NewMessage, contact: Contact, order: MessageOrder | None
    ) -> MessageRow | Answer:
        gate = self._gate(new, order, contact, route.envelope.recipient)
        answer = self._ask(gate)
        if not answer.is_yes:
            return answer
        if self.ledger.messages.reserve(new, self.clock.now()).channel != new.channel:
            self.ledger.messages.change_channel(new.key, new.channel)
        return self._hand_over(new, gate, route, order)

    def refuse(self, new: NewMessage, because: str) -> MessageRow:
        """Write down that this message is never sent, and why."""
        self.ledger.messages.reserve(new, self.clock.now())
        return self.ledger.messages.mark_failed(new.key, because, self.clock.now())

    def _ask(self, gate: Gate) -> Answer:
        """Ask the gate; what lost its sender is looked up first, so that nobody takes it for said, or for unsaid."""
        answer = self.ledger.messages.ask(gate, self.clock.now())
        if answer.lost is None:
            return answer
        lost = self.ledger.messages.get(answer.lost)
        if lost is not None and lost.state is MessageState.SENDING:
            self._find_out(lost)
        return self.ledger.messages.ask(gate, self.clock.now())

    def _ended(self, order: MessageOrder) -> MessageReport | None:
        """A debt that has ended is not written about, whatever no webhook has told yet; a thank-you is."""
        if order.template is Template.RECOVERED:
            return None
        with stripe_errors(f"read the invoice {order.invoice}"):
            ended = ended_for_us(self.ledger, read_invoice(self.client, order.invoice))
        if ended is None:
            return None
        outcome, because = ended
        state = MessageState.FAILED
        return MessageReport(at=self.clock.now(), key=order.key, state=state, because=because, ended=outcome)

    def _hand_over(
        self, new: NewMessage, gate: Gate, route: Route, order: MessageOrder | None
    ) -> MessageRow | Answer:
        key, listed = new.key, list[Listed]()
        if order is not None:
            with stripe_errors(f"read what the customer {order.customer} owes"):
                listed = Listing(self.client, self.ledger).of(order, self.clock.now())
        try:
            written = route.write(listed, route.envelope)
        except SendRefused as error:
            return self.ledger.messages.mark_failed(key, str(error), self.clock.now())
        except ValueError as error:
            raise ApplicationError(
                f"The message {key} cannot be written: {error}", non_retryable=True
            ) from None
        says = said_over(route.channel, listed, order.invoice if order else None)
        answer = self.ledger.messages.begin_sending(key, self.clock.now(), says, gate, route.reaches)
        if answer is None or answer.lost is not None:
            raise ApplicationError(f"The message {key} is being sent by another worker")
        if not answer.is_yes:
            return answer
        tags = {"template": new.template.value, "locale": new.locale}
        tags |= {"case": new.case_id.replace("/", "_")} if new.case_id else {}
        try:
            receipt = route.sender.send(
                written,
                sender=route.origin,
                recipient=route.envelope.recipient,
                key=key,
                tags=tags,
                copies=route.envelope.copies,
            )
        except SendRefused as error:
            if isinstance(error, SendOptedOut):
                self._stop(new.customer, route)
            return self.ledger.messages.mark_failed(key, str(error), self.clock.now())
        except SendUnclear:
            return self.ledger.messages.mark_unknown(key, self.clock.now())
        except SendUnavailable as error:
            self.ledger.messages.release(key, str(error), self.clock.now())
            raise ApplicationError(f"The message {key} could not be handed over yet: {error}") from None
        return self.ledger.messages.mark_sent(key, receipt.provider_id, self.clock.now())

    def _stop(self, customer: str, route: Route) -> None:
        """Whoever has this address, or number, wants no more: the provider says so."""
        for subject in self.address_keys.of(route.envelope.recipient)[:1]:
            stop = NewStop(
                channel=route.channel,
                subject=subject,
                customer=customer,
                reason=StopReason.UNSUBSCRIBED,
                detail="told by the provider",
                actor="customer",
            )
            self.ledger.channels.stop(stop, self.clock.now())

    def _find_out(self, row: MessageRow) -> MessageRow:
        """A sender died with this message in its hands: look it up where that can be done, else it counts as sent."""
        now = self.clock.now()
        try:
            provider_id = self._sender_of(row).find(row.key)
        except CannotLookUp:
            return self.ledger.messages.mark_unknown(row.key, now)
        if provider_id is None:
            return self.ledger.messages.release(row.key, "the sender has not got it, so it was not sent", now)
        return self.ledger.messages.mark_sent(row.key, provider_id, now)

    def _sender_of(self, row: MessageRow) -> Sender:
        if row.channel == Channel.SMS:
            if self.texting is None:
                raise CannotLookUp("text messages are switched off by now")
            return self.texting.sender
        return self.sender

    def _facts(self, order: MessageOrder, contact: Contact, listed: list[Listed]) -> MessageFacts:
        now = self.clock.now()
        link = self.ledger.links.issue(order.customer, LINK_PURPOSE, now + days(order.link_valid_days), now)
        address = self.link_url(link.id, link.generation)
        zone = self.contact.default_timezone or self.mail.default_timezone
        facts = facts_of(order, contact, listed, self.mail.about_company, address, zone, now)
        restored = order.template is Template.RECOVERED
        restored = restored and any(self._is_restored(each.subscription) for each in listed)
        return facts.model_copy(update={"access_restored": restored})

    def _write(
        self, order: MessageOrder, key: str, contact: Contact, listed: list[Listed], to: Envelope
    ) -> bytes:
        facts = self._facts(order, contact, listed)
        return build_mime(
            self.composer.compose(facts),
            sender=self.mail.mailbox,
            recipient=to.recipient,
            copies=to.copies,
            message_id=message_id(key, self.mail.domain),
            date=facts.written_at,
            headers=self.unsubscribing(order.customer, contact, to),
        )

    def unsubscribing(self, customer: str, contact: Contact, to: Envelope) -> Mapping[str, str]:
        """The headers by which a mail is unsubscribed from: somebody else of the account ends it for their own address alone."""
        theirs = self.address_keys.of(to.recipient)[:1] if to.recipient != contact.email else ()
        return self.unsubscribe.headers(customer, *theirs)

    def _is_restored(self, subscription: str | None) -> bool:
        access = self.ledger.access.get(subscription) if subscription else None
        return access is not None and access.state is Access.FULL

    def _not_sent(self, order: MessageOrder, answer: Answer) -> MessageReport:
        report = not_sent(order, answer, self.clock.now())
        if report.covered_by is not None:
            stage = Stage.WARNED if order.must_arrive else Stage.NOTIFIED
            self.ledger.cases.note(order.case_id, stage, report.at)
        elif (case := self.ledger.cases.get(order.case_id)) is not None and case.is_open:
            self.ledger.cases.note(
                case.id,
                case.stage,
                report.at,
                next_kind=StepKind.MESSAGE,
                next_at=report.not_before,
                next_because=report.because,
            )
        return report

    def _report(self, order: MessageOrder, row: MessageRow) -> MessageReport:
        now = self.clock.now()
        if not row.state.is_silenced:
            self.ledger.cases.note(order.case_id, Stage.WARNED if order.must_arrive else Stage.NOTIFIED, now)
        return MessageReport(at=now, key=order.key, state=row.state, because=row.because or row.state.value)
