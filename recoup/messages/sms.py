"""Sending text messages through AWS End User Messaging SMS (``pinpoint-sms-voice-v2``)."""

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
    SendOptedOut,
    SendReceipt,
    SendRefused,
    SendUnclear,
)
from recoup.messages.settings import SmsSettings

OPTED_OUT = "DESTINATION_PHONE_NUMBER_OPTED_OUT"
"""Whoever has the number answered STOP."""

OF_THE_NUMBER = (
    "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION",
    "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE",
)
"""Conflicts that lie with this customer's number; all others an operator can mend."""


class _SmsClient(Protocol):
    def send_text_message(self, **kwargs: Any) -> dict[str, Any]: ...

    def describe_account_attributes(self) -> dict[str, Any]: ...


class AwsSmsSender:
    """Sends through AWS. One client serves all threads."""

    def __init__(self, settings: SmsSettings) -> None:
        """Prepare the client; nothing is sent yet.

        :raises ConfigurationError: no region is set here or in AWS's own places, or those cannot be read.
        """
        self._settings = settings
        # There is no idempotency token here either: the SDK must not repeat a call by itself.
        config = Config(
            connect_timeout=settings.connect_timeout_seconds,
            read_timeout=settings.read_timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": 1},
        )
        try:
            session = boto3.session.Session()
            client = session.client("pinpoint-sms-voice-v2", region_name=settings.region, config=config)
        except NoRegionError:
            raise ConfigurationError("Text messages need a region: set sms.region or AWS_REGION") from None
        except BotoCoreError as error:
            raise ConfigurationError(f"Text messages cannot be sent: {error}") from None
        self._client = cast(_SmsClient, client)

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
        """Hand the text over; see :class:`recoup.messages.sending.Sender`. ``sender`` is the origination identity."""
        request: dict[str, Any] = {
            "DestinationPhoneNumber": recipient,
            "OriginationIdentity": sender,
            "MessageBody": mime.decode(),
            "MessageType": "TRANSACTIONAL",
            "Context": {**tags, "key": key},
        }
        if self._settings.configuration_set:
            request["ConfigurationSetName"] = self._settings.configuration_set
        try:
            answer = self._client.send_text_message(**request)
        except FAILURES as error:
            # "from None": what AWS says may name the number, and causes are written into workflow histories.
            raise sort_failure(error, "AWS", "the text message", _refused) from None
        if not answer.get("MessageId"):
            raise SendUnclear("AWS answered without saying that it took the text message")
        return SendReceipt(provider_id=answer["MessageId"])

    def find(self, key: str) -> str | None:
        """AWS cannot be searched.

        :raises CannotLookUp: always.
        """
        raise CannotLookUp("AWS cannot be asked whether it took a text message")

    def check(self) -> None:
        """Ask for the account's state; see :class:`recoup.messages.sending.Sender`."""
        try:
            self._client.describe_account_attributes()
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise ConfigurationError(f"Text messages cannot be sent: {error}") from None
        except ClientError as error:
            raise ConfigurationError(
                f"AWS refuses these credentials or this region: {code_of(error)}"
            ) from None
        except BotoCoreError as error:
            raise ConnectionFailed(f"AWS does not answer: {type(error).__name__}") from None


def _refused(code: str, reason: str) -> SendError | None:
    if code == "ConflictException" and reason == OPTED_OUT:
        return SendOptedOut(f"AWS refused the text message: {reason}")
    if code == "ValidationException" or (code == "ConflictException" and reason in OF_THE_NUMBER):
        return SendRefused(f"AWS refused the text message: {reason or code}")
    return None
