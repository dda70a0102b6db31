"""Sending through an SMTP server, such that a lost answer is never mistaken for a lost message."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default
from typing import Literal

from pydantic import Field, SecretStr

from recoup.errors import ConfigurationError, ConnectionFailed
from recoup.messages.sending import CannotLookUp, SendReceipt, SendRefused, SendUnavailable, SendUnclear
from recoup.rules.base import Frozen

_ENHANCED_CODE = re.compile(rb"\b[245]\.\d{1,3}\.\d{1,3}\b")
_LEADING_DOT = re.compile(rb"(?m)^\.")


class SmtpSettings(Frozen):
    """How to reach the SMTP server."""

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    """``tls`` from the first byte (port 465), ``starttls`` after the greeting (587), ``none`` for a server on this machine."""
    username: str | None = None
    password: SecretStr | None = None
    timeout_seconds: float = Field(default=20, gt=0, le=120)


class SmtpSender:
    """Sends each message over a connection of its own."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

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
        """Hand the message to the server; see :class:`recoup.messages.sending.Sender`.

        The receipt holds the message's own Message-ID, which is what a bounce will name. SMTP has no place for ``tags``.
        """
        with self._failures_before_the_end(), self._connection() as server:
            _expect(server.mail(sender))
            _expect(server.rcpt(recipient))
            for copy in copies:
                server.rcpt(copy)  # One that is refused keeps nobody else from getting the message.
            _expect(server.docmd("DATA"), wanted=354)
            body = _LEADING_DOT.sub(b"..", mime)
            server.send(body if body.endswith(b"\r\n") else body + b"\r\n")
            # Until the final dot is out the server must not act on the message (RFC 5321, 4.1.1.4); from here on it may.
            _expect(_finish(server))
        return SendReceipt(provider_id=str(message_from_bytes(mime, policy=default)["Message-ID"]))

    def find(self, key: str) -> str | None:
        """SMTP has no memory.

        :raises CannotLookUp: always.
        """
        raise CannotLookUp("an SMTP server cannot be asked whether it took a message")

    def check(self) -> None:
        """Connect, log in and leave; see :class:`recoup.messages.sending.Sender`."""
        where = f"the mail server {self._settings.host}:{self._settings.port}"
        try:
            with self._connection() as server:
                server.noop()
        except smtplib.SMTPAuthenticationError:
            raise ConfigurationError(f"{where} refuses the user name and password of mail.smtp") from None
        except smtplib.SMTPNotSupportedError as error:
            raise ConfigurationError(f"{where} cannot do what mail.smtp asks: {error}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise ConnectionFailed(
                f"{where} does not answer: {error}; check mail.smtp.host and port"
            ) from None

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        wanted = self._settings
        context = ssl.create_default_context()
        if wanted.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                wanted.host, wanted.port, timeout=wanted.timeout_seconds, context=context
            )
        else:
            server = smtplib.SMTP(wanted.host, wanted.port, timeout=wanted.timeout_seconds)
        try:
            if wanted.security == "starttls":
                server.starttls(context=context)
            server.ehlo_or_helo_if_needed()
            if wanted.username and wanted.password:
                server.login(wanted.username, wanted.password.get_secret_value())
            yield server
            _part(server)
        finally:
            server.close()

    @contextmanager
    def _failures_before_the_end(self) -> Iterator[None]:
        """Everything that fails before the final dot has surely not sent the message."""
        try:
            yield
        except smtplib.SMTPResponseException as error:
            raise SendUnavailable(f"the mail server refused to talk: reply {error.smtp_code}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise SendUnavailable(f"the mail server could not be used: {type(error).__name__}") from None


def _finish(server: smtplib.SMTP) -> tuple[int, bytes]:
    try:
        server.send(b".\r\n")
        return server.getreply()
    except (OSError, smtplib.SMTPServerDisconnected) as error:
        raise SendUnclear(
            f"the mail server took the message and gave no answer: {type(error).__name__}"
        ) from None


def _part(server: smtplib.SMTP) -> None:
    """Say good-bye. The message is settled by now, so nothing that goes wrong here matters."""
    try:
        server.quit()
    except (OSError, smtplib.SMTPException):
        return


def _expect(reply: tuple[int, bytes], wanted: int | None = None) -> None:
    """Go on after a good reply; sort a bad one into for now (4xx) and for good (5xx)."""
    code, text = reply
    if code == wanted or (wanted is None and 200 <= code < 300):
        return
    detail = _ENHANCED_CODE.search(text)
    said = f"reply {code}" + (f" {detail.group().decode()}" if detail else "")
    if 500 <= code < 600:
        raise SendRefused(f"the mail server refused the message: {said}")
    raise SendUnavailable(f"the mail server did not take the message for now: {said}")
