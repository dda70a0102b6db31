"""Sending the digest: to everybody who is named, each week once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from recoup.clock import Clock
from recoup.digest.composing import compose, gather
from recoup.errors import ConfigurationError
from recoup.ledger import Ledger
from recoup.messages import Composed, Languages, Mailbox, SendError, build_mime, message_id, sender_from
from recoup.settings import Settings


@dataclass(frozen=True)
class Sent:
    """What became of one digest."""

    since: datetime
    until: datetime
    """The week that it tells of."""
    sent: int
    had: int
    """So many had it already."""
    failed: tuple[str, ...]
    """Why it could not be handed over to somebody."""


def send(settings: Settings, ledger: Ledger, clock: Clock, *, again: bool = False) -> Sent:
    """Send it to everybody in ``figures.digest_to`` who has not had the week's yet, or ``again`` to all.

    Raises:
        ConfigurationError: nobody is named, or there is no such language.
    """
    languages, wanted = Languages(), settings.figures.digest_language
    if not settings.figures.digest_to:
        raise ConfigurationError(
            "figures.digest_to names nobody: set RECOUP_FIGURES__DIGEST_TO to a list of addresses"
        )
    if wanted not in languages.names:
        raise ConfigurationError(
            f"figures.digest_language is {wanted}: there are {', '.join(languages.names)}"
        )
    digest = gather(ledger, clock)
    mail = compose(digest, languages, languages.choose(wanted, "en"), settings.console.public_url)
    week, failed, sent, had = f"{digest.week.since:%G-W%V}", list[str](), 0, 0
    for recipient in settings.figures.digest_to:
        # Addresses are people's: neither the key nor the ledger has one.
        key = f"digest/{week}/{hashlib.sha256(recipient.encode()).hexdigest()[:16]}"
        if not again and ledger.events.named(key) is not None:
            had += 1
            continue
        own = key if not again else f"{key}/{clock.now():%Y%m%dT%H%M%S}"
        try:
            _hand_over(settings, clock, mail, recipient, own)
        except SendError as error:
            failed.append(str(error))
            continue
        ledger.events.append("digest_sent", clock.now(), data={"week": week}, unique=own)
        sent += 1
    return Sent(digest.week.since, digest.week.until, sent, had, tuple(failed))


def _hand_over(settings: Settings, clock: Clock, mail: Composed, recipient: str, key: str) -> None:
    raw = build_mime(
        mail,
        sender=Mailbox(name="Recoup", address=settings.mail.sender),
        recipient=recipient,
        message_id=message_id(key, settings.mail.domain),
        date=clock.now(),
    )
    sender = sender_from(settings.mail, clock)
    sender.send(raw, sender=settings.mail.sender, recipient=recipient, key=key, tags={})
