"""``recoup report --digest``: the week as a mail to the operators, now."""

from __future__ import annotations

import click

from recoup.clock import clock_for
from recoup.digest import send
from recoup.errors import ConnectionFailed
from recoup.ledger import Ledger
from recoup.settings import load_settings


def send_digest(*, again: bool) -> None:
    """Send it to everybody in ``figures.digest_to`` who has not had the week's yet.

    Raises:
        ConfigurationError: nobody is named, or there is no such language.
        ConnectionFailed: it could not be handed over to somebody; the others have it.
    """
    settings = load_settings()
    ledger, clock = Ledger.connect(settings.database_url), clock_for(settings.clock_file)
    try:
        done = send(settings, ledger, clock, again=again)
    finally:
        ledger.close()
    for _ in range(done.sent):
        click.echo(f"sent: the digest of {done.since:%Y-%m-%d} to {done.until:%Y-%m-%d}", err=True)
    if done.failed:
        raise ConnectionFailed(f"The digest could not be sent to {len(done.failed)}: {done.failed[0]}")
