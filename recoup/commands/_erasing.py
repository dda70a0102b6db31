"""Erasing a customer: Temporal's histories and the outbox first, for the ledger knows the way to them."""

from __future__ import annotations

import asyncio
import json
import re

import click
from temporalio.service import RPCError

from recoup.clock import clock_for
from recoup.commands._accounts import account
from recoup.errors import ConfigurationError, ConnectionFailed
from recoup.ledger import Erased, Ledger
from recoup.messages import Outbox
from recoup.settings import Settings, load_settings
from recoup.temporal import erasing
from recoup.temporal.connection import connect

_CUSTOMER = re.compile(r"cus_[A-Za-z0-9]{1,250}")


def erase_customer(customer: str, operator: str | None, *, sure: bool, as_json: bool) -> None:
    """Show what there is, ask, erase, say what was done."""
    if not _CUSTOMER.fullmatch(customer):
        raise ConfigurationError(
            f"{customer[:40]!r} is no customer's id: give the one that Stripe shows, cus_…"
        )
    who, settings = account(operator, "erased"), load_settings()
    ledger = Ledger.connect(settings.database_url)
    try:
        _erase(settings, ledger, customer, who, sure=sure, as_json=as_json)
    finally:
        ledger.close()


def _erase(settings: Settings, ledger: Ledger, customer: str, who: str, *, sure: bool, as_json: bool) -> None:
    at = clock_for(settings.clock_file).now()
    ledger.erasures.refuse_open(customer)
    runs = asyncio.run(_histories(settings, customer))
    keys = ledger.erasures.message_keys(customer)
    outbox = Outbox(settings.mail.outbox)
    found, mails = ledger.erasures.look(customer), [key for key in keys if outbox.has(key)]
    if found.is_nothing and not runs:
        click.echo(json.dumps(_result(None, 0, 0)) if as_json else f"Nothing here leads to {customer}.")
        return
    if not as_json:
        click.echo("\n".join(_lines(customer, found, len(runs), len(mails))))
    if not sure:
        click.confirm("This cannot be taken back. Erase?", abort=True, err=as_json)
    asyncio.run(_forget(settings, runs))
    for key in mails:
        outbox.remove(key)
    erased = ledger.erasures.erase(customer, at, actor=who)
    click.echo(
        json.dumps(_result(erased, len(runs), len(mails)))
        if as_json
        else f"Erased. What stays is {erased.pseudonym}'s."
    )


def _lines(customer: str, found: Erased, runs: int, mails: int) -> list[str]:
    removed = [f"  {count:>6} × {table}" for table, count in found.removed.items()]
    kept = [f"  {count:>6} × {table}" for table, count in found.kept.items()]
    return [
        f"{customer}, removed:",
        *removed,
        f"  {runs:>6} × histories of workflows",
        f"  {mails:>6} × messages in the outbox",
        "kept without the person:",
        *kept,
        "",
        f"Delete {customer} at Stripe first: what Stripe tells of a customer later is recorded anew.",
    ]


def _result(erased: Erased | None, runs: int, mails: int) -> dict[str, object]:
    if erased is None or erased.is_nothing:
        return {"pseudonym": None, "removed": {}, "kept": {}, "histories": runs, "outbox": mails}
    return erased.model_dump() | {"histories": runs, "outbox": mails}


async def _histories(settings: Settings, customer: str) -> list[tuple[str, str]]:
    try:
        return await erasing.histories(await connect(settings.temporal), customer)
    except RPCError as error:
        raise _away(error) from error


async def _forget(settings: Settings, runs: list[tuple[str, str]]) -> None:
    try:
        await erasing.delete(await connect(settings.temporal), runs)
    except RPCError as error:
        raise _away(error) from error


def _away(error: RPCError) -> ConnectionFailed:
    return ConnectionFailed(
        f"Temporal did not do its part ({error.message[:200]}): erase again; nothing is lost."
    )
