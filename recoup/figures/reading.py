"""Figures of a ledger."""

from __future__ import annotations

from datetime import datetime

from recoup.figures.causes import causes
from recoup.figures.charges import placed
from recoup.figures.churn import churn
from recoup.figures.costs import Prices, costs
from recoup.figures.debts import debts_of
from recoup.figures.ends import ends_of
from recoup.figures.funnel import funnel
from recoup.figures.recovery import recovery_rate
from recoup.figures.result import Figures
from recoup.figures.selection import Selection
from recoup.figures.times import time_to_recover
from recoup.figures.tries import attempts_of, declines_of
from recoup.figures.worth import lifetime_value
from recoup.ledger import Ledger
from recoup.ledger.history_rows import HistoryImport, Kind


def of(ledger: Ledger, selection: Selection, prices: Prices | None = None) -> Figures:
    """All figures of the cases asked for, in the time asked for, as the ledger stands now."""
    rows, history = ledger.figures, ledger.before_recoup.known()
    cases = [case for case in rows.cases() if case.invoice not in history.tests]
    everything, debts = debts_of(cases, Selection(now=selection.now)), debts_of(cases, selection)
    known_since, read_at = _known(ledger.history.imports())
    ends, attempts, refusals = ends_of(history, everything), rows.attempts(), rows.refusals()
    began = min((case.opened_at for case in cases), default=None)
    return Figures(
        period=selection,
        recovery_rate=recovery_rate(debts, selection, history.payments),
        causes=causes(debts, selection),
        time_to_recover=time_to_recover(debts, selection),
        involuntary_churn=churn(history.subscriptions, ends, everything, known_since, began, selection),
        lifetime_value=lifetime_value(history, ends, debts, everything, read_at, selection),
        attempts=attempts_of(debts, attempts, refusals, selection),
        declines=declines_of(debts, attempts, placed(rows.charges(), everything), selection),
        funnel=funnel(debts, rows.contacts(), selection),
        costs=costs(debts, rows.messages(), refusals, prices, selection),
    )


def _known(imports: dict[Kind, HistoryImport]) -> tuple[datetime | None, datetime | None]:
    """From when and up to when history is known whole; nothing before the first import has come to its end."""
    found = [imports.get(kind) for kind in Kind]
    done = [each for each in found if each and (each.finished_at or each.reads_since > each.since)]
    if len(done) < len(found):
        return None, None
    return max(each.since for each in done), min(each.began_at for each in done)
