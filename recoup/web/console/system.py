"""The pages about the system: what reaches customers, what reaches other systems, and the policy."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from recoup.errors import ConnectionFailed, RecoupError
from recoup.integrations.replaying import Wanted, replayed
from recoup.integrations.status import status_of
from recoup.ledger import CaseRow, ChannelStopRow, DeliveryRow, DeliveryState, Role
from recoup.policy.file import LoadedPolicy, load_policy
from recoup.policy.words import differences, policy_differences, policy_in_words
from recoup.rules.policy import Campaign
from recoup.web.console.desk import Desk, back_to
from recoup.web.console.doors import Doors, Visit
from recoup.web.console.tables import Column, as_file, sheet

WINDOWS, USUAL = (7, 30, 90), 30
"""Days back from now, by when a message was written down."""
MOST = 10_000
"""Of so many rows a table is made here; who has more has other troubles than their order."""

STOPS: tuple[Column[ChannelStopRow], ...] = (
    Column("customer", lambda row: row.customer),
    Column("channel", lambda row: row.channel.value),
    Column("why", lambda row: row.reason.value),
    Column("detail", lambda row: row.detail),
    Column("by", lambda row: row.actor),
    Column("since", lambda row: row.stopped_at),
)
PARKED: tuple[Column[DeliveryRow], ...] = (
    Column("event", lambda row: row.event),
    Column("about", lambda row: row.subject),
    Column("state", lambda row: row.state.value),
    Column("attempts", lambda row: row.attempts),
    Column("last_tried", lambda row: row.last_at),
    Column("why", lambda row: row.because),
)
VERSIONS: tuple[Column[tuple[CaseRow, int]], ...] = (
    Column("version", lambda row: row[0].policy_version),
    Column("campaign", lambda row: row[0].campaign),
    Column("cases", lambda row: row[1]),
)


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
        doors.get("/deliverability.csv", Role.VIEWER, self.stops_as_file)
        doors.get("/integrations/{destination}/parked.csv", Role.VIEWER, self.parked_as_file)
        doors.get("/policy.csv", Role.VIEWER, self.versions_as_file)

    def deliverability(self, visit: Visit) -> Response:
        """What became of the messages of the last days, and over which channels nothing goes out."""
        window = window_of(visit)
        counts = self._desk.ledger.messages.counts(visit.now - timedelta(days=window))
        stops = self._stops(visit)
        return self._desk.show(
            visit,
            "deliverability",
            channels=sorted({channel for channel, _ in counts}),
            counts=counts,
            states=["sent", "returned", "stopped", "failed", "unknown"],
            days=window,
            windows=WINDOWS,
            table=sheet(stops, STOPS, visit.query, "/deliverability", first="-since", filters=("q", "days")),
            q=visit.query.get("q", ""),
            reasons=Counter(stop.reason.value for stop in stops),
        )

    def stops_as_file(self, visit: Visit) -> Response:
        """The stopped channels as a file."""
        visit.log("stops.export")
        return as_file(f"stopped-{visit.now:%Y-%m-%d}", STOPS, self._stops(visit))

    def _stops(self, visit: Visit) -> list[ChannelStopRow]:
        wanted = visit.query.get("q", "").strip().casefold()
        stops = self._desk.ledger.channels.stopped_now(MOST)
        named = (
            (stop, (stop.customer or "", stop.channel, stop.reason, stop.detail or "")) for stop in stops
        )
        return [stop for stop, words in named if wanted in " ".join(words).casefold()]

    def integrations(self, visit: Visit) -> Response:
        """How each destination stands."""
        configured = self._desk.settings.integrations.destinations
        found = [status_of(self._desk.ledger, each.name, each.kind) for each in configured]
        tables = {
            each.name: sheet(
                self._parked(each.name),
                PARKED,
                visit.query,
                "/integrations",
                first="event",
                prefix=f"{each.name}-",
            )
            for each in found
        }
        may = visit.may(Role.ADMIN)
        return self._desk.show(visit, "integrations", destinations=found, tables=tables, may=may)

    def parked_as_file(self, visit: Visit) -> Response:
        """What is parked of one destination as a file."""
        name = visit.path["destination"]
        if name not in [each.name for each in self._desk.settings.integrations.destinations]:
            return self._desk.refused(visit, 404, "address")
        visit.log("parked.export", subject=name)
        return as_file(f"parked-{name}-{visit.now:%Y-%m-%d}", PARKED, self._parked(name))

    def _parked(self, name: str) -> list[DeliveryRow]:
        states = DeliveryState.REFUSED, DeliveryState.DEAD
        return self._desk.ledger.deliveries.late(name, *states, limit=MOST)

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
        found = policies(self._desk)
        told = {
            row.id: _against(row.policy, found.newest)
            for row, _ in found.versions
            if row.policy_version != found.newest.version
        }
        return self._desk.show(
            visit,
            "policy",
            running=found.running,
            problem=found.problem,
            changes=found.changes,
            changed=found.changed,
            in_words=found.in_words,
            table=sheet(found.versions, VERSIONS, visit.query, "/policy", first="version"),
            told=told,
            newest=found.newest,
        )

    def versions_as_file(self, visit: Visit) -> Response:
        """By which versions running cases go on, as a file."""
        visit.log("versions.export")
        return as_file(f"versions-{visit.now:%Y-%m-%d}", VERSIONS, self._desk.ledger.browsing.versions())


@dataclass(frozen=True, slots=True)
class Policies:
    """The policy as this console began with it, as its file says it now, and the versions that running cases go on by."""

    running: LoadedPolicy
    newest: LoadedPolicy
    problem: str | None
    """Why the file cannot be used."""
    versions: list[tuple[CaseRow, int]]

    @property
    def changed(self) -> bool:
        """Whether the file says something else by now."""
        return self.newest.version != self.running.version

    @property
    def changes(self) -> list[str]:
        """What it says differently."""
        return policy_differences(self.running.policy, self.newest.policy) if self.changed else []

    @property
    def in_words(self) -> list[str]:
        """What the newest one says."""
        return policy_in_words(self.newest.policy)


def policies(desk: Desk) -> Policies:
    """Read them; a file that cannot be used is said to be one, and the policy that was read before stands for it."""
    newest, problem = desk.policy, None
    try:
        newest = load_policy(desk.settings.policy_file)
    except RecoupError as error:
        problem = str(error)
    return Policies(desk.policy, newest, problem, desk.ledger.browsing.versions())


def window_of(visit: Visit) -> int:
    """The days back that an address asks for."""
    days = visit.query.get("days", "")
    return int(days) if days in {str(each) for each in WINDOWS} else USUAL


def _against(carried: dict[str, object], newest: LoadedPolicy) -> list[str]:
    """What a running case's campaign has that the newest one of the same name has not."""
    try:
        old = Campaign.model_validate(carried)
    except ValueError:
        return []
    same = [each for each in newest.policy.campaigns if each.name == old.name]
    return differences(old, same[0].model_copy(update={"when": None})) if same else []
