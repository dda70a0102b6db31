"""Checks of files, of the database, and of what messages and access need."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

from recoup.access import backend_from
from recoup.clock import clock_for
from recoup.doctor._findings import Finding, mend, note, ok
from recoup.errors import ConnectionFailed
from recoup.ledger import Ledger
from recoup.links import UpdateLinks
from recoup.messages import Composer, sender_from
from recoup.policy.file import load_policy
from recoup.settings import Settings
from recoup.web.notice.proofs import notice_proofs
from recoup.web.notice.words import NoticeComposer
from recoup.web.pages import Pages

_CONNECT_SECONDS = 5.0
_LOCAL = ("127.0.0.1", "localhost", "::1")


def policy(settings: Settings) -> list[Finding]:
    """The policy file can be read and makes sense."""
    loaded = load_policy(settings.policy_file)
    return [ok("policy", f"{settings.policy_file} can be used (version {loaded.version})")]


def messages(settings: Settings) -> list[Finding]:
    """Every message can be written in every language, and the pages have their templates."""
    composer = Composer(settings.mail.templates, settings.mail.default_locale)
    composer.check()
    Pages(settings.mail.templates, settings.mail.default_locale)
    languages = ", ".join(composer.languages.names)
    return [ok("messages", f"every message can be written ({languages})")]


def links(settings: Settings) -> list[Finding]:
    """Update links can be signed, and customers could open them."""
    UpdateLinks(settings.link_secrets, settings.public_url)
    found = [
        ok("update links", f"{len(settings.link_secrets)} secret(s), links begin with {settings.public_url}")
    ]
    parts = urlsplit(settings.public_url)
    if parts.hostname in _LOCAL:
        found.append(
            note(
                "update links",
                "public_url leads to this machine: customers elsewhere cannot open their links",
            )
        )
    elif parts.scheme != "https":
        found.append(
            note("update links", "public_url is not https: update links would travel readable for others")
        )
    if settings.clock_file is not None:
        found.append(
            note(
                "clock",
                f"a virtual clock is in use ({settings.clock_file}): never set clock_file on a real system",
            )
        )
    return found


def notice(settings: Settings) -> list[Finding]:
    """The in-app notice can be signed and written; nothing to say where none is wanted."""
    if notice_proofs(settings) is None:
        return []
    NoticeComposer(settings.mail.templates, settings.mail.default_locale).check()
    origins = ", ".join(settings.notice.origins) or "no browser's page, only backends"
    return [ok("notice", f"the in-app notice is served; it may be read by {origins}")]


def ledger(settings: Settings) -> list[Finding]:
    """The database answers, and its tables are of this version."""
    kind, _, file = settings.database_url.partition(":///")
    if kind.startswith("sqlite") and file and not Path(file).exists():
        return [mend("ledger", f"there is no file {file} yet: run `recoup migrate`, or correct database_url")]
    book = Ledger.connect(settings.database_url)
    try:
        book.check()
        return [ok("ledger", f"{book.name} answers, its tables are up to date")]
    finally:
        book.close()


def mail(settings: Settings) -> list[Finding]:
    """The sender could send."""
    sender_from(settings.mail, clock_for(settings.clock_file)).check()
    if settings.mail.kind == "outbox":
        return [
            note(
                "mail",
                f"messages go into files in {settings.mail.outbox}, to nobody; set mail.kind to smtp or ses",
            )
        ]
    return [ok("mail", f"{settings.mail.kind} is ready to send as {settings.mail.sender}")]


def access(settings: Settings) -> list[Finding]:
    """The company's backend can be reached and its webhooks can be signed."""
    backend_from(settings.access)
    url = settings.access.webhook_url
    if url is None:
        return [
            note(
                "access",
                "access.webhook_url is not set: the company's backend is not told who may use the product",
            )
        ]
    try:
        with socket.create_connection((str(url.host), url.port or 443), _CONNECT_SECONDS):
            pass
    except OSError as error:
        raise ConnectionFailed(
            f"Nobody listens at access.webhook_url ({url.host}:{url.port}): {error}; start the backend or correct the address"
        ) from error
    return [ok("access", f"{url.host}:{url.port} answers, and its webhooks can be signed")]
