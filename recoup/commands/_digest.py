"""The weekly digest: how the week went, as a mail to the operators."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

import recoup
from recoup import figures
from recoup.clock import Clock, clock_for
from recoup.commands._report_html import Words, headline
from recoup.errors import ConfigurationError, ConnectionFailed
from recoup.figures import Figures, Selection
from recoup.figures.debts import End
from recoup.figures.keeping import facts_of
from recoup.figures.week import Count, Week, count, last_whole_week, week_of
from recoup.ledger import Ledger
from recoup.messages import (
    Composed,
    Language,
    Languages,
    Mailbox,
    SendError,
    build_mime,
    message_id,
    sender_from,
)
from recoup.messages.formatting import long_date
from recoup.settings import Settings, load_settings

TEMPLATES = Path(recoup.__file__).parent / "templates" / "digest"
LOOKS_BACK = timedelta(days=365)
"""Over so long a time the rates of the digest are worked out."""


@dataclass(frozen=True)
class Digest:
    """What the mail says."""

    week: Week
    before: Week
    """The week before it."""
    open: Count
    waiting: int
    """So many cases need a person now."""
    figures: Figures
    """Of the failures of a year."""


def gather(ledger: Ledger, clock: Clock) -> Digest:
    """The newest whole week, and how things stand now."""
    now = clock.now()
    since, until = last_whole_week(now)
    made = figures.of(ledger, Selection(now=now, since=now - LOOKS_BACK))
    tests = ledger.before_recoup.known().tests
    facts = facts_of(ledger, Selection(now=now), whole=True).without(tests)
    return Digest(
        week=week_of(facts, since, until),
        before=week_of(facts, since - timedelta(days=7), since),
        open=count(facts, facts.ended(End.OPEN)),
        waiting=ledger.browsing.waiting(),
        figures=made,
    )


def compose(digest: Digest, languages: Languages, language: Language, address: str) -> Composed:
    """The mail: text and HTML; ``address`` leads to the console."""
    texts = languages.translations(language.catalogue)
    words = Words(language.locale, texts.gettext("not enough data"))
    last = digest.week.until - timedelta(days=1)
    days = [long_date(day.date(), language.locale) for day in (digest.week.since, last)]
    title = texts.gettext("Recovery of failed payments: the week")
    values: dict[str, Any] = {
        "digest": digest,
        "language": language.tag,
        "title": title,
        "period": " – ".join(days),
        "monies": words.monies,
        "headline": headline(digest.figures, words),
        "estimated": words.percent(digest.figures.recovery_rate.estimated.by_day[28]),
        "address": address,
    }

    def made(name: str) -> str:
        environment = SandboxedEnvironment(
            loader=FileSystemLoader(TEMPLATES),
            extensions=["jinja2.ext.i18n"],
            undefined=StrictUndefined,
            autoescape=name.endswith(".html.j2"),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.install_gettext_translations(texts, newstyle=True)  # type: ignore[attr-defined]
        return environment.get_template(name).render(values)

    subject = f"{title}, {' – '.join(days)}"
    return Composed(
        subject=subject, text=made("digest.txt.j2"), html=made("digest.html.j2"), language=language.tag
    )


def send_digest(*, again: bool) -> None:
    """Send it to everybody in ``figures.digest_to`` who has not had the week's yet.

    Raises:
        ConfigurationError: nobody is named, or there is no such language.
        ConnectionFailed: it could not be handed over to somebody; the others have it.
    """
    settings = load_settings()
    if not settings.figures.digest_to:
        raise ConfigurationError(
            "figures.digest_to names nobody: set RECOUP_FIGURES__DIGEST_TO to a list of addresses"
        )
    ledger, clock = Ledger.connect(settings.database_url), clock_for(settings.clock_file)
    try:
        _send(settings, ledger, clock, again=again)
    finally:
        ledger.close()


def _send(settings: Settings, ledger: Ledger, clock: Clock, *, again: bool) -> None:
    languages, wanted = Languages(), settings.figures.digest_language
    if wanted not in languages.names:
        raise ConfigurationError(
            f"figures.digest_language is {wanted}: there are {', '.join(languages.names)}"
        )
    digest = gather(ledger, clock)
    address = settings.console.public_url
    mail = compose(digest, languages, languages.choose(wanted, "en"), address)
    sender, failed = sender_from(settings.mail, clock), list[str]()
    for recipient in settings.figures.digest_to:
        key = f"digest/{digest.week.since:%G-W%V}/{hashlib.sha256(recipient.encode()).hexdigest()[:16]}"
        if not again and ledger.events.named(key) is not None:
            continue
        # Addresses are people's: neither the key nor the ledger has one.
        own = key if not again else f"{key}/{clock.now():%Y%m%dT%H%M%S}"
        try:
            raw = build_mime(
                mail,
                sender=Mailbox(name="Recoup", address=settings.mail.sender),
                recipient=recipient,
                message_id=message_id(own, settings.mail.domain),
                date=clock.now(),
            )
            sender.send(raw, sender=settings.mail.sender, recipient=recipient, key=own, tags={})
        except SendError as error:
            failed.append(str(error))
            continue
        ledger.events.append(
            "digest_sent", clock.now(), data={"week": f"{digest.week.since:%G-W%V}"}, unique=own
        )
        click.echo(
            f"sent: the digest of {digest.week.since:%Y-%m-%d} to {digest.week.until:%Y-%m-%d}", err=True
        )
    if failed:
        raise ConnectionFailed(f"The digest could not be sent to {len(failed)}: {failed[0]}")
