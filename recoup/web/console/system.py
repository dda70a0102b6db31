"""The pages about the system: what reaches customers, what reaches other systems, the policy, and the log."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import timedelta

from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from recoup.errors import ConnectionFailed, RecoupError
from recoup.integrations.replaying import Wanted, replayed
from recoup.integrations.status import status_of
from recoup.ledger import LogRow, Role
from recoup.policy.file import LoadedPolicy, load_policy
from recoup.policy.words import differences, policy_differences, policy_in_words
from recoup.rules.policy import Campaign
from recoup.web.console.desk import Desk, back_to
from recoup.web.console.doors import Doors, Visit

PAGE = 50
WINDOW = timedelta(days=30)


class System:
    """The routes of these pages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, doors: Doors) -> None:
        """Add the routes."""
        doors.get("/deliverability", Role.VIEWER, self.deliverability)
        doors.get("/integrations", Role.VIEWER, self.integrations)
        doors.post("/integrations/{destination}/replay", Role.ADMIN, self.replay)
        doors.get("/policy", Role.VIEWER, self.policy)
        doors.get("/log", Role.ADMIN, self.log)

    def deliverability(self, visit: Visit) -> Response:
        """What became of the messages of the last 30 days, and over which channels nothing goes out."""
        ledger = self._desk.ledger
        counts = ledger.messages.counts(visit.now - WINDOW)
        stops = ledger.channels.stopped_now()
        return self._desk.show(
            visit,
            "deliverability",
            channels=sorted({channel for channel, _ in counts}),
            counts=counts,
            states=["sent", "returned", "stopped", "failed", "unknown"],
            stops=stops,
            reasons=Counter(stop.reason.value for stop in stops),
        )

    def integrations(self, visit: Visit) -> Response:
        """How each destination stands."""
        configured = self._desk.settings.integrations.destinations
        found = [status_of(self._desk.ledger, each.name, each.kind) for each in configured]
        return self._desk.show(visit, "integrations", destinations=found, may=visit.may(Role.ADMIN))

    async def replay(self, visit: Visit) -> Response:
        """Deliver everything that was parked once more, as ``recoup integrations replay --parked`` does."""
        name, reason = visit.path["destination"], visit.form.get("reason", "").strip()
        names = [each.name for each in self._desk.settings.integrations.destinations]
        if name not in names:
            return await run_in_threadpool(self._desk.refused, visit, 404, "address")
        if not reason:
            return back_to("/integrations", "reason")
        await run_in_threadpool(self._replay, visit, name, reason)
        # Where nobody can be woken the deliveries go when the destination is looked after next.
        with suppress(ConnectionFailed):
            await self._desk.wake(name)
        return back_to("/integrations", "replayed")

    def _replay(self, visit: Visit, name: str, reason: str) -> None:
        count = replayed(self._desk.ledger, name, Wanted(parked=True), visit.now)
        visit.log("integrations.replay", subject=name, reason=reason[:500], data={"events": count})

    def policy(self, visit: Visit) -> Response:
        """What new cases get, what a changed file would change, and which versions running cases go on by."""
        running, problem = self._desk.policy, None
        try:
            on_disk: LoadedPolicy | None = load_policy(self._desk.settings.policy_file)
        except RecoupError as error:
            on_disk, problem = None, str(error)
        changed = on_disk is not None and on_disk.version != running.version
        newest = on_disk or running
        versions = self._desk.ledger.browsing.versions()
        told = {
            row.id: _against(row.policy, newest)
            for row, _ in versions
            if row.policy_version != newest.version
        }
        return self._desk.show(
            visit,
            "policy",
            running=running,
            on_disk=on_disk,
            problem=problem,
            changes=policy_differences(running.policy, newest.policy) if changed else [],
            changed=changed,
            in_words=policy_in_words(newest.policy),
            versions=versions,
            told=told,
            newest=newest,
        )

    def log(self, visit: Visit) -> Response:
        """Everything that was done in the console, the newest first."""
        before = visit.query.get("before", "")
        actor, case = visit.query.get("actor") or None, visit.query.get("case") or None
        number = int(before) if before.isdecimal() and len(before) < 16 else None
        rows = self._desk.ledger.console.logged(before=number, actor=actor, case_id=case, limit=PAGE + 1)
        shown: list[LogRow] = rows[:PAGE]
        further = shown[-1].id if len(rows) > PAGE else None
        return self._desk.show(visit, "log", rows=shown, further=further, actor=actor or "", case=case or "")


def _against(carried: dict[str, object], newest: LoadedPolicy) -> list[str]:
    """What a running case's campaign has that the newest one of the same name has not."""
    try:
        old = Campaign.model_validate(carried)
    except ValueError:
        return []
    same = [each for each in newest.policy.campaigns if each.name == old.name]
    return differences(old, same[0].model_copy(update={"when": None})) if same else []
