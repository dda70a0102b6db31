"""Sending through Amazon SES, version 2 of its API, as raw MIME."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)

from recoup.errors import ConfigurationError, ConnectionFailed
from recoup.messages._aws import FAILURES, code_of, sort_failure
from recoup.messages.sending import (
    CannotLookUp,
    SendError,
    SendReceipt,
    SendRefused,
    SendUnclear,
)
from recoup.messages.settings import SesSettings
from recoup.messages.tags import tag

REFUSED_CODES = frozenset(
    {
        "AccountSuspendedException",
        "BadRequestException",
        "MailFromDomainNotVerifiedException",
        "MessageRejected",
        "NotFoundException",
        "ValidationException",
    }
)
"""SES answers that another try would not change (SES API v2, SendEmail, "Errors")."""


class _SesClient(Protocol):
    def send_email(self, **kwargs: Any) -> dict[str, Any]: ...

    def get_account(self) -> dict[str, Any]: ...


class SesSender:
    """Sends through SES. One client serves all threads."""

    def __init__(self, settings: SesSettings) -> None:
        """Prepare the client; nothing is sent yet.

        :raises ConfigurationError: no region is set here or in AWS's own places, or those cannot be read.
        """
        self._settings = settings
        # SES has no idempotency token, so the SDK must not repeat a call by itself: the second could send it twice.
        config = Config(
            connect_timeout=settings.connect_timeout_seconds,
            read_timeout=settings.read_timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": 1},
        )
        try:
            client = boto3.session.Session().client("sesv2", region_name=settings.region, config=config)
        except NoRegionError:
            raise ConfigurationError("SES needs a region: set mail.ses.region or AWS_REGION") from None
        except BotoCoreError as error:
            raise ConfigurationError(f"SES cannot be used: {error}") from None
        self._client = cast(_SesClient, client)

    def send(
        self,
        mime: bytes,
        *,
        sender: str,
        recipient: str,
        key: str,
        tags: Mapping[str, str],
        copies: Sequence[str] = (),
    ) -> SendReceipt:
        """Hand the message to SES; see :class:`recoup.messages.sending.Sender`. The key goes along as the tag ``key``."""
        request: dict[str, Any] = {
            "FromEmailAddress": sender,
            "Destination": {"ToAddresses": [recipient]} | ({"CcAddresses": list(copies)} if copies else {}),
            "Content": {"Raw": {"Data": mime}},
            "EmailTags": [
                {"Name": tag(name), "Value": tag(value)} for name, value in {**tags, "key": key}.items()
            ],
        }
        if self._settings.configuration_set:
            request["ConfigurationSetName"] = self._settings.configuration_set
        try:
            answer = self._client.send_email(**request)
        except FAILURES as error:
            # "from None": what SES says may name the address, and causes are written into workflow histories.
            raise sort_failure(error, "SES", "the message", _refused) from None
        if not answer.get("MessageId"):
            raise SendUnclear("SES answered without saying that it took the message")
        return SendReceipt(provider_id=answer["MessageId"])

    def find(self, key: str) -> str | None:
        """SES cannot be searched.

        :raises CannotLookUp: always.
        """
        raise CannotLookUp("SES cannot be asked whether it took a message; its delivery events tell")

    def check(self) -> None:
        """Ask SES for the account's state; see :class:`recoup.messages.sending.Sender`."""
        try:
            account = self._client.get_account()
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise ConfigurationError(f"SES cannot be used: {error}") from None
        except ClientError as error:
            raise ConfigurationError(
                f"SES refuses these credentials or this region: {code_of(error)}"
            ) from None
        except BotoCoreError as error:
            raise ConnectionFailed(f"SES does not answer: {error}") from None
        if not account.get("SendingEnabled", True):
            raise ConfigurationError("sending is switched off for this SES account and region")


def _refused(code: str, _: str) -> SendError | None:
    return SendRefused(f"SES refused the message: {code}") if code in REFUSED_CODES else None
