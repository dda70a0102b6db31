"""How well payments are recovered: the figures of ``recoup report``, as tiles on the first page and as a page of their own."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

from fastapi.responses import Response

from recoup import figures
from recoup.figures import Figures, Selection
from recoup.figures.definitions import DEFINITIONS
from recoup.figures.recovery import HEADLINE
from recoup.ledger import Role
from recoup.web.charts import curve, stacked_bars
from recoup.web.console.desk import Desk
from recoup.web.console.doors import Doors, Visit
from recoup.web.drawn import cohort_bars, lost, recovery_points, tried_bars

WINDOWS = (30, 90, 365)
"""Days back from now, by the first failure."""
KEPT = timedelta(minutes=5)
"""With a million cases they take a second; what is shown may be so old."""


class Recovering:
    """The route of the figures."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._kept: dict[int, tuple[datetime, Figures]] = {}
        self._turn = threading.Lock()

    def add_to(self, doors: Doors) -> None:
        """Add the route."""
        doors.get("/figures", Role.VIEWER, self.show)

    def show(self, visit: Visit) -> Response:
        """The figures of a window of days."""
        asked = visit.query.get("days", "")
        window = int(asked) if asked in {str(each) for each in WINDOWS} else 90
        at, found = self.of(window, visit.now)
        within = next(each for each in found.recovery_rate.within if each.days == HEADLINE)
        return self._desk.show(
            visit,
            "figures",
            figures=found,
            within=within,
            days=window,
            windows=WINDOWS,
            told=DEFINITIONS,
            at=at,
            **_drawn(found),
        )

    def of(self, window: int, now: datetime) -> tuple[datetime, Figures]:
        """The figures and the moment they were worked out at; asked for by several at once they are worked out once."""
        with self._turn:
            kept = self._kept.get(window)
            if kept is None or not kept[0] <= now < kept[0] + KEPT:
                selection = Selection(now=now, since=now - timedelta(days=window))
                kept = now, figures.of(self._desk.ledger, selection)
                self._kept[window] = kept
            return kept


def _drawn(found: Figures) -> dict[str, Any]:
    recovery, tries = found.recovery_rate, found.attempts
    return {
        "curve": curve,
        "stacked_bars": stacked_bars,
        "lost": lost,
        "cohort_bars": cohort_bars(recovery),
        "points": recovery_points(recovery),
        "number_bars": tried_bars(tries.by_number),
        "hour_bars": tried_bars(tries.by_hour),
    }
