"""How well payments are recovered: the figures of ``recoup report``, as tiles on the first page and as a page of their own."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

from fastapi.responses import Response

from recoup import figures
from recoup.experiments import Judged, results
from recoup.figures import Figures, NotEnough, Prices
from recoup.figures.definitions import DEFINITIONS
from recoup.figures.recovery import HEADLINE, Within
from recoup.figures.sheets import columns, sheets
from recoup.figures.tries import WEEKDAYS
from recoup.ledger import Role
from recoup.web.charts import Bar, curve, stacked_bars
from recoup.web.console.desk import Desk
from recoup.web.console.doors import Doors, Visit
from recoup.web.console.figures_asked import EVERYTHING, USUAL, WINDOWS, FiguresAsked, figures_asked
from recoup.web.console.tables import Column, as_file
from recoup.web.drawn import cohort_bars, lost, recovery_points, tried_bars
from recoup.web.heat import Cell, Lying, heat_map, lying_bars

KEPT = timedelta(minutes=5)
"""With a million cases they take a second; what is shown may be so old."""
_MOST_KEPT = 50


class Recovering:
    """The routes of the figures."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._kept: dict[FiguresAsked, tuple[datetime, Figures]] = {}
        self._turn = threading.Lock()

    def add_to(self, doors: Doors) -> None:
        """Add the routes."""
        doors.get("/figures", Role.VIEWER, self.show)
        doors.get("/figures.csv", Role.VIEWER, self.export)

    def show(self, visit: Visit) -> Response:
        """The figures that are asked for."""
        asked = figures_asked(visit.query)
        at, found = self.of(asked, visit.now)
        currencies, campaigns = self._desk.ledger.browsing.names()
        versions = {row.policy_version for row, _ in self._desk.ledger.browsing.versions()}
        return self._desk.show(
            visit,
            "figures",
            figures=found,
            within=_headline(found),
            asked=asked,
            windows=[*map(str, WINDOWS), EVERYTHING],
            currencies=currencies,
            campaigns=campaigns,
            versions=sorted({*versions, self._desk.policy.version}),
            experiments=self.experiments(visit.now),
            told=DEFINITIONS,
            at=at,
            **_drawn(found),
        )

    def export(self, visit: Visit) -> Response:
        """One table of the figures as a file."""
        asked, name = figures_asked(visit.query), visit.query.get("table", "")
        _, found = self.of(asked, visit.now)
        rows = dict(sheets(found)).get(name)
        if rows is None:
            return self._desk.refused(visit, 404, "address")
        visit.log("figures.export", data={"table": name, **dict(asked.given)})
        named = [Column(column, lambda row, column=column: row.get(column)) for column in columns(rows)]  # type: ignore[misc]
        return as_file(f"{name}-{visit.now:%Y-%m-%d}", named, rows)

    def at_hand(self, now: datetime) -> dict[str, Any] | None:
        """The most important figures of the usual time, where they are known already: nobody waits for them."""
        kept = self._kept.get(figures_asked({}))
        if kept is None or not kept[0] <= now < kept[0] + KEPT:
            return None
        return {
            "figures": kept[1],
            "within": _headline(kept[1]),
            "lost": lost,
            "told": DEFINITIONS,
            "days": USUAL,
        }

    def of(self, asked: FiguresAsked, now: datetime) -> tuple[datetime, Figures]:
        """The figures and the moment they were worked out at; asked for by several at once they are worked out once."""
        with self._turn:
            kept = self._kept.get(asked)
            if kept is None or not kept[0] <= now < kept[0] + KEPT:
                kept = now, figures.of(self._desk.ledger, asked.selection(now), self._prices())
                if len(self._kept) >= _MOST_KEPT:
                    self._kept.clear()
                self._kept[asked] = kept
            return kept

    def _prices(self) -> Prices:
        said = self._desk.settings.figures
        return Prices(
            currency=said.currency, email=said.email_cost, sms=said.sms_cost, network_fee=said.network_fee
        )

    def experiments(self, now: datetime) -> list[Judged]:
        """How the policy's experiments stand."""
        experiments = self._desk.policy.policy.experiments
        return [results(self._desk.ledger, each, now) for each in experiments]


def _headline(found: Figures) -> Within:
    return next(each for each in found.recovery_rate.within if each.days == HEADLINE)


def _drawn(found: Figures) -> dict[str, Any]:
    recovery, tries, churn = found.recovery_rate, found.attempts, found.involuntary_churn
    known = None if isinstance(churn, NotEnough) else churn
    return {
        "curve": curve,
        "stacked_bars": stacked_bars,
        "heat_map": heat_map,
        "lying_bars": lying_bars,
        "Lying": Lying,
        "lost": lost,
        "cohort_bars": cohort_bars(recovery),
        "cash_bars": [Bar(each.month, (each.cases,)) for each in recovery.cash],
        "points": recovery_points(recovery),
        "number_bars": tried_bars(tries.by_number),
        "hour_bars": tried_bars(tries.by_hour),
        "churn": known,
        "churn_bars": [Bar(each.month, (each.unpaid,)) for each in known.months] if known else [],
        "worth": None if isinstance(found.lifetime_value, NotEnough) else found.lifetime_value,
        "places": [
            (WEEKDAYS.index(day), int(hour), each)
            for each in tries.by_hour_of_week
            for day, hour in [each.what.split()]
        ],
        "weekdays": WEEKDAYS,
        "Cell": Cell,
    }
