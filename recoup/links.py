"""Links in messages, signed here. Update links: ``{public_url}/u/{token}``, expiring and revocable in the ledger.

A token holds the id and the generation of a row of the ledger and nothing else: no customer, no invoice, no date. Whether the
link still works is what the row says at the moment, by Recoup's own clock.

Unsubscribe links, ``{public_url}/unsubscribe/{token}``, name the customer and the channel, for other people of the account their
address by its keyed hash, and work for as long as their secret is
kept: a mail may lie in a mailbox for years.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from itsdangerous import BadData, URLSafeSerializer
from pydantic import SecretStr

from recoup.errors import ConfigurationError
from recoup.ledger import Ledger, LinkRow
from recoup.rules.channels import Channel
from recoup.settings import Settings

PURPOSE = "update"
"""The purpose under which the ledger keeps update links."""
PATH = "/u"
SHORTEST_SECRET = 16
UNSUBSCRIBE_PATH = "/unsubscribe"
_LONGEST_TOKEN = 300
_LONGEST_COOKIE = 4096
_SALT = "recoup/links/"

Refusal = Literal["unknown", "expired", "revoked"]


@dataclass(frozen=True, slots=True)
class SignedLink:
    """What a genuine token says."""

    id: str
    generation: int


def update_link_signer(settings: Settings) -> Callable[[str, int], str]:
    """What makes the address of an update link from the id and the generation of its row.

    Raises:
        ConfigurationError: no secret is set, or one that could be guessed.
    """
    return update_links(settings).address


def update_links(settings: Settings) -> UpdateLinks:
    """Writer and reader of update links for the configured secrets and address; raises as above."""
    return UpdateLinks(settings.link_secrets, settings.public_url)


class UpdateLinks:
    """Writes and reads the addresses that customers get."""

    def __init__(self, secrets: Sequence[str | SecretStr], public_url: str) -> None:
        """The last secret signs, all are accepted.

        Raises:
            ConfigurationError: no secret, or one that could be guessed.
        """
        self._serializer = _serializer(secrets, PURPOSE)
        self._base = public_url.rstrip("/")

    def token(self, link_id: str, generation: int) -> str:
        """The token of a link."""
        return str(self._serializer.dumps([link_id, generation]))

    def address(self, link_id: str, generation: int) -> str:
        """The address that goes into a message."""
        return f"{self._base}{PATH}/{self.token(link_id, generation)}"

    def read(self, token: str) -> SignedLink | None:
        """What a token says; None for one that was not signed here, whatever is wrong with it."""
        match _said(self._serializer, token):
            case [str(id_), int(generation)]:
                return SignedLink(id_, generation)
        return None

    def open(self, token: str, ledger: Ledger, at: datetime) -> LinkRow | Refusal:
        """The link behind a token, or why it does not work at this moment."""
        said = self.read(token)
        if said is None:
            return "unknown"
        row = ledger.links.get(said.id)
        if row is None or row.purpose != PURPOSE or row.generation != said.generation:
            return "unknown"
        return row.refusal(at) or row


class UnsubscribeLinks:
    """Writes and reads the addresses through which a customer stops a channel."""

    def __init__(self, secrets: Sequence[str | SecretStr], public_url: str) -> None:
        """As :class:`UpdateLinks`; raises as it does."""
        self._serializer = _serializer(secrets, "unsubscribe")
        self._base = public_url.rstrip("/")

    def address(self, customer: str, channel: Channel, subject: str | None = None) -> str:
        """The address that goes into a message; with a ``subject`` it stops that one address of the customer's alone."""
        said = [customer, channel.value, *([subject] if subject else [])]
        return f"{self._base}{UNSUBSCRIBE_PATH}/{self._serializer.dumps(said)}"

    def headers(self, customer: str, subject: str | None = None) -> Mapping[str, str]:
        """What a mail carries so that its reader's program can offer to unsubscribe: RFC 2369, and RFC 8058 for one click.

        One click is promised over https alone, as RFC 8058, 3.1 asks.
        """
        address = self.address(customer, Channel.EMAIL, subject)
        headers = {"List-Unsubscribe": f"<{address}>"}
        if self._base.startswith("https://"):
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        return headers

    def read(self, token: str) -> tuple[str, Channel, str] | None:
        """Whose a token is, which channel it stops and for whom: the customer, or one address; None for one not signed here."""
        match _said(self._serializer, token):
            case [str(customer), str(channel), *named] if channel in tuple(Channel):
                match named:
                    case []:
                        return customer, Channel(channel), customer
                    case [str(subject)]:
                        return customer, Channel(channel), subject
        return None


def unsubscribe_links(settings: Settings) -> UnsubscribeLinks:
    """Writer and reader of unsubscribe links for the configured secrets and address; raises as :func:`update_links`."""
    return UnsubscribeLinks(settings.link_secrets, settings.public_url)


class Signed:
    """Writes and reads what a browser carries for us: anybody can read it, nobody else can write it."""

    def __init__(self, secrets: Sequence[str | SecretStr], purpose: str) -> None:
        """What is signed for one purpose is good for no other; raises as :class:`UpdateLinks`."""
        self._serializer = _serializer(secrets, purpose)

    def write(self, said: object) -> str:
        """JSON, signed."""
        return str(self._serializer.dumps(said))

    def read(self, token: str) -> object:
        """What it says; None for one that was not signed here, whatever is wrong with it."""
        return _said(self._serializer, token, _LONGEST_COOKIE)


def _serializer(secrets: Sequence[str | SecretStr], purpose: str) -> URLSafeSerializer:
    keys = [key.get_secret_value() if isinstance(key, SecretStr) else key for key in secrets]
    if not keys or any(len(key) < SHORTEST_SECRET for key in keys):
        raise ConfigurationError(
            f"Update links cannot be signed: RECOUP_LINK_SECRETS must be a JSON list of secrets with at least"
            f" {SHORTEST_SECRET} characters each, the newest last"
        )
    signer = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    return URLSafeSerializer(keys, salt=f"{_SALT}{purpose}", signer_kwargs=signer)


def _said(serializer: URLSafeSerializer, token: str, longest: int = _LONGEST_TOKEN) -> object:
    """What a token says; None for one that was not signed here, whatever is wrong with it."""
    if len(token) > longest:
        return None
    try:
        said: object = serializer.loads(token)
    except BadData:
        return None
    return said
