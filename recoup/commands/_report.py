"""Making and showing a report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from recoup import figures
from recoup.clock import clock_for
from recoup.commands._experiments import as_line, in_words
from recoup.commands._report_csv import write_csv
from recoup.commands._report_html import write_html
from recoup.commands._report_tables import show
from recoup.errors import ConfigurationError
from recoup.experiments import Judged, results
from recoup.figures import Prices, Selection, month_bounds
from recoup.figures.definitions import DEFINITIONS
from recoup.ledger import Ledger
from recoup.policy.file import load_policy
from recoup.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for."""

    since: datetime | None
    until: datetime | None
    month: str | None
    currency: str | None
    campaign: str | None
    policy_version: str | None

    def selection(self, now: datetime) -> Selection:
        """The same as the figures understand it.

        Raises:
            ConfigurationError: the options contradict each other.
        """
        since, until = self.since, self.until
        if self.month is not None:
            if since or until:
                raise ConfigurationError("--month is a time of its own: leave out --from and --to")
            since, until = month_bounds(self.month)
        if since and until and since >= until:
            raise ConfigurationError("--to must be later than --from")
        return Selection(
            now=now,
            since=since,
            until=until,
            currency=self.currency,
            campaign=self.campaign,
            policy_version=self.policy_version,
        )


@dataclass(frozen=True, slots=True)
class As:
    """In which form."""

    csv: Path | None = None
    html: Path | None = None
    language: str = "en"
    json: bool = False


def report_on(wanted: Wanted, form: As) -> None:
    """Write the report to the files asked for; without any print it."""
    settings = load_settings()
    selection = wanted.selection(clock_for(settings.clock_file).now())
    ledger = Ledger.connect(settings.database_url)
    try:
        made = figures.of(ledger, selection, _prices(settings))
        judged = _experiments(ledger, settings.policy_file, selection.now)
    finally:
        ledger.close()
    tried = [json.loads(as_line(each)) for each in judged]
    if form.csv is not None:
        for path in write_csv(made, form.csv):
            click.echo(f"written: {path}", err=True)
    if form.html is not None:
        write_html(made, form.html, form.language)
        click.echo(f"written: {form.html}", err=True)
    if form.json:
        said = made.model_dump(mode="json") | {"experiments": tried, "definitions": DEFINITIONS}
        click.echo(json.dumps(said, indent=2))
    elif form.csv is None and form.html is None:
        show(made)
        for experiment in judged:
            click.echo(f"\n{in_words(experiment)}")


def _prices(settings: Settings) -> Prices:
    said = settings.figures
    return Prices(
        currency=said.currency, email=said.email_cost, sms=said.sms_cost, network_fee=said.network_fee
    )


def _experiments(ledger: Ledger, file: Path, now: datetime) -> list[Judged]:
    """What the policy's experiments have shown; nothing where there is no policy here."""
    if not file.exists():
        return []
    return [results(ledger, each, now) for each in load_policy(file).policy.experiments]
