"""The page of one case, and what is done from it: first a form, then what would follow, then the word itself."""

from __future__ import annotations

from typing import Any

from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from recoup.errors import RecoupError
from recoup.ledger import CaseRow, Result, Role
from recoup.messages import Outbox
from recoup.rules.policy import Campaign
from recoup.rules.step import Step
from recoup.rules.telling_now import offered as offered_messages
from recoup.temporal.gateway import CaseOver, UpdateRefused
from recoup.web.console.acts import ACTS, Wanted, offered, wanted
from recoup.web.console.casefile import gather, seen_by_itself
from recoup.web.console.desk import Desk, back_to, case_of, slug
from recoup.web.console.doors import Doors, Visit
from recoup.web.console.effects import Effect, effect_of, word_of
from recoup.web.console.timeline import Theme


class CasePage:
    """The routes of a case."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, doors: Doors) -> None:
        """Add the routes."""
        doors.get("/cases/{case}", Role.VIEWER, self.show)
        doors.get("/cases/{case}/mail/{mail}", Role.VIEWER, self.mail)
        doors.get("/cases/{case}/do/{act}", Role.OPERATOR, self.ask)
        doors.post("/cases/{case}/do/{act}", Role.OPERATOR, self.act)

    async def show(self, visit: Visit) -> Response:
        """Everything about it."""
        row = await run_in_threadpool(self._row, visit)
        if row is None:
            return await run_in_threadpool(self._desk.refused, visit, 404, "case")
        file = await gather(self._desk, row)
        view, only = file.view, visit.query.get("only")
        may = view is not None and row.is_open and visit.may(Role.OPERATOR)
        acts = offered(view.case, visit.user.name, view.now) if may and view is not None else {}
        return await run_in_threadpool(
            self._show, visit, "case",
            file=file, row=row, acts=acts, links=self._desk.links(row), themes=list(Theme),
            only=only if only in set(Theme) else None, may_act=visit.may(Role.OPERATOR),
        )  # fmt: skip

    async def ask(self, visit: Visit) -> Response:
        """The form of an act; where it takes nothing but a reason, with its effect."""
        return await self._about(visit, done=False)

    async def act(self, visit: Visit) -> Response:
        """Show what would follow, or do it."""
        return await self._about(visit, done=visit.form.get("step") == "do")

    def mail(self, visit: Visit) -> Response:
        """A message as it was sent, where messages go into an outbox."""
        row, outbox = self._row(visit), Outbox(self._desk.settings.mail.outbox)
        mail = outbox.get(visit.path["mail"]) if self._desk.settings.mail.kind == "outbox" else None
        kept = self._desk.ledger.messages.by_provider_id(visit.path["mail"])
        if row is None or mail is None or kept is None or kept.customer != row.customer:
            return self._desk.refused(visit, 404, "mail")
        return self._show(visit, "mail", row=row, mail=mail, text=outbox.text(visit.path["mail"]))

    async def _about(self, visit: Visit, *, done: bool) -> Response:
        row = await run_in_threadpool(self._row, visit)
        act = ACTS.get(visit.path["act"])
        if row is None or act is None:
            return await run_in_threadpool(self._desk.refused, visit, 404, "case")
        zone = self._desk.settings.mail.default_timezone
        made = wanted(act, visit.form, visit.user.name, visit.now, zone)
        if done and made.is_complete:
            return await self._do(visit, row, made)
        return await self._form(visit, row, made)

    async def _form(
        self, visit: Visit, row: CaseRow, made: Wanted, *, problem: str | None = None, status: int = 200
    ) -> Response:
        view, away = await seen_by_itself(self._desk, row)
        typed = visit.request.method == "POST"
        ready = made.is_complete or not (made.act.takes or made.act.optional)
        effect = before = None
        if view is not None:
            before = view.next
            if ready:
                effect = await run_in_threadpool(effect_of, self._desk, row, view.case, made, view.now)
        if typed and made.wrong:
            status = 400
        return await run_in_threadpool(
            self._ask,
            visit,
            row,
            made,
            effect,
            before,
            away=away,
            problem=problem,
            status=status,
            typed=typed,
        )

    def _ask(
        self,
        visit: Visit,
        row: CaseRow,
        made: Wanted,
        effect: Effect | None,
        before: Step | None,
        **more: Any,
    ) -> Response:
        names = [user.name for user in self._desk.ledger.console.users() if user.disabled_at is None]
        status = more.pop("status")
        return self._show(
            visit, "act", status=status,
            row=row, act=made.act, act_name=visit.path["act"], wanted=made, effect=effect, before=before,
            names=names, campaigns=[each.name for each in self._desk.policy.policy.campaigns],
            templates=offered_messages(Campaign.model_validate(row.policy)), **more,
        )  # fmt: skip

    async def _do(self, visit: Visit, row: CaseRow, made: Wanted) -> Response:
        """Say the word, and write down what became of it."""
        word = made.act.word
        try:
            payload = await run_in_threadpool(word_of, self._desk, row, made, visit.now)
            answer = await self._desk.cases.update(row.id, word, payload, request=made.request)
        except (UpdateRefused, CaseOver) as refused:
            await run_in_threadpool(made.note, visit, row.id, Result.REFUSED, str(refused))
            return await self._form(visit, row, made, problem=str(refused), status=409)
        except RecoupError as away:
            await run_in_threadpool(made.note, visit, row.id, Result.FAILED, str(away))
            return await self._form(visit, row, made, problem=str(away), status=503)
        await run_in_threadpool(made.note, visit, row.id, Result.DONE, answer.next.because)
        return back_to(f"/cases/{slug(row.id)}", word)

    def _row(self, visit: Visit) -> CaseRow | None:
        return self._desk.ledger.cases.get(case_of(visit.path["case"]))

    def _show(self, visit: Visit, name: str, *, status: int = 200, **values: Any) -> Response:
        return self._desk.show(visit, name, status=status, **values)
