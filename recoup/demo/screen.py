"""What one sees while the demo runs: the cases as a live table, the virtual date, and where to look further."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from activities.contracts import CaseView
from recoup.demo.driver import Moment
from recoup.demo.report import Report
from recoup.ledger import CaseRow, Ledger
from recoup.messages import Outbox
from recoup.rules.case import Stage
from recoup.rules.money import Money, to_decimal

REFRESH_SECONDS = 0.2
WIDE_COLUMNS = 110
"""A terminal below this is not shown everything."""
NEXT = "next, and why"
_STYLES = {Stage.RECOVERED: "bold green", Stage.LOST: "bold red", Stage.CLOSED: "bold yellow"}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where to look further."""

    temporal_ui: str
    inbox: str
    update_page_prefix: str


class Screen:
    """Draws the cases: live at a terminal, as one line for each ending otherwise."""

    def __init__(
        self,
        console: Console,
        ledger: Ledger,
        outbox: Outbox,
        key_of: Callable[[str], str | None],
        addresses: Addresses,
    ) -> None:
        self._console = console
        self._ledger = ledger
        self._outbox = outbox
        self._key_of = key_of
        self._addresses = addresses
        self._views: dict[str, CaseView] = {}
        self._told: set[str] = set()
        self._live: Live | None = None
        self._drawn = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Draw while the block runs."""
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def observe(self, moment: Moment) -> None:
        """Take in what the driver saw, and draw it if it is time to."""
        for waiting in moment.picture.waiting if moment.picture else ():
            self._views[waiting.view.case.id] = waiting.view
        if time.monotonic() - self._drawn < REFRESH_SECONDS:
            return
        self._drawn = time.monotonic()
        rows = self._rows()
        if self._live is not None:
            self._live.update(Group(self._table(rows, moment.now), self._where()), refresh=True)
        self.tell_endings(rows)

    def tell_endings(self, rows: list[CaseRow] | None = None) -> None:
        """One line for each case that has ended since the last time; nothing at a terminal, where the table shows it."""
        for row in self._rows() if rows is None else rows:
            if row.outcome is None or row.id in self._told:
                continue
            self._told.add(row.id)
            if not self._console.is_terminal:
                line = f"{_day(row.closed_at)}  {self._name(row)}  {row.outcome.value}: {row.because}"
                self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def summary(self, report: Report, seconds: float) -> None:
        """The table at the end, with the sandbox's books beside each case."""
        books = {entry["id"]: entry for entry in report.books}
        table = Table(title=f"{len(report.cases)} cases in {seconds:.0f} s", title_justify="left")
        for name in ("customer", "case", "amount", "outcome", "because", "at Stripe", "charges"):
            table.add_column(name, overflow="fold")
        for case in report.cases:
            entry = books.get(case.row.invoice, {})
            table.add_row(
                self._name(case.row),
                case.row.id,
                _amount(case.row),
                Text(case.outcome, style=_STYLES.get(case.row.stage, "")),
                escape(case.row.because or ""),
                str(entry.get("status", "unknown")),
                f"{len(entry.get('successful_charges', []))} paid, {entry.get('failed_charges', 0)} declined",
            )
        self._console.print(table)
        for problem in report.problems:
            self._console.print(f"[bold red]not as it should be:[/] {escape(problem)}")
        if not report.problems:
            self._console.print("Every case ended as its world says, and Stripe's books agree.")

    def addresses(self) -> None:
        """Where to look further."""
        self._console.print(self._where())

    def _rows(self) -> list[CaseRow]:
        rows = self._ledger.cases.list_all(limit=1_000)
        return sorted(rows, key=lambda row: (row.opened_at, row.id))

    def _table(self, rows: list[CaseRow], now: datetime) -> Table:
        table = Table(
            title=f"{now:%A %d %B %Y %H:%M} UTC", title_style="bold", title_justify="left", expand=True
        )
        is_wide = self._console.width >= WIDE_COLUMNS
        table.add_column("customer", no_wrap=True)
        if is_wide:
            table.add_column("amount", no_wrap=True)
            table.add_column("failed with", no_wrap=True)
        table.add_column("stage", no_wrap=True)
        # One line for each case keeps the whole table on a small terminal.
        table.add_column(NEXT, ratio=1, no_wrap=not is_wide)
        table.add_column("sent", justify="right", no_wrap=True)
        table.add_column("tried", justify="right", no_wrap=True)
        for row in rows:
            cells = self._cells(row)
            table.add_row(*(cells[str(column.header)] for column in table.columns))
        return table

    def _cells(self, row: CaseRow) -> dict[str, str | Text]:
        view = self._views.get(row.id)
        decline = row.decline.code if row.decline else ""
        if row.outcome is not None:
            stage = Text(row.stage.value, style=_STYLES.get(row.stage, ""))
            following = Text(f"{row.outcome.value}: {row.because}")
        else:
            stage = Text(view.case.stage.value if view else row.stage.value)
            following = Text(_following(view) if view else "being opened")
        sent = str(len(self._ledger.messages.of_case(row.id)))
        tried = str(view.case.attempts_made) if view else "0"
        if row.outcome is not None:
            tried = str(
                len(
                    [each for each in self._ledger.attempts.of_invoice(row.invoice) if each.case_id == row.id]
                )
            )
        return {
            "customer": self._name(row),
            "amount": _amount(row),
            "failed with": decline,
            "stage": stage,
            NEXT: following,
            "sent": sent,
            "tried": tried,
        }

    def _where(self) -> Text:
        text = Text(f"Temporal UI  {self._addresses.temporal_ui}\nInbox        {self._addresses.inbox}")
        if link := self._newest_update_page():
            text.append(f"\nUpdate page  {link}")
        return text

    def _newest_update_page(self) -> str | None:
        prefix = self._addresses.update_page_prefix
        return next(
            (link for mail in self._outbox.list() for link in mail.links if link.startswith(prefix)), None
        )

    def _name(self, row: CaseRow) -> str:
        name = self._key_of(row.customer) or row.customer
        return f"{name}, again" if row.is_return else name


def _following(view: CaseView) -> str:
    step = view.next
    what = step.key or step.kind.value
    when = f"{step.due_at:%d %b %H:%M}" if step.due_at else "when it is told to"
    return f"{what} {when}: {step.because}"


def _amount(row: CaseRow) -> str:
    return f"{to_decimal(Money(amount=row.amount, currency=row.currency))} {row.currency.upper()}"


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""
