"""The commands of mass updates, done: the list into the ledger, the workflow begun, its progress shown."""

from __future__ import annotations

import asyncio
import getpass
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click
from pydantic import ValidationError
from temporalio.client import Client

from activities.card_contracts import RefreshProgress, RefreshTally, StartRefresh
from activities.contracts import OperatorRequest
from recoup import targets_file
from recoup.clock import clock_for
from recoup.errors import ConfigurationError, ConnectionFailed
from recoup.ledger import Ledger, RefreshRow, Selection
from recoup.settings import Settings, load_settings
from recoup.temporal.connection import connect
from recoup.temporal.refreshing import Word, begin, say, state_of

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
_LOOKS = 2.0
"""Seconds between two looks at the progress."""


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for."""

    cards: Path | None
    issuer: str | None
    bin: str | None
    expires: str | None
    name: str | None
    per_hour: int

    def selection(self) -> Selection:
        """Whom it is about.

        Raises:
            ConfigurationError: both ways are given, or none, or a month that is none.
        """
        try:
            return Selection(
                listed=self.cards is not None, issuer=self.issuer, bin=self.bin, expires=self.expires
            )
        except ValidationError as error:
            if any("expires" in found["loc"] for found in error.errors()):
                raise ConfigurationError(f"--expires {self.expires} is no month: write 2027-03") from error
            raise ConfigurationError(
                "Say whom to ask: either --cards FILE, or at least one of --issuer, --bin and --expires"
            ) from error

    def called(self) -> str:
        """The name that was given, or one that the same list or choice always gets.

        Raises:
            ConfigurationError: a name that cannot be one, or a list that cannot be read.
        """
        if self.name is not None:
            if not _NAME.fullmatch(self.name):
                raise ConfigurationError(
                    f"--name {self.name} cannot be used: up to 60 of a-z, 0-9, dot, dash and underscore"
                )
            return self.name
        if self.cards is not None:
            return f"cards-{targets_file.digest(self.cards)}"
        words = "-".join(re.findall(r"[a-z0-9]+", self.selection().words.lower()))
        return words[:60].strip("-")


def run(wanted: Wanted, *, wait: bool) -> int:
    """Begin a mass update, or go on with one."""
    selection, name = wanted.selection(), wanted.called()
    settings = load_settings()
    with _ledger(settings) as ledger:
        refresh = _prepared(ledger, settings, wanted, selection, name)
        click.echo(
            f"Mass update {name}: {refresh.selection.words}, at most {refresh.per_hour} messages an hour."
        )
        if wanted.cards is not None:
            added = sum(ledger.refreshes.add(name, piece) for piece in targets_file.pieces(wanted.cards))
            click.echo(f"{added} targets are new, {_tally(ledger, name).total} in all.")
        return asyncio.run(_run(settings, ledger, name, mirrored=not selection.listed, wait=wait))


def tell(name: str, word: Word, reason: str) -> int:
    """Give an operator's word to a mass update."""
    settings = load_settings()
    request = OperatorRequest(at=clock_for(settings.clock_file).now(), reason=reason, operator=_operator())

    async def told() -> RefreshProgress:
        return await say(await connect(settings.temporal), name, word, request)

    progress = asyncio.run(told())
    click.echo(_line(name, progress.tally, progress.state))
    return 0


def show_one(name: str, *, as_json: bool) -> int:
    """How far a mass update is: the figures from the ledger, what it does at the moment from the workflow."""
    settings = load_settings()
    with _ledger(settings) as ledger:
        refresh = ledger.refreshes.get(name)
        if refresh is None:
            raise ConfigurationError(f"There is no mass update {name}; `recoup refresh status` lists them")
        state, because = asyncio.run(_state(settings, refresh))
        tally = _tally(ledger, name)
        if as_json:
            told = {"name": name, "state": state, "because": because, **tally.model_dump()}
            click.echo(json.dumps(told, indent=2))
        else:
            click.echo(_line(name, tally, state))
            if because:
                click.echo(because)
            _echo_failed(ledger, name, tally)
    return 0


def show_all(*, as_json: bool) -> int:
    """Every mass update that the ledger has."""
    with _ledger(load_settings()) as ledger:
        rows = ledger.refreshes.all()
        tallies = {row.name: _tally(ledger, row.name) for row in rows}
    if as_json:
        click.echo(
            json.dumps([{"name": row.name, **tallies[row.name].model_dump()} for row in rows], indent=2)
        )
    else:
        for row in rows:
            click.echo(_line(row.name, tallies[row.name], "finished" if row.finished_at else "not finished"))
    return 0


@contextmanager
def _ledger(settings: Settings) -> Iterator[Ledger]:
    ledger = Ledger.connect(settings.database_url)
    try:
        yield ledger
    finally:
        ledger.close()


def _prepared(
    ledger: Ledger, settings: Settings, wanted: Wanted, selection: Selection, name: str
) -> RefreshRow:
    """The mass update in the ledger, once all that can be wrong with what was asked for has been looked at."""
    if wanted.cards is not None:
        targets_file.check(wanted.cards)
    before = ledger.refreshes.get(name)
    if before is not None and before.selection != selection:
        raise ConfigurationError(
            f"The mass update {name} was begun with {before.selection.words}: choose another --name"
        )
    if ledger.mirror.last_import() is not None:
        for column, value in (("issuer", selection.issuer), ("bin", selection.bin)):
            if value and not ledger.refreshes.knows(column):
                raise ConfigurationError(
                    f"Stripe does not tell this account the {column} of any card: use --cards with a list of your own"
                )
    return ledger.refreshes.begin(name, selection, wanted.per_hour, clock_for(settings.clock_file).now())


async def _run(settings: Settings, ledger: Ledger, name: str, *, mirrored: bool, wait: bool) -> int:
    client = await connect(settings.temporal)
    handle = await begin(client, StartRefresh(name=name, mirrored=mirrored, by=_operator()))
    if not wait:
        click.echo(f"It runs as {handle.id}; `recoup refresh status {name}` says how far it is.")
        return 0
    result = asyncio.ensure_future(handle.result())
    shown = ""
    while not result.done():
        await asyncio.wait([result], timeout=_LOOKS)
        with suppress(ConnectionFailed):  # no worker answers at the moment: the figures say what was done
            line = _line(name, await asyncio.to_thread(_tally, ledger, name), await _what(client, name))
            if line != shown:
                click.echo(shown := line)
    ended = await result
    return 1 if ended.tally.failed or ended.stopped else 0


async def _what(client: Client, name: str) -> str:
    progress = await state_of(client, name)
    return progress.state if progress else "not begun"


async def _state(settings: Settings, refresh: RefreshRow) -> tuple[str, str]:
    try:
        progress = await state_of(await connect(settings.temporal), refresh.name)
    except ConnectionFailed as error:
        return "unknown", str(error)
    if progress is None:
        return ("finished" if refresh.finished_at else "not running"), ""
    return progress.state, progress.because


def _tally(ledger: Ledger, name: str) -> RefreshTally:
    counts = ledger.refreshes.tally(name)
    return RefreshTally(**{state.value: count for state, count in counts.items()})


def _line(name: str, tally: RefreshTally, state: str) -> str:
    figures = f"{tally.told} written to, {tally.renewed} renewed by themselves, {tally.left} left alone"
    return f"{name}: {state}; {tally.done} of {tally.total} done: {figures}, {tally.failed} refused."


def _echo_failed(ledger: Ledger, name: str, tally: RefreshTally) -> None:
    for target in ledger.refreshes.refused(name, 20) if tally.failed else ():
        click.echo(f"  {target.reference}: {target.because}")


def _operator() -> str:
    """The account on this machine."""
    try:
        return getpass.getuser()
    except OSError:
        return "unknown"
