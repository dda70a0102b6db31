"""Carrying out what SES reports: stop the address, take back what was counted as said, tell the cases; then it is seen.

Everything may be done again: only a report that was answered counts as seen, and SNS sends the others once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from typing import Protocol

import structlog
from starlette.concurrency import run_in_threadpool

from activities.contracts import MessageReturned
from recoup.addressing import AddressKeys
from recoup.clock import Clock
from recoup.ledger import Ledger, MessageRow, NewStop
from recoup.messages.tags import tag
from recoup.rules.base import Wire
from recoup.rules.case import MessageState
from recoup.rules.channels import Channel, StopReason
from recoup.web.ses.envelope import Envelope
from recoup.web.ses.reports import Bounce, Report, read_report

BEFORE = timedelta(hours=1)
"""A message began to be sent so long before SES dates it, at most; clocks differ."""

_log = structlog.get_logger(__name__)


class Cases(Protocol):
    """The part of :class:`recoup.temporal.gateway.CaseGateway` that is needed here."""

    async def tell(self, case: str, signal: str, payload: Wire) -> bool:
        """Signal a case."""
        ...


@dataclass(frozen=True, slots=True)
class Returns:
    """Takes reports."""

    ledger: Ledger
    cases: Cases
    keys: AddressKeys
    clock: Clock

    async def take(self, told: Envelope) -> str:
        """Take one message of SNS; what was done with it, in a word for the log.

        Raises:
            RecoupError: the database or Temporal did not answer; it has to be told again.
        """
        if await run_in_threadpool(self._seen_before, told):
            return "repeated"
        report = read_report(told.message)
        if report is None or report.told is None:
            return "ignored"
        message = await run_in_threadpool(self._write_down, told, report)
        if message is not None and message.state is MessageState.RETURNED:
            await self._tell(message)
        await run_in_threadpool(self._see, told, report)
        return "stopped" if report.stops else "recorded"

    def _seen_before(self, told: Envelope) -> bool:
        return self.ledger.webhooks.get(_id(told)) is not None

    def _see(self, told: Envelope, report: Report) -> None:
        kind, now = f"ses.{report.type.lower()}", self.clock.now()
        self.ledger.webhooks.seen(_id(told), kind, report.mail.id, told.timestamp, now)

    def _write_down(self, told: Envelope, report: Report) -> MessageRow | None:
        """In the ledger: what was reported, what is stopped, and what came back; the message, where it is ours."""
        message, now = self._message(report.mail.id, report), self.clock.now()
        if isinstance(report.told, Bounce):
            self._record("mail_bounced", told, report, message)
        else:
            self._record("mail_complained", told, report, message)
        if (reason := report.stops) is None or report.told is None:
            return message
        for recipient in report.told.recipients:
            for subject in self.keys.of(recipient.bare)[:1]:
                new = NewStop(
                    channel=Channel.EMAIL,
                    subject=subject,
                    customer=message.customer if message else None,
                    reason=reason,
                    detail=report.detail,
                    happened=report.told.at,
                )
                self.ledger.channels.stop(new, now)
        if message is not None and reason is StopReason.BOUNCED and self._reached_nobody(report):
            return self.ledger.messages.mark_returned(message.key, f"it came back: {report.detail}", now)
        return message

    def _reached_nobody(self, report: Report) -> bool:
        """Whether it came back from everybody who was to get it: a copy that arrived has said it."""
        whom = [self.keys.of(parseaddr(each)[1]) for each in report.mail.destination]
        return len(whom) < 2 or all(self.ledger.channels.stopped(Channel.EMAIL, names) for names in whom)

    def _record(self, kind: str, told: Envelope, report: Report, message: MessageRow | None) -> None:
        self.ledger.events.append(
            kind,
            self.clock.now(),
            case_id=message.case_id if message else None,
            customer=message.customer if message else None,
            data={"message": message.key if message else None, "detail": report.detail},
            unique=_id(told),
        )

    def _message(self, provider_id: str, report: Report) -> MessageRow | None:
        """The message by SES's name of it; by our tag where that name never came back, or has yet to."""
        found = self.ledger.messages.by_provider_id(provider_id)
        wanted = report.mail.tags.get("key")
        if found is not None or not wanted:
            return found
        begun = self.ledger.messages.unanswered(report.mail.sent_at - BEFORE)
        return next((row for row in begun if tag(row.key) in wanted), None)

    async def _tell(self, message: MessageRow) -> None:
        """Every open case of the customer's: it may have spoken for them too."""
        opened = await run_in_threadpool(self.ledger.cases.open_of_customer, message.customer)
        for case in opened:
            news = MessageReturned(at=self.clock.now(), message=message.key)
            told = await self.cases.tell(case.id, "message_returned", news)
            _log.info("message_returned", message=message.key, case=case.id, told=told)


def _id(told: Envelope) -> str:
    return f"sns/{told.message_id}"
