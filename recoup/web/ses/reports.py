"""What SES reports of a mail: bounces and complaints, of event publishing and of identity notifications alike.

The reports hold addresses. They are read here, made into names that say nothing, and let go.
"""

from __future__ import annotations

from email.utils import parseaddr

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from recoup.rules.channels import StopReason

PERMANENT = "Permanent"
NOT_SPAM = "not-spam"
"""A reader who takes a mail out of the spam folder again (RFC 5965, 7.3)."""


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Recipient(_Read):
    """Somebody whom a report is about."""

    address: str = Field(alias="emailAddress", repr=False)

    @property
    def bare(self) -> str:
        """Without a name beside it."""
        return parseaddr(self.address)[1]


class Bounce(_Read):
    """A mail that came back."""

    kind: str = Field(alias="bounceType", max_length=50)
    sub_kind: str = Field("", alias="bounceSubType", max_length=50)
    recipients: tuple[Recipient, ...] = Field(alias="bouncedRecipients", max_length=50)
    at: AwareDatetime = Field(alias="timestamp")


class Complaint(_Read):
    """A mail that its reader called spam."""

    kind: str | None = Field(None, alias="complaintFeedbackType", max_length=50)
    recipients: tuple[Recipient, ...] = Field(alias="complainedRecipients", max_length=50)
    at: AwareDatetime = Field(alias="timestamp")


class Mail(_Read):
    """The mail that a report is about."""

    id: str = Field(alias="messageId")
    sent_at: AwareDatetime = Field(alias="timestamp")
    tags: dict[str, tuple[str, ...]] = {}
    destination: tuple[str, ...] = Field((), repr=False)
    """Everybody whom it was sent to, those with a copy too."""


class Report(_Read):
    """One report."""

    type: str
    mail: Mail
    bounce: Bounce | None = None
    complaint: Complaint | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_name(cls, data: object) -> object:
        """Event publishing and identity notifications call the type differently."""
        if isinstance(data, dict):
            data = {**data, "type": data.get("eventType") or data.get("notificationType")}
        return data

    @property
    def told(self) -> Bounce | Complaint | None:
        """What is taken of it; None for what Recoup has no use for."""
        if self.type == "Bounce":
            return self.bounce
        return self.complaint if self.type == "Complaint" else None

    @property
    def stops(self) -> StopReason | None:
        """Why nothing more goes to the address; None where that does not follow."""
        match self.told:
            case Bounce() as bounce:
                return StopReason.BOUNCED if bounce.kind == PERMANENT else None
            case Complaint() as complaint:
                return None if complaint.kind == NOT_SPAM else StopReason.COMPLAINED
        return None

    @property
    def detail(self) -> str:
        """The codes of it."""
        match self.told:
            case Bounce() as bounce:
                return "/".join(part for part in (bounce.kind, bounce.sub_kind) if part)
            case Complaint() as complaint:
                return complaint.kind or "complaint"
        return self.type


def read_report(message: str) -> Report | None:
    """What an SNS message says of a mail; None for anything else, such as the text SES sends when it is set up."""
    try:
        return Report.model_validate_json(message)
    except ValidationError:
        # Its text repeats what was read.
        return None
