"""``recoup report``: how well payments are recovered."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

_DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])


@click.command()
@click.option(
    "--from", "since", type=_DAY, help="From this moment on, UTC; by default from the first case on."
)
@click.option("--to", "until", type=_DAY, help="Up to this moment, UTC, excluded.")
@click.option("--month", help="One month, as 2026-11.")
@click.option("--currency", help="Only this currency.")
@click.option("--campaign", help="Only this campaign of the policy.")
@click.option("--policy-version", help="Only cases that began under this version of the policy.")
@click.option(
    "--csv",
    "csv_directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write all tables as CSV files into this directory.",
)
@click.option(
    "--html",
    "html_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page to be read and printed.",
)
@click.option("--language", default="en", show_default=True, help="Of the page: en, pl.")
@click.option(
    "--digest", is_flag=True, help="Send the digest of the last whole week to figures.digest_to, once."
)
@click.option("--again", is_flag=True, help="With --digest: also to those who have had it.")
@click.option("--json", "as_json", is_flag=True, help="Print all figures as JSON.")
def report(
    since: datetime | None,
    until: datetime | None,
    month: str | None,
    currency: str | None,
    campaign: str | None,
    policy_version: str | None,
    csv_directory: Path | None,
    html_file: Path | None,
    language: str,
    digest: bool,
    again: bool,
    as_json: bool,
) -> None:
    """Say how well payments are recovered, with every definition (docs/figures.md)."""
    from recoup.commands._report import As, Wanted, report_on

    if digest:
        from recoup.commands._digest import send_digest

        send_digest(again=again)
        return

    wanted = Wanted(
        since=since.replace(tzinfo=UTC) if since else None,
        until=until.replace(tzinfo=UTC) if until else None,
        month=month,
        currency=currency.lower() if currency else None,
        campaign=campaign,
        policy_version=policy_version,
    )
    report_on(wanted, As(csv_directory, html_file, language, json=as_json))
