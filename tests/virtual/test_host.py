"""The host carries workflows as Temporal does: started once, tried again, replayed, continued as new."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from activities.contracts import CaseView, Happened, OperatorRequest, StartCase
from activities.note_contracts import NoteKind
from recoup.rules.case import Outcome
from recoup.rules.step import StepKind
from recoup.temporal.gateway import CaseGateway, CaseOver, UpdateRefused
from recoup.virtual import host
from recoup.virtual.agenda import Agenda
from recoup.virtual.client import HostClient
from recoup.virtual.host import Host, Try, WorkerDied
from tests.workflows.outside import Outside
from workflows.recovery import RecoveryCase

CASE = "recovery/in_1"


@dataclass
class Clock:
    """Stands until it is moved."""

    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """The moment it stands at."""
        return self.at


@dataclass
class Calm:
    """No faults but those that a test asks for."""

    lose: int = 0
    away: int = 0
    continues: int = 0
    tries: list[Try] = field(default_factory=list)

    def before(self, this: Try) -> timedelta | None:
        self.away -= 1
        return timedelta(hours=1) if self.away >= 0 else None

    @contextmanager
    def doing(self, this: Try) -> Iterator[None]:
        self.tries.append(this)
        yield

    def after(self, this: Try) -> timedelta | None:
        self.lose -= 1
        return timedelta(seconds=15) if self.lose >= 0 else None

    def died(self, this: Try) -> timedelta:
        return timedelta(seconds=15)

    def continues_as_new(self, workflow_id: str) -> bool:
        self.continues -= 1
        return self.continues == 0


class Theatre:
    """A host with one case in it."""

    def __init__(self, outside: Outside, calm: Calm, forgets: bool = False) -> None:
        self.outside, self.clock, self.agenda = outside, Clock(), Agenda()
        self.host = Host(self.agenda, self.clock, [RecoveryCase], outside.activities(), calm)
        self.host.start(CASE, "RecoveryCase", StartCase(invoice="in_1", at=self.clock.now()))
        self._forgets = forgets

    def play(self, days: float = 60) -> Any:
        """Let so many days pass; answers the execution."""
        end = self.clock.now() + timedelta(days=days)
        while self.agenda.next_at is not None and self.agenda.next_at <= end:
            self.clock.at = max(self.clock.at, self.agenda.next_at)
            _, deed = self.agenda.take()
            deed()
            if self._forgets:
                self.host.forget(CASE)
        self.clock.at = max(self.clock.at, end)
        return self.host.executions[CASE]


def test_a_whole_case_runs_to_its_end() -> None:
    """A case whose attempts are all refused is told, tried, warned and suspended on its days."""
    outside = Outside()
    execution = Theatre(outside, Calm()).play()
    assert execution.status is WorkflowExecutionStatus.COMPLETED
    assert outside.days("attempt") == [1.0, 3.0, 7.0, 12.0]
    assert outside.days("suspend") == [21.0]


@pytest.mark.parametrize("fault", ["replayed", "lost", "away", "continued"])
def test_faults_of_temporal_leave_the_same_case(fault: str) -> None:
    """Replayed before every task, with results lost, workers away or continued as new, the case does the same things."""
    calm = {"lost": Calm(lose=3), "away": Calm(away=3), "continued": Calm(continues=7)}.get(fault, Calm())
    plain, struck = Outside(), Outside()
    Theatre(plain, Calm()).play()
    theatre = Theatre(struck, calm, forgets=fault == "replayed")
    assert theatre.play().status is WorkflowExecutionStatus.COMPLETED
    assert theatre.host.problems == {}
    assert dict.fromkeys(struck.kinds()) == dict.fromkeys(plain.kinds())


def test_a_change_behind_a_patch_is_replayed_as_it_was() -> None:
    """Paid outside and by the attempt under way: what only newer cases do is done again on every replay."""
    theatre = Theatre(Outside(answers=["unknown", "paid"]), Calm(), forgets=True)
    said = OperatorRequest(at=theatre.clock.now(), reason="a test", operator="ops")
    assert theatre.play(days=1.001).is_running
    theatre.host.update(CASE, "mark_paid_outside", said)
    assert theatre.play(days=1).status is WorkflowExecutionStatus.COMPLETED
    assert theatre.host.problems == {}
    assert theatre.outside.kinds()[-4:] == [
        "settle:1",
        "mark_paid:",
        "close:recovered_outside",
        "message:recovered",
    ]


def test_a_dead_worker_is_followed_by_another() -> None:
    """A try whose worker dies is begun again with the next number."""
    deaths = [WorkerDied(), WorkerDied()]

    class Deadly(Calm):
        @contextmanager
        def doing(self, this: Try) -> Iterator[None]:
            self.tries.append(this)
            yield
            if deaths:
                raise deaths.pop()

    calm = Deadly()
    Theatre(Outside(), calm).play(days=0.5)
    assert [this.attempt for this in calm.tries if this.activity == "payments.take_up"] == [1, 2, 3]


def test_what_is_told_arrives_and_what_is_over_hears_nothing() -> None:
    """Signals, updates and queries reach a running case; one that is over answers that it is."""
    theatre = Theatre(Outside(), Calm())
    assert theatre.play(days=2).is_running
    assert theatre.host.query(CASE, "case", CaseView).case.attempts_made == 1
    said = OperatorRequest(at=theatre.clock.now(), reason="a test", operator="ops")
    assert "neither paused" in str(theatre.host.update(CASE, "resume", said))
    assert theatre.host.signal(CASE, "invoice_voided", Happened(at=theatre.clock.now()))
    theatre.play(days=1)
    assert not theatre.host.executions[CASE].is_running
    assert not theatre.host.signal(CASE, "invoice_voided", Happened(at=theatre.clock.now()))
    assert theatre.outside.done[-1][1] == Outcome.CLOSED_VOIDED.value


@pytest.mark.parametrize("runs", [False, True])
def test_a_start_may_tell_something_as_well(runs: bool) -> None:
    """What is told with a start reaches the workflow that it begins, and the one that runs already."""
    theatre = Theatre(Outside(), Calm())
    if runs:
        theatre.play(days=2)
    else:
        theatre.agenda.take()
        theatre.host.executions.clear()
    client = HostClient(theatre.host, lambda: None, lambda: None)
    asyncio.run(
        client.start_workflow(
            "RecoveryCase",
            StartCase(invoice="in_1", at=theatre.clock.now()),
            id=CASE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal="invoice_voided",
            start_signal_args=[Happened(at=theatre.clock.now())],
        )
    )
    assert not theatre.play(days=1).is_running
    assert theatre.outside.done[-1][1] == Outcome.CLOSED_VOIDED.value


def test_a_workflow_that_goes_round_in_circles_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A workflow that is told more than any case ever hears is ended and named, instead of being played for ever."""
    monkeypatch.setattr(host, "MOST_TASKS", 5)
    theatre = Theatre(Outside(), Calm())
    theatre.play()
    assert "round in circles" in theatre.host.problems[CASE]


def test_a_failure_for_good_is_told_to_the_workflow() -> None:
    """An activity that says never is not tried again: the case waits for a person."""
    outside = Outside(broken={"attempt"})
    theatre = Theatre(outside, Calm())
    assert theatre.play(days=5).waits_for_nothing
    with pytest.raises(ApplicationError):
        outside._did("attempt", "once more")


def test_a_replay_knows_of_the_patches_of_its_history() -> None:
    """What stands behind a patch is done again when a case that did it is replayed, as Temporal's workers do."""
    outside = Outside(broken={"attempt"})
    theatre = Theatre(outside, Calm(), forgets=True)
    assert theatre.play(days=5).is_running
    assert theatre.host.problems == {}
    assert [note.kind for note in outside.notes] == [NoteKind.PERSON_NEEDED]


def _client(theatre: Theatre) -> HostClient:
    return HostClient(theatre.host, lambda: None, lambda: None)


def test_the_gateway_hears_what_a_case_answers() -> None:
    """An operator's word is answered with what will happen, refused with the case's sentence, and not taken by a case that is over."""
    theatre = Theatre(Outside(), Calm())
    theatre.play(days=2)

    async def connected() -> Any:
        return _client(theatre)

    gateway = CaseGateway(connected)
    said = OperatorRequest(at=theatre.clock.now(), reason="a test", operator="ops")
    with pytest.raises(UpdateRefused, match="neither paused"):
        asyncio.run(gateway.update("in_1", "resume", said))
    assert asyncio.run(gateway.update("in_1", "retry_now", said)).next.kind is StepKind.ATTEMPT
    assert asyncio.run(gateway.update("in_1", "stop", said)).next.kind is StepKind.CLOSE
    theatre.play(days=1)
    with pytest.raises(CaseOver):
        asyncio.run(gateway.update("in_1", "retry_now", said))


def test_nobody_waits_for_a_workflow_that_still_runs() -> None:
    """The host stands still while a page waits for a result: it says at once that it is not known yet."""
    theatre = Theatre(Outside(), Calm())
    theatre.play(days=2)
    with pytest.raises(RPCError):
        asyncio.run(_client(theatre).get_workflow_handle(CASE).result())
