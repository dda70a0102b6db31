"""Showing cases: the queue from the ledger, one case from the ledger and from its workflow."""

from __future__ import annotations

import asyncio
import sys

import click
from rich.console import Console
from rich.table import Table

from activities.contracts import CaseView
from recoup.commands.channel import line_of
from recoup.errors import ConfigurationError, ConnectionFailed
from recoup.ledger import CaseRow, EventRow, Ledger
from recoup.rules.case import Stage
from recoup.rules.money import Money, in_words
from recoup.settings import Settings, load_settings
from recoup.temporal.connection import connect
from recoup.temporal.gateway import CaseGateway

_TOLD = frozenset({
    "campaign_chosen", "operator_word", "person_needed", "case_assigned", "case_moved", "approval_ask", "approval_remind",
    "approval_escalate", "approval_default", "cancelled_at_last", "message_stopped", "message_returned",
})  # fmt: skip
"""The events that say why a case is treated as it is, what people said about it, and what did not reach the customer."""


def list_cases(stage: str | None, limit: int, *, as_json: bool) -> None:
    """Print the queue."""
    try:
        wanted = Stage(stage) if stage is not None else None
    except ValueError:
        known = ", ".join(each.value for each in Stage)
        raise ConfigurationError(f"--stage {stage} is not a stage of a case; there are {known}") from None
    ledger = Ledger.connect(load_settings().database_url)
    try:
        rows = ledger.people.queue(wanted, limit)
    finally:
        ledger.close()
    if as_json:
        for row in rows:
            click.echo(row.model_dump_json(exclude={"policy"}))
        return
    table = Table(
        "priority", "stage", "case", "customer", "due", "campaign", "failed", "whose", "why", box=None
    )
    for row in rows:
        table.add_row(*_cells(row))
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _cells(row: CaseRow) -> tuple[str, ...]:
    due = in_words(Money(amount=row.amount, currency=row.currency))
    whose, why = row.assigned_to or "", row.next_because or ""
    return (
        str(row.priority), row.stage.value, row.id, row.customer, due, row.campaign, f"{row.failed_at:%Y-%m-%d}", whose, why,
    )  # fmt: skip


def show_case(case_id: str, *, as_json: bool) -> None:
    """Print what is known of a case, its next step and why, and what people said about it."""
    settings = load_settings()
    ledger = Ledger.connect(settings.database_url)
    try:
        row, events = ledger.cases.get(case_id), ledger.events.of_case(case_id)
        stops = ledger.channels.of_customer(row.customer) if row is not None else []
    finally:
        ledger.close()
    if row is None:
        raise ConfigurationError(f"The ledger has no case {case_id}; `recoup cases` lists the open ones")
    view, away = _view(settings, row)
    if as_json:
        click.echo(view.model_dump_json(indent=2) if view else row.model_dump_json(indent=2))
        return
    told = _lines(row, view, away, [event for event in events if event.kind in _TOLD])
    click.echo("\n".join([*told, *map(line_of, stops)]))


def _view(settings: Settings, row: CaseRow) -> tuple[CaseView | None, str | None]:
    """The case as its workflow sees it; the ledger alone has to do where Temporal does not answer."""
    if not row.is_open:
        return None, None

    async def asked() -> CaseView | None:
        return await CaseGateway(await connect(settings.temporal)).view(row.id)

    try:
        return asyncio.run(asked()), None
    except ConnectionFailed as error:
        return None, str(error)


def _lines(row: CaseRow, view: CaseView | None, away: str | None, events: list[EventRow]) -> list[str]:
    due = in_words(Money(amount=row.amount, currency=row.currency))
    lines = [
        f"{row.id}: {row.stage if view is None else view.case.stage}, {due}, {row.customer}, failed {row.failed_at:%Y-%m-%d %H:%M} UTC",
        f"Campaign {row.campaign} (policy {row.policy_version}), priority {row.priority}, {_whose(row)}",
    ]
    if row.decline is not None:
        lines.append(f"Last decline: {row.decline.code}, read as {row.decline_class}")
    if row.outcome is not None:
        lines.append(f"Ended as {row.outcome}, because {row.because}")
    elif view is not None:
        when = f"{view.next.due_at:%Y-%m-%d %H:%M} UTC" if view.next.due_at else "no date"
        lines.append(f"Next: {view.next.kind} ({when}), because {view.next.because}")
    elif away is not None:
        lines.append(f"What comes next is not known: {away}")
    return [
        *lines,
        *(f"{event.at:%Y-%m-%d %H:%M} {event.kind} by {event.actor}: {_data(event)}" for event in events),
    ]


def _whose(row: CaseRow) -> str:
    return f"{row.assigned_to}'s" if row.assigned_to else "nobody's"


def _data(event: EventRow) -> str:
    said = {
        key: value for key, value in event.data.items() if value not in (None, "", []) and key != "operator"
    }
    return ", ".join(
        f"{key} {'; '.join(value) if isinstance(value, list) else value}"
        for key, value in sorted(said.items(), key=lambda each: each[0] == "because")
    )
