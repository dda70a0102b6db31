"""The facts of a ledger, folded once and kept there by month; before they are read, what has happened since is folded into them.

Whatever is recorded about a customer's cases names the customer, so a look at the events since the last one says whose debts to fold
anew; those that were over long before are left alone, so that a look every few minutes writes the last few months alone. Where nothing was folded yet, or in another way (:data:`recoup.figures.folding.VERSION`), all are, so many customers at a
time; a process that is killed meanwhile leaves what it has come to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

import numpy as np

from recoup.figures.columns import EPOCH, Array, moment, month_name, months
from recoup.figures.debts import Debt
from recoup.figures.facts import Facts
from recoup.figures.folding import VERSION, fold
from recoup.figures.selection import Selection, month_of
from recoup.ledger import FigureBlock, FigureFold, Ledger
from recoup.ledger.figures_rows import FigureChanges
from recoup.ledger.history_rows import Kind

EVENTS_AT_ONCE = 50_000
CUSTOMERS_AT_ONCE = 50_000
LATE = timedelta(days=90)
"""So long after its own time a message can come back, or an attempt have its result; what names a case is folded however old it is."""


def facts_of(ledger: Ledger, selection: Selection, *, whole: bool) -> Facts:
    """The facts that a selection can need as the ledger stands now; the ``whole`` of them, with their ids, where they are asked for."""
    bring_up_to_date(ledger)
    since, last = (None, None) if whole else (selection.since, selection.until)
    blocks = ledger.figure_blocks.touching(since, month_of(last) if last else None, named=whole)
    return Facts.join([Facts.from_bytes(block.facts, block.names) for block in blocks])


def bring_up_to_date(ledger: Ledger) -> None:
    """Fold all that has happened. Several processes may at once: each step is one process's, and the others go on behind it."""
    while True:
        seen = ledger.figure_blocks.fold()
        if seen is None or seen.version != VERSION:
            _begin(ledger, seen)
        elif seen.customer is not None:
            _fold_next(ledger, seen, seen.customer)
        elif not _fold_new(ledger, seen):
            return


def _begin(ledger: Ledger, seen: FigureFold | None) -> None:
    """Have everything folded anew; what happens meanwhile is folded once more at the end."""
    event, imported = ledger.events.newest(), _imported_at(ledger)
    then = FigureFold(version=VERSION, event=event, customer="", imported_at=imported)
    ledger.figure_blocks.write(seen, then, [], anew=True)


def _fold_next(ledger: Ledger, seen: FigureFold, name: str) -> None:
    customers = ledger.figures.customers_after(name, CUSTOMERS_AT_ONCE)
    then = seen.model_copy(update={"customer": customers[-1] if customers else None})
    ledger.figure_blocks.write(seen, then, _changed(ledger, customers))


def _fold_new(ledger: Ledger, seen: FigureFold) -> bool:
    """Fold what has happened since, or some of it; False where there was nothing."""
    newest, imported = ledger.events.newest(), _imported_at(ledger) or seen.imported_at
    if imported is not None and imported != seen.imported_at:
        customers = ledger.figures.imported_since(seen.imported_at or EPOCH)
        blocks = _changed(ledger, customers)
        ledger.figure_blocks.write(seen, seen.model_copy(update={"imported_at": imported}), blocks)
        return True
    if newest == seen.event:
        return False
    event = min(newest, seen.event + EVENTS_AT_ONCE)
    new = ledger.figures.changed(seen.event, event)
    blocks = _changed(ledger, new.customers, lambda debt: _may_differ(debt, new))
    ledger.figure_blocks.write(seen, seen.model_copy(update={"event": event}), blocks)
    return True


def _may_differ(debt: Debt, new: FigureChanges) -> bool:
    """Whether what is new can be about it: it is named, or was not over for longer than anything comes late."""
    over = debt.over_at
    return debt.case.invoice in new.invoices or over is None or new.since is None or over >= new.since - LATE


def _changed(
    ledger: Ledger, customers: Collection[str], wanted: Callable[[Debt], bool] = lambda _: True
) -> list[FigureBlock]:
    """The blocks with these customers' debts, those that are wanted, in the place of what was known of them; those that differ from it."""
    parts = [fold(rows, wanted) for rows in ledger.figures.of(customers)]
    new = Facts.join([part for part in parts if len(part.debts)])
    failed = months(new.debts["failed_at"])
    names = {number: month_name(number) for number in np.unique(failed).tolist()}
    old = ledger.figure_blocks.of(names.values())
    blocks = []
    for number, name in names.items():
        mine = new.take(failed == number)
        if name in old:
            mine = Facts.join([_less(Facts.from_bytes(old[name].facts, old[name].names), mine), mine])
        blocks.append(_block(name, mine))
    return [block for block in blocks if block != old.get(block.month)]


def _less(kept: Facts, new: Facts) -> Facts:
    """What is kept without the debts that come anew."""
    assert kept.names is not None
    assert new.names is not None
    stays: Array = ~np.isin(kept.names["invoice"], new.names["invoice"])
    return kept.take(stays)


def _block(month: str, facts: Facts) -> FigureBlock:
    ordered = facts.in_order()
    assert ordered.names is not None
    last_at, names = moment(ordered.latest()), ordered.names.to_bytes()
    return FigureBlock(month=month, last_at=last_at, facts=ordered.to_bytes(), names=names)


def _imported_at(ledger: Ledger) -> datetime | None:
    """When the import last came to the end of what says which invoices charges were for."""
    imports = ledger.history.imports()
    ended = [imports[kind].finished_at for kind in (Kind.PAYMENTS, Kind.CHARGES) if kind in imports]
    return max((each for each in ended if each is not None), default=None)
