"""Figures of a ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from recoup.figures.causes import causes
from recoup.figures.churn import NO_HISTORY, churn
from recoup.figures.columns import moment
from recoup.figures.costs import Prices, costs
from recoup.figures.ends import ends_of
from recoup.figures.facts import Facts
from recoup.figures.funnel import funnel
from recoup.figures.keeping import facts_of
from recoup.figures.recovery import recovery_rate
from recoup.figures.result import Figures
from recoup.figures.selection import Selection
from recoup.figures.times import time_to_recover
from recoup.figures.tries import attempts_of, declines_of
from recoup.figures.values import NotEnough
from recoup.figures.worth import lifetime_value
from recoup.ledger import Ledger
from recoup.ledger.history_figures import KnownHistory
from recoup.ledger.history_rows import HistoryImport, Kind


def of(ledger: Ledger, selection: Selection, prices: Prices | None = None) -> Figures:
    """All figures of the cases asked for, in the time asked for, as the ledger stands now."""
    history = ledger.before_recoup.known()
    has_history = bool(history.subscriptions or history.payments or history.tests)
    everything = facts_of(ledger, selection, whole=has_history).without(history.tests)
    facts = everything.concerned(selection)
    return Figures(
        period=selection,
        recovery_rate=recovery_rate(facts, selection, history.payments),
        causes=causes(facts, selection),
        time_to_recover=time_to_recover(facts, selection),
        **_of_history(ledger, history, everything, facts, selection),
        attempts=attempts_of(facts, selection),
        declines=declines_of(facts, selection),
        funnel=funnel(facts, selection),
        costs=costs(facts, prices, selection),
    )


def _of_history(
    ledger: Ledger, history: KnownHistory, everything: Facts, facts: Facts, selection: Selection
) -> dict[str, Any]:
    """What is made of the subscriptions that an import has brought."""
    if not history.subscriptions:
        none = NotEnough(not_enough=NO_HISTORY)
        return {"involuntary_churn": none, "lifetime_value": none}
    known_since, read_at = _known(ledger.history.imports())
    ends, began = ends_of(history, everything), everything.debts["opened_at"]
    since = moment(int(began.min())) if len(began) else None
    return {
        "involuntary_churn": churn(history.subscriptions, ends, everything, known_since, since, selection),
        "lifetime_value": lifetime_value(history, ends, facts, everything, read_at, selection),
    }


def _known(imports: dict[Kind, HistoryImport]) -> tuple[datetime | None, datetime | None]:
    """From when and up to when history is known whole; nothing before the first import has come to its end."""
    found = [imports.get(kind) for kind in Kind]
    done = [each for each in found if each and (each.finished_at or each.reads_since > each.since)]
    if len(done) < len(found):
        return None, None
    return max(each.since for each in done), min(each.began_at for each in done)
