"""Figures of a ledger."""

from __future__ import annotations

from recoup.figures.causes import causes
from recoup.figures.debts import debts_of
from recoup.figures.funnel import funnel
from recoup.figures.recovery import recovery_rate
from recoup.figures.result import Figures
from recoup.figures.selection import Selection
from recoup.figures.times import time_to_recover
from recoup.figures.tries import attempts_of, declines_of
from recoup.ledger import Ledger


def of(ledger: Ledger, selection: Selection) -> Figures:
    """All figures of the cases asked for, in the time asked for, as the ledger stands now."""
    rows = ledger.figures
    debts, attempts = debts_of(rows.cases(), selection), rows.attempts()
    return Figures(
        period=selection,
        recovery_rate=recovery_rate(debts, selection),
        causes=causes(debts, selection),
        time_to_recover=time_to_recover(debts, selection),
        attempts=attempts_of(debts, attempts, rows.refusals(), selection),
        declines=declines_of(debts, attempts, rows.charges(), selection),
        funnel=funnel(debts, rows.contacts(), selection),
    )
