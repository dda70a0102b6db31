"""The outbox: messages as files in a directory, for trying Recoup out without sending anything to anybody.

Each message is ``<hash of its key>.eml`` with ``<hash of its key>.json`` beside it, which tells what it is. A message
counts as sent the moment its ``.eml`` appears, which happens at once and only once for each key.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from pydantic import Field

from recoup.clock import Clock, SystemClock
from recoup.errors import ConfigurationError
from recoup.messages.mime import key_hash
from recoup.messages.sending import SendReceipt, SendUnavailable
from recoup.rules.base import Moment, Wire

_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"]+")
_ID = re.compile(r"[0-9a-f]{40}")


class OutboxMail(Wire):
    """One message of the outbox, as its ``.json`` file says."""

    id: str
    key: str
    to: str
    subject: str
    template: str | None = None
    locale: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    links: tuple[str, ...] = ()
    """The web addresses of the text part, in their order there."""
    at: Moment


class Outbox:
    """Reads an outbox directory; one that does not exist yet is empty."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def list(self) -> list[OutboxMail]:
        """All messages, the newest first."""
        mails = [self.get(path.stem) for path in self._directory.glob("*.eml")]
        return sorted((mail for mail in mails if mail), key=lambda mail: (mail.at, mail.id), reverse=True)

    def get(self, mail_id: str) -> OutboxMail | None:
        """The message with this id; ``None`` when there is none, or when the id is no id."""
        if not _ID.fullmatch(mail_id) or not self._file(mail_id, "eml").exists():
            return None
        return OutboxMail.model_validate_json(self._file(mail_id, "json").read_bytes())

    def has(self, key: str) -> bool:
        """Whether the message of this key is here."""
        return self._file(key_hash(key), "eml").exists()

    def remove(self, key: str) -> None:
        """Remove the message of this key, where it is here."""
        for suffix in ("eml", "json"):
            self._file(key_hash(key), suffix).unlink(missing_ok=True)

    def mime(self, mail_id: str) -> bytes | None:
        """The whole message as it would have been sent."""
        return self._file(mail_id, "eml").read_bytes() if self.get(mail_id) else None

    def text(self, mail_id: str) -> str | None:
        """The text part."""
        return _part(self.mime(mail_id), "plain")

    def html(self, mail_id: str) -> str | None:
        """The HTML part; show it in a sandboxed frame only."""
        return _part(self.mime(mail_id), "html")

    def _file(self, mail_id: str, suffix: str) -> Path:
        return self._directory / f"{mail_id}.{suffix}"


class OutboxSender:
    """Writes messages into the outbox instead of sending them."""

    def __init__(self, directory: Path, clock: Clock | None = None) -> None:
        self._directory = directory
        self._clock = clock or SystemClock()

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
        """Write the message, once for each key; see :class:`recoup.messages.sending.Sender`.

        A key that was written before is answered with its receipt and changes nothing.
        """
        mail_id = key_hash(key)
        if self.find(key) is None:
            mail = self._described(mime, mail_id, recipient, key, tags)
            try:
                self._directory.mkdir(parents=True, exist_ok=True)
                self._publish(mail_id, "json", mail.model_dump_json(indent=2).encode())
                self._publish(mail_id, "eml", mime)
            except OSError as error:
                raise SendUnavailable(
                    f"the outbox {self._directory} cannot be written: {error.strerror}"
                ) from None
        return SendReceipt(provider_id=mail_id)

    def find(self, key: str) -> str | None:
        """The id of the message written under this key."""
        mail_id = key_hash(key)
        return mail_id if (self._directory / f"{mail_id}.eml").exists() else None

    def check(self) -> None:
        """See whether the directory can be written; see :class:`recoup.messages.sending.Sender`."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._directory):
                pass
        except OSError as error:
            raise ConfigurationError(
                f"the outbox {self._directory} cannot be written: {error.strerror}; set mail.outbox to another directory"
            ) from None

    def _described(
        self, mime: bytes, mail_id: str, recipient: str, key: str, tags: Mapping[str, str]
    ) -> OutboxMail:
        message = message_from_bytes(mime, _class=EmailMessage, policy=default)
        return OutboxMail(
            id=mail_id,
            key=key,
            to=recipient,
            subject=str(message["Subject"]),
            template=tags.get("template"),
            locale=tags.get("locale"),
            tags=dict(tags),
            links=tuple(dict.fromkeys(_WEB_ADDRESS.findall(_body(message, "plain") or ""))),
            at=self._clock.now(),
        )

    def _publish(self, mail_id: str, suffix: str, content: bytes) -> None:
        """Let the file appear whole and at once; when another process was faster, its file stays."""
        handle, temporary = tempfile.mkstemp(dir=self._directory, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.link(temporary, self._directory / f"{mail_id}.{suffix}")
        except FileExistsError:
            return
        finally:
            Path(temporary).unlink()


def _part(mime: bytes | None, subtype: str) -> str | None:
    if mime is None:
        return None
    return _body(message_from_bytes(mime, _class=EmailMessage, policy=default), subtype)


def _body(message: EmailMessage, subtype: str) -> str | None:
    part = message.get_body((subtype,))
    return str(part.get_content()) if part else None
