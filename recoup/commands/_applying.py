"""Moving running cases to another policy: first what would change for whom, then the updates."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import click

from activities.people_contracts import Running
from recoup.billing import stripe_client
from recoup.clock import Clock, clock_for
from recoup.errors import RecoupError
from recoup.ledger import Ledger
from recoup.moving import Move, planned
from recoup.policy.file import LoadedPolicy
from recoup.settings import Settings
from recoup.temporal.connection import connect
from recoup.temporal.gateway import CaseGateway, CaseOver

SHOWN = 10
"""So many cases are shown one by one; of all others the counts."""


@dataclass(frozen=True)
class Application:
    """What is to be applied, and whose word it is."""

    loaded: LoadedPolicy
    running: str
    reason: str
    operator: str


def in_words(moves: Iterable[Move]) -> list[str]:
    """How many cases change in which way, and the first of them one by one."""
    changing = [move for move in moves if move.changes]
    counts = Counter((move.case.campaign, move.campaign.name if move.campaign else None) for move in changing)
    lines = [
        f"{count} of {old} would go on by {new}" if new else f"{count} of {old} cannot be moved"
        for (old, new), count in counts.items()
    ]
    for move in changing[:SHOWN]:
        lines += [
            f"{move.case.id} ({move.case.stage}, {move.case.customer})",
            *(f"  {c}" for c in move.changes),
        ]
    if len(changing) > SHOWN:
        lines.append(f"… and {len(changing) - SHOWN} more")
    return lines


def apply_policy(settings: Settings, application: Application, agreed: Callable[[], bool]) -> int:
    """Show what would change, ask, and move the cases; 1 where one of them could not be moved."""
    ledger = Ledger.connect(settings.database_url)
    try:
        rows = ledger.cases.list_open()
    finally:
        ledger.close()
    running = Running(application.running)
    if running is Running.KEEP:
        click.echo(f"{len(rows)} running cases keep their campaigns; nothing is changed for them.")
        _say_how_new_cases_get_it(application, settings)
        return 0
    clock = clock_for(settings.clock_file)
    client = stripe_client(settings.stripe)
    moves = planned(client, application.loaded, rows, running, clock.now())
    changing = [move for move in moves if move.changes]
    click.echo("\n".join([f"{len(rows)} cases are running; {len(changing)} would change.", *in_words(moves)]))
    movable = [move for move in changing if move.campaign is not None]
    code = 0 if len(movable) == len(changing) else 1
    if movable and not agreed():
        click.echo("Nothing was changed.")
        return 0
    failures = asyncio.run(_move(settings, application, running, movable, clock)) if movable else []
    for failure in failures:
        click.echo(failure, err=True)
    click.echo(
        f"Moved {len(movable) - len(failures)} of {len(changing)} cases to version {application.loaded.version}."
    )
    _say_how_new_cases_get_it(application, settings)
    return 1 if failures else code


def _say_how_new_cases_get_it(application: Application, settings: Settings) -> None:
    click.echo(
        f"New cases get version {application.loaded.version} once it stands in {settings.policy_file} and the workers"
        " have been started again: they read the file when they start."
    )


async def _move(
    settings: Settings, application: Application, running: Running, moves: list[Move], clock: Clock
) -> list[str]:
    gateway = CaseGateway(await connect(settings.temporal))
    failures = []
    for move in moves:
        word = move.word(
            application.loaded,
            running,
            at=clock.now(),
            reason=application.reason,
            operator=application.operator,
        )
        try:
            await gateway.update(move.case.id, "change_policy", word)
        except CaseOver:
            failures.append(f"{move.case.id} has ended meanwhile; it keeps what it had")
        except RecoupError as error:
            failures.append(str(error))
    return failures
