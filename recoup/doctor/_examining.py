"""All checks in their order: first what is on this machine, then what has to answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from recoup.doctor import (
    _channels,
    _console,
    _here,
    _integrations,
    _live,
    _retries,
    _stripe,
    _temporal,
    _timing,
    _webhooks,
)
from recoup.doctor._findings import Finding, ok, told_by
from recoup.settings import Settings, load_settings

CHECKS: tuple[tuple[str, Callable[[Settings], list[Finding]]], ...] = (
    ("policy", _here.policy),
    ("messages", _here.messages),
    ("update links", _here.links),
    ("notice", _here.notice),
    ("ledger", _here.ledger),
    ("timing", _timing.model),
    ("temporal", lambda settings: asyncio.run(_temporal.temporal(settings))),
    ("stripe", _stripe.account),
    ("webhooks", _stripe.webhooks),
    ("webhook endpoint", _webhooks.endpoint),
    ("portal", _stripe.portal),
    ("stripe's retries", _retries.retries),
    ("stripe's final action", _retries.final_action),
    ("stripe's mails", _retries.mails),
    ("mail", _here.mail),
    ("bounces", _channels.bounces),
    ("text messages", _channels.texts),
    ("access", _here.access),
    ("integrations", _integrations.destinations),
    ("console log-in", _console.provider),
)

LIVE: tuple[tuple[str, Callable[[Settings], list[Finding]]], ...] = (
    ("starter", _live.starter),
    ("clock", _live.clocks),
    ("workers", lambda settings: asyncio.run(_live.work(settings))),
    ("standing", _live.standing),
)


def examine(*, live: bool = False) -> list[Finding]:
    """Run every check; one that cannot be made is a finding too. Without settings there is only that to say.

    ``live`` also looks at what runs: whether somebody works, and whether anything stands still.
    """
    found: list[Finding] = []
    with told_by("settings", found):
        settings = load_settings()
        found.append(ok("settings", "every key is known and every value fits"))
        for name, check in (*CHECKS, *(LIVE if live else ())):
            with told_by(name, found):
                found += check(settings)
    return found
