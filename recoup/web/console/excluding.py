"""Taking an exclusion back: no workflow carries the customer any more, so it is the ledger that hears it."""

from __future__ import annotations

from fastapi.responses import JSONResponse, Response

from recoup.ledger import CaseRow, ExclusionRow, Role
from recoup.web.console.acts import LONGEST_REASON
from recoup.web.console.desk import Desk, back_to, case_of, slug
from recoup.web.console.doors import Doors, Visit

WORD = "take_back"


class Excluding:
    """The routes about customers who are left alone; excluding itself is an act of a case."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, doors: Doors) -> None:
        """Add the routes."""
        doors.get("/cases/{case}/take-back", Role.OPERATOR, self.ask)
        doors.post("/cases/{case}/take-back", Role.OPERATOR, self.take_back)
        doors.post("/api/v1/cases/{case}/take-back", Role.OPERATOR, self.take_back_by_program)

    def ask(self, visit: Visit) -> Response:
        """Why the customer is excluded, and what taking it back means."""
        row, exclusion = self._found(visit)
        if row is None or exclusion is None:
            return self._desk.refused(visit, 404, "case")
        return self._desk.show(visit, "take_back", row=row, exclusion=exclusion, wrong=False)

    def take_back(self, visit: Visit) -> Response:
        """The customer's failures become cases again from now on."""
        row, exclusion = self._found(visit)
        if row is None or exclusion is None:
            return self._desk.refused(visit, 404, "case")
        if not visit.form.get("reason", "").strip():
            return self._desk.show(visit, "take_back", status=400, row=row, exclusion=exclusion, wrong=True)
        self._do(visit, row)
        return back_to(f"/cases/{slug(row.id)}", WORD)

    def take_back_by_program(self, visit: Visit) -> Response:
        """The same; ``changed`` says whether the customer was excluded."""
        row, _ = self._found(visit)
        if row is None:
            return JSONResponse({"error": "there is no such case"}, 404)
        if not visit.form.get("reason", "").strip():
            return JSONResponse({"error": "missing, or cannot be read: reason"}, 400)
        return JSONResponse({"customer": row.customer, "changed": self._do(visit, row)})

    def _do(self, visit: Visit, row: CaseRow) -> bool:
        reason = visit.form.get("reason", "").strip()[:LONGEST_REASON]
        who = {"actor": visit.user.name, "because": reason}
        changed = self._desk.ledger.exclusions.take_back(row.customer, visit.now, **who)
        if changed:
            visit.log(f"case.{WORD}", case_id=row.id, subject=row.customer, reason=reason)
        return changed

    def _found(self, visit: Visit) -> tuple[CaseRow | None, ExclusionRow | None]:
        row = self._desk.ledger.cases.get(case_of(visit.path["case"]))
        return row, self._desk.ledger.exclusions.of(row.customer) if row is not None else None
