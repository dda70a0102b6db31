"""Checks of how operators log in to the console."""

from __future__ import annotations

from recoup.clock import clock_for
from recoup.doctor._findings import Finding, ok
from recoup.settings import Settings
from recoup.web.console.oidc import provider_from


def provider(settings: Settings) -> list[Finding]:
    """The identity provider answers, and has keys that can be used; nothing to say where none is wanted."""
    there = provider_from(settings.console)
    if there is None:
        return []
    issuer = there.check(clock_for(settings.clock_file).now())
    passwords = "beside passwords" if settings.console.oidc.passwords else "and by no password"
    return [ok("console log-in", f"{issuer} answers; operators log in through it, {passwords}")]
