"""``/api/v1``: the same cases, and the same acts, for programs; whoever may not on a page may not here."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from recoup.errors import RecoupError
from recoup.experiments import as_json
from recoup.figures.definitions import DEFINITIONS
from recoup.ledger import CaseRow, Result, Role
from recoup.temporal.gateway import CaseOver, UpdateRefused
from recoup.web.console.acts import ACTS, Wanted, wanted
from recoup.web.console.api_description import calls, description
from recoup.web.console.asked_for import AskedFor, asked_for
from recoup.web.console.casefile import gather
from recoup.web.console.desk import Desk, case_of
from recoup.web.console.doors import Doors, Visit
from recoup.web.console.effects import word_of
from recoup.web.console.figures_asked import EVERYTHING, WINDOWS, figures_asked
from recoup.web.console.recovering import Recovering

PAGE = 100
ROOT = "/api/v1"


class Api:
    """The routes for programs."""

    def __init__(self, desk: Desk, recovering: Recovering) -> None:
        self._desk = desk
        self._recovering = recovering

    def add_to(self, doors: Doors) -> None:
        """Add the routes."""
        doors.get("/openapi", Role.VIEWER, self.page)
        doors.get(f"{ROOT}/openapi.json", Role.VIEWER, self.describe)
        doors.get(f"{ROOT}/figures", Role.VIEWER, self.figures)
        doors.get(f"{ROOT}/cases", Role.VIEWER, self.cases)
        doors.get(f"{ROOT}/cases/{{case}}", Role.VIEWER, self.case)
        doors.post(f"{ROOT}/cases/{{case}}/{{act}}", Role.OPERATOR, self.act)

    def describe(self, visit: Visit) -> Response:
        """What there is, in OpenAPI's words."""
        return JSONResponse(description(self._desk.settings.console.public_url))

    def page(self, visit: Visit) -> Response:
        """The same to be read: each address with what it takes and what it answers."""
        address = self._desk.settings.console.public_url
        return self._desk.show(visit, "openapi", calls=calls(address), address=address.rstrip("/"))

    def figures(self, visit: Visit) -> Response:
        """How well payments are recovered, of the failures of the last 30, 90 or 365 days, or of another time and choice."""
        asked = figures_asked(visit.query)
        if asked.wrong:
            named = ", ".join([*map(str, WINDOWS), EVERYTHING])
            return JSONResponse({"error": f"cannot be read: {', '.join(asked.wrong)} (days: {named})"}, 400)
        _, found = self._recovering.of(asked, visit.now)
        tried = [as_json(each) for each in self._recovering.experiments(visit.now)]
        return JSONResponse(
            found.model_dump(mode="json") | {"experiments": tried, "definitions": DEFINITIONS}
        )

    def cases(self, visit: Visit) -> Response:
        """Cases page by page, filtered as the list is."""
        asked = asked_for({"tab": "all", **visit.query}, self._desk.settings.mail.default_timezone)
        if asked.wrong:
            return JSONResponse({"error": f"cannot be read: {', '.join(asked.wrong)}"}, 400)
        after = self._desk.ledger.cases.get(asked.after) if asked.after else None
        found = self._desk.ledger.browsing.page(asked.tab, asked.wanted, asked.sort, after, PAGE)
        further = _further(asked, found.rows[-1]) if found.more else None
        return JSONResponse({"cases": [_row(row) for row in found.rows], "next": further})

    async def case(self, visit: Visit) -> Response:
        """One case: its row, what it does next and why, and its timeline. Nothing of the customer's person."""
        row = await run_in_threadpool(self._row, visit)
        if row is None:
            return _unknown()
        file = await gather(self._desk, row)
        timeline = [
            {
                "at": entry.at.isoformat() if entry.at else None,
                "kind": entry.kind,
                "theme": entry.theme.value,
                "actor": entry.actor,
                "because": entry.because,
                "ahead": entry.ahead,
            }
            for entry in (*file.ahead, *file.past)
        ]
        following = file.next.model_dump(mode="json") if file.next is not None else None
        return JSONResponse({"case": _row(row), "next": following, "away": file.away, "timeline": timeline})

    async def act(self, visit: Visit) -> Response:
        """An operator's word; the same ``request`` again is the same word."""
        row, act = await run_in_threadpool(self._row, visit), ACTS.get(visit.path["act"])
        if row is None or act is None:
            return _unknown()
        zone = self._desk.settings.mail.default_timezone
        made = wanted(act, visit.form, visit.user.name, visit.now, zone)
        if made.wrong:
            return JSONResponse({"error": f"missing, or cannot be read: {', '.join(made.wrong)}"}, 400)
        try:
            payload = await run_in_threadpool(word_of, self._desk, row, made, visit.now)
            answer = await self._desk.cases.update(row.id, act.word, payload, request=made.request)
        except (UpdateRefused, CaseOver) as refused:
            return await self._answered(visit, row, made, Result.REFUSED, str(refused), 409)
        except RecoupError as away:
            return await self._answered(visit, row, made, Result.FAILED, str(away), 503)
        await self._answered(visit, row, made, Result.DONE, answer.next.because, 200)
        return JSONResponse(answer.model_dump(mode="json"))

    async def _answered(
        self, visit: Visit, row: CaseRow, made: Wanted, result: Result, because: str, status: int
    ) -> Response:
        await run_in_threadpool(made.note, visit, row.id, result, because)
        return JSONResponse({"error": because, "request": made.request}, status)

    def _row(self, visit: Visit) -> CaseRow | None:
        return self._desk.ledger.cases.get(case_of(visit.path["case"]))


def _row(row: CaseRow) -> dict[str, Any]:
    return row.model_dump(mode="json", exclude={"policy", "run_id"})


def _further(asked: AskedFor, last: CaseRow) -> str:
    return asked.address(f"{ROOT}/cases", after=last.id)


def _unknown() -> Response:
    return JSONResponse({"error": "there is no such case or act"}, 404)
