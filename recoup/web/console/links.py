"""The customer's update link from the console: making it to be handed on, and revoking every one."""

from __future__ import annotations

from fastapi.responses import Response

from recoup.ledger import CaseRow, Role
from recoup.links import PURPOSE, UpdateLinks
from recoup.rules.base import days
from recoup.rules.policy import Campaign
from recoup.web.console.desk import Desk, back_to, case_of, slug
from recoup.web.console.doors import Doors, Visit


class CustomerLinks:
    """The routes about a customer's link."""

    def __init__(self, desk: Desk, links: UpdateLinks) -> None:
        self._desk = desk
        self._links = links

    def add_to(self, doors: Doors) -> None:
        """Add the routes."""
        doors.get("/cases/{case}/link", Role.OPERATOR, self.ask)
        doors.post("/cases/{case}/link", Role.OPERATOR, self.make)
        doors.post("/cases/{case}/link/revoke", Role.OPERATOR, self.revoke)

    def ask(self, visit: Visit) -> Response:
        """What a link is, and what revoking does."""
        return self._page(visit)

    def make(self, visit: Visit) -> Response:
        """The customer's one live link, shown once on this page; making it is written down."""
        row, reason = self._row(visit), visit.form.get("reason", "").strip()
        if row is None:
            return self._desk.refused(visit, 404, "case")
        if not reason:
            return self._page(visit, wrong=True)
        until = visit.now + days(Campaign.model_validate(row.policy).link_valid_days)
        link = self._desk.ledger.links.issue(row.customer, PURPOSE, until, visit.now)
        visit.log("link.copy", case_id=row.id, subject=row.customer, reason=reason[:500])
        return self._page(visit, address=self._links.address(link.id, link.generation), link=link)

    def revoke(self, visit: Visit) -> Response:
        """Every link that the customer was ever given ends at once."""
        row, reason = self._row(visit), visit.form.get("reason", "").strip()
        if row is None:
            return self._desk.refused(visit, 404, "case")
        if not reason:
            return self._page(visit, wrong=True)
        count = self._desk.ledger.links.revoke_all(row.customer, visit.now)
        visit.log(
            "link.revoke", case_id=row.id, subject=row.customer, reason=reason[:500], data={"links": count}
        )
        return back_to(f"/cases/{slug(row.id)}", "link_revoke")

    def _page(
        self, visit: Visit, *, address: str | None = None, link: object = None, wrong: bool = False
    ) -> Response:
        row = self._row(visit)
        if row is None:
            return self._desk.refused(visit, 404, "case")
        status = 400 if wrong else 200
        return self._desk.show(visit, "link", status=status, row=row, address=address, link=link, wrong=wrong)

    def _row(self, visit: Visit) -> CaseRow | None:
        return self._desk.ledger.cases.get(case_of(visit.path["case"]))
