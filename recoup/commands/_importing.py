"""The import, kind by kind and page by page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import click
from stripe import InvalidRequestError, StripeClient, StripeError

from activities.pacing import Pace
from recoup.billing import stripe_client
from recoup.billing.history import PastPage, read_past
from recoup.clock import Clock, clock_for
from recoup.errors import ConfigurationError, ConnectionFailed
from recoup.ledger import Ledger
from recoup.ledger.history_rows import HistoryImport, Kind
from recoup.settings import load_settings


@dataclass(frozen=True)
class Importer:
    """Reads from Stripe, at the pace that all work in the background shares, and writes to the ledger."""

    client: StripeClient
    ledger: Ledger
    clock: Clock
    pace: Pace
    say: Callable[[str], None]

    def run(self, since: datetime, *, whole: bool = False) -> None:
        """Import everything, or go on with what was broken off."""
        for kind in Kind:
            under_way = self.ledger.history.begin(kind, since, self.clock.now(), whole=whole)
            if under_way is None:
                self.say(f"{kind.value}: read before it was broken off")
                continue
            self._read(under_way)

    def _read(self, of: HistoryImport) -> None:
        if of.seen:
            self.say(f"{of.name.value}: goes on behind {of.seen:,}")
        places, begun_anew = set[str | None](), False
        while of.finished_at is None:
            self.pace.wait_for()
            read_at = self.clock.now()
            page = self._page(of, read_at)
            if page is None and not begun_anew:
                begun_anew = True
                places.clear()
                self.say(f"{of.name.value}: Stripe does not know any more where it was; begins anew")
                self.ledger.history.restart(of)
                of = self.ledger.history.imports()[of.name]
                continue
            places.add(of.after)
            if page is None or (page.after is not None and page.after in places):
                # Without this it would go round in circles for ever.
                raise ConnectionFailed(_in_circles(of))
            of = self.ledger.history.write_page(of, page.rows, page.after, read_at)
            self.say(f"{of.name.value}: {of.seen:,}{' in all' if of.finished_at else ' so far'}")

    def _page(self, of: HistoryImport, read_at: datetime) -> PastPage | None:
        """None where Stripe does not know any more where the page before ended."""
        try:
            return read_past(self.client, of.name, of.reads_since, of.after, read_at)
        except InvalidRequestError as error:
            if of.after is None or error.param != "starting_after":
                raise ConfigurationError(_told(of, error)) from error
            return None
        except StripeError as error:
            raise ConnectionFailed(_told(of, error)) from error


def _told(of: HistoryImport, error: StripeError) -> str:
    return (
        f"Stripe could not list the {of.name.value}: {error.code or type(error).__name__};"
        " what was read is kept, the same command goes on from there"
    )


def _in_circles(of: HistoryImport) -> str:
    return (
        f"Stripe's list of the {of.name.value} leads back to where it was read already, behind {of.seen:,};"
        " what was read is kept: run the same command again later"
    )


def run_import(since: datetime, *, whole: bool) -> None:
    """Import with the settings of this process."""
    settings = load_settings()
    clock = clock_for(settings.clock_file)
    ledger = Ledger.connect(settings.database_url)
    try:
        pace = Pace(ledger, clock, settings.stripe.sweep_requests_per_second)
        importer = Importer(stripe_client(settings.stripe), ledger, clock, pace, click.echo)
        importer.run(since, whole=whole)
    finally:
        ledger.close()
