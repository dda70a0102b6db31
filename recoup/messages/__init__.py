"""Messages to customers: what they may say, how they are written, and how they are handed over."""

from recoup.messages.addresses import Address, usable_address
from recoup.messages.compose import Composer, compose
from recoup.messages.facts import (
    AHEAD,
    CardOnFile,
    Company,
    MessageFacts,
    NextPayment,
    OpenInvoice,
    Reason,
    reason_for,
)
from recoup.messages.localisation import Language, Languages
from recoup.messages.mime import Composed, Mailbox, build_mime, message_id
from recoup.messages.numbers import usable_number
from recoup.messages.outbox import Outbox, OutboxMail, OutboxSender
from recoup.messages.samples import sample_facts
from recoup.messages.sending import (
    CannotLookUp,
    Sender,
    SendError,
    SendOptedOut,
    SendReceipt,
    SendRefused,
    SendUnavailable,
    SendUnclear,
)
from recoup.messages.settings import MailSettings, SesSettings, SmsSettings, sender_from
from recoup.messages.smtp import SmtpSender, SmtpSettings
from recoup.messages.texting import SmsComposer

__all__ = [
    "AHEAD",
    "Address",
    "CannotLookUp",
    "CardOnFile",
    "Company",
    "Composed",
    "Composer",
    "Language",
    "Languages",
    "MailSettings",
    "Mailbox",
    "MessageFacts",
    "NextPayment",
    "OpenInvoice",
    "Outbox",
    "OutboxMail",
    "OutboxSender",
    "Reason",
    "SendError",
    "SendOptedOut",
    "SendReceipt",
    "SendRefused",
    "SendUnavailable",
    "SendUnclear",
    "Sender",
    "SesSettings",
    "SmsComposer",
    "SmsSettings",
    "SmtpSender",
    "SmtpSettings",
    "build_mime",
    "compose",
    "message_id",
    "reason_for",
    "sample_facts",
    "sender_from",
    "usable_address",
    "usable_number",
]
