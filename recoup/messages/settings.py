"""The settings of mail: who writes, in which language by default, and through which sender."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from recoup.clock import Clock
from recoup.messages.addresses import Address
from recoup.messages.facts import Company, CompanyName, Zone
from recoup.messages.mime import Mailbox
from recoup.messages.outbox import OutboxSender
from recoup.messages.sending import Sender
from recoup.messages.smtp import SmtpSender, SmtpSettings
from recoup.rules.base import Frozen

_TOPIC = r"^arn:aws:sns:[a-z0-9-]{1,30}:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$"


class SesSettings(Frozen):
    """Which SES to use; credentials come from AWS's own places (environment, profile, role)."""

    region: str | None = None
    """``None``: AWS's own setting."""
    configuration_set: str | None = None
    """Needed for delivery reports that carry our tags."""
    topics: tuple[Annotated[str, StringConstraints(pattern=_TOPIC)], ...] = ()
    """The SNS topics whose bounces and complaints are taken; none: nobody is listened to."""
    connect_timeout_seconds: float = Field(default=5, gt=0, le=60)
    read_timeout_seconds: float = Field(default=15, gt=0, le=120)


class SmsSettings(Frozen):
    """All of ``sms`` in the settings."""

    kind: Literal["none", "aws"] = "none"
    """How text messages go out: not at all, or through AWS End User Messaging SMS."""
    region: str | None = None
    """``None``: AWS's own setting."""
    origin: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_:/+-]{1,256}$")] | None = None
    """The origination identity: a phone number, a sender id or a pool."""
    configuration_set: str | None = None
    keep_diacritics: bool = False
    """Whether letters outside the GSM alphabet stay, for more than twice as many parts."""
    max_parts: Annotated[int, Field(strict=True, ge=1, le=10)] = 4
    """So many parts at most; a text that takes more is never sent."""
    connect_timeout_seconds: float = Field(default=5, gt=0, le=60)
    read_timeout_seconds: float = Field(default=15, gt=0, le=120)

    @model_validator(mode="after")
    def _complete(self) -> SmsSettings:
        if self.kind == "aws" and self.origin is None:
            raise ValueError("origin must be set when kind is 'aws'")
        return self


class MailSettings(Frozen):
    """All of ``mail`` in the settings."""

    kind: Literal["outbox", "smtp", "ses"] = "outbox"
    """Where messages go: into files, to an SMTP server, to Amazon SES."""
    outbox: Path = Path("outbox")
    """The directory of the outbox."""
    smtp: SmtpSettings | None = None
    ses: SesSettings = SesSettings()
    company: CompanyName = "Example"
    """The company's name, as customers know it."""
    sender: Address = "billing@example.com"
    """The address messages come from; with SES a verified one."""
    support: Address = "support@example.com"
    """Where customers' answers and questions go."""
    default_locale: str = "en"
    """For customers whose own language is unknown or not spoken here."""
    default_timezone: Zone = "UTC"
    """For customers whose own time zone is unknown."""
    templates: Path | None = None
    """A directory with the operator's own templates and catalogues (``docs/messages.md``)."""

    @model_validator(mode="after")
    def _complete(self) -> MailSettings:
        if self.kind == "smtp" and self.smtp is None:
            raise ValueError("smtp.host must be set when kind is 'smtp'")
        if self.kind != "outbox" and self.sender.endswith("@example.com"):
            raise ValueError(f"sender must be set to an address of your own when kind is {self.kind!r}")
        return self

    @property
    def mailbox(self) -> Mailbox:
        """What stands in From and Reply-To."""
        return Mailbox(name=self.company, address=self.sender, reply_to=self.support)

    @property
    def about_company(self) -> Company:
        """What messages say about the company."""
        return Company(name=self.company, support=self.support)

    @property
    def domain(self) -> str:
        """The domain of the sender, which Message-IDs end in."""
        return self.sender.rpartition("@")[2]


def sender_from(settings: MailSettings, clock: Clock | None = None) -> Sender:
    """The sender these settings ask for. The clock dates the messages of the outbox.

    :raises ConfigurationError: SES without a region.
    """
    if settings.kind == "ses":
        # boto3 takes as long to import as all the rest together; only those who send through SES should wait for it.
        from recoup.messages.ses import SesSender

        return SesSender(settings.ses)
    if settings.kind == "smtp" and settings.smtp is not None:
        return SmtpSender(settings.smtp)
    return OutboxSender(settings.outbox, clock)
