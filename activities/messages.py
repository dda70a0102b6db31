"""Messages: telling a customer something, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stripe import StripeClient
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities._ending import ended_for_us
from activities._failures import stripe_errors
from activities.contracts import Activity, MessageOrder, MessageReport
from activities.records import write_decision
from recoup.billing import read_invoice
from recoup.billing.customers import Contact, read_contact, read_open_invoice
from recoup.clock import Clock
from recoup.ledger import Ledger, MessageRow, NewMessage
from recoup.messages import (
    CannotLookUp,
    Composer,
    MailSettings,
    MessageFacts,
    Sender,
    SendRefused,
    SendUnavailable,
    SendUnclear,
    build_mime,
    message_id,
    reason_for,
)
from recoup.rules.base import days
from recoup.rules.case import Access, MessageState, Stage, Template

CHANNEL = "email"
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
            contact = read_contact(self.client, order.customer)
        new = NewMessage(
            key=key,
            case_id=order.case_id,
            customer=order.customer,
            template=order.template,
            channel=CHANNEL,
            locale=contact.locale or self.mail.default_locale,
        )
        return self._report(order, self.deliver(new, contact, lambda: self._write(order, key, contact)))

    def done_with(self, key: str) -> MessageRow | None:
        """The message, where nothing is left to do for it; None where it still has to be written down or sent."""
        row = self.ledger.messages.get(key)
        if row is not None and row.state is MessageState.SENDING:
            row = self._find_out(row)
        return row if row is not None and row.state is not MessageState.RESERVED else None

    def deliver(self, new: NewMessage, contact: Contact, write: Callable[[], bytes]) -> MessageRow:
        """Write a message down, then hand it over: the one way in which messages leave, whatever they are about.

        Raises:
            ApplicationError: it could not be written or handed over, or another worker has it in its hands.
        """
        self.ledger.messages.reserve(new, self.clock.now())
        if contact.email is None:
            because = "the customer has no e-mail address"
            return self.ledger.messages.mark_failed(new.key, because, self.clock.now())
        return self._hand_over(new, contact, write)

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

    def _hand_over(self, new: NewMessage, contact: Contact, write: Callable[[], bytes]) -> MessageRow:
        key = new.key
        try:
            mime = write()
        except SendRefused as error:
            return self.ledger.messages.mark_failed(key, str(error), self.clock.now())
        except ValueError as error:
            raise ApplicationError(
                f"The message {key} cannot be written: {error}", non_retryable=True
            ) from None
        if not self.ledger.messages.begin_sending(key, self.clock.now()):
            raise ApplicationError(f"The message {key} is being sent by another worker")
        tags = {"template": new.template.value, "locale": new.locale}
        tags |= {"case": new.case_id.replace("/", "_")} if new.case_id else {}
        try:
            receipt = self.sender.send(
                mime, sender=self.mail.sender, recipient=contact.email or "", key=key, tags=tags
            )
        except SendRefused as error:
            return self.ledger.messages.mark_failed(key, str(error), self.clock.now())
        except SendUnclear:
            return self.ledger.messages.mark_unknown(key, self.clock.now())
        except SendUnavailable as error:
            self.ledger.messages.release(key, str(error), self.clock.now())
            raise ApplicationError(f"The message {key} could not be handed over yet: {error}") from None
        return self.ledger.messages.mark_sent(key, receipt.provider_id, self.clock.now())

    def _find_out(self, row: MessageRow) -> MessageRow:
        """A sender died with this message in its hands: look it up where that can be done, else it counts as sent."""
        now = self.clock.now()
        try:
            provider_id = self.sender.find(row.key)
        except CannotLookUp:
            return self.ledger.messages.mark_unknown(row.key, now)
        if provider_id is None:
            return self.ledger.messages.release(row.key, "the sender has not got it, so it was not sent", now)
        return self.ledger.messages.mark_sent(row.key, provider_id, now)

    def _write(self, order: MessageOrder, key: str, contact: Contact) -> bytes:
        now = self.clock.now()
        with stripe_errors(f"read the invoice {order.invoice}"):
            item = read_open_invoice(self.client, order.invoice, failed_at=now)
        case = self.ledger.cases.get(order.case_id)
        if case is not None:
            item = item.model_copy(update={"failed_at": case.failed_at})
        link = self.ledger.links.issue(order.customer, LINK_PURPOSE, now + days(order.link_valid_days), now)
        access = self.ledger.access.get(order.subscription) if order.subscription else None
        facts = MessageFacts(
            template=order.template,
            company=self.mail.about_company,
            customer_name=contact.name,
            locale=contact.locale,
            reason=reason_for(order.decline),
            items=(item,),
            update_url=self.link_url(link.id, link.generation),
            next_retry_at=order.next_attempt_at,
            suspend_on=order.suspend_at or (now if order.template is Template.SUSPENDED else None),
            access_restored=order.template is Template.RECOVERED
            and access is not None
            and access.state is Access.FULL,
            timezone=contact.timezone or self.mail.default_timezone,
            written_at=now,
        )
        return build_mime(
            self.composer.compose(facts),
            sender=self.mail.mailbox,
            recipient=contact.email or "",
            message_id=message_id(key, self.mail.domain),
            date=now,
        )

    def _report(self, order: MessageOrder, row: MessageRow) -> MessageReport:
        now = self.clock.now()
        self.ledger.cases.note(order.case_id, Stage.WARNED if order.must_arrive else Stage.NOTIFIED, now)
        return MessageReport(at=now, key=order.key, state=row.state, because=row.because or row.state.value)
