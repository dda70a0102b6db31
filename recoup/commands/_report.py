"""Making and showing a report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

import click

from recoup import figures
from recoup.clock import clock_for
from recoup.commands._report_tables import show
from recoup.errors import ConfigurationError
from recoup.figures import Selection, month_bounds
from recoup.figures.definitions import DEFINITIONS
from recoup.ledger import Ledger
from recoup.settings import load_settings


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


def report_on(wanted: Wanted, *, as_json: bool) -> None:
    """Print the report."""
    settings = load_settings()
    selection = wanted.selection(clock_for(settings.clock_file).now())
    ledger = Ledger.connect(settings.database_url)
    try:
        made = figures.of(ledger, selection)
    finally:
        ledger.close()
    if as_json:
        click.echo(json.dumps(made.model_dump(mode="json") | {"definitions": DEFINITIONS}, indent=2))
    else:
        show(made)
