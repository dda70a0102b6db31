"""Figures: how well payments are recovered, from the ledger alone. ``docs/figures.md`` defines every one.

    figures.of(ledger, Selection(now=clock.now())) -> Figures

What stands behind it are functions over plain rows, without SQL or I/O.
"""

from recoup.figures.costs import Prices
from recoup.figures.reading import of
from recoup.figures.result import Figures
from recoup.figures.selection import Selection, month_bounds
from recoup.figures.values import Estimate, Figure, NotEnough

__all__ = ["Estimate", "Figure", "Figures", "NotEnough", "Prices", "Selection", "month_bounds", "of"]
