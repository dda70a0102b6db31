"""What goes wrong around the tries that Temporal has done: workers away, dead, or unheard."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio.service import RPCError, RPCStatusCode

from activities.contracts import Activity
from recoup.chaos.faults import Fault
from recoup.chaos.runs import Run
from recoup.chaos.scene import Scene
from recoup.chaos.weather import Acting, Weather
from recoup.virtual.host import LOST_AFTER, Try, WorkerDied

BEFORE_READ = (
    Fault.PAID_BEFORE_READ,
    Fault.CANCELLED_BEFORE_READ,
    Fault.VOIDED_BEFORE_READ,
    Fault.CREDITED_BEFORE_READ,
)


class Backstage:
    """What surrounds the tries of a batch (:class:`recoup.virtual.host.Surroundings`), and the way to Temporal."""

    def __init__(self, scene: Scene, weather: Weather) -> None:
        self._scene = scene
        self._weather = weather

    def before(self, this: Try) -> timedelta | None:
        """A try begins, unless no worker is there for the run."""
        run = self._scene.roster.of_workflow(this.workflow_id)
        if run is None:
            return None
        now = self._scene.clock.now()
        if run.away_until is None and run.strikes(Fault.WORKER_AWAY):
            dice = random.Random(f"{run.plan.seed}/away/{this.attempt}")  # noqa: S311 - repeated
            run.away_until = now + timedelta(hours=dice.uniform(0.3, 14))
        if run.away_until is not None:
            wait, run.away_until = run.away_until - now, None
            if wait > timedelta(0):
                return wait
        if this.activity == Activity.ATTEMPT:
            self._before_read(run, this.argument.invoice)
        return None

    @contextmanager
    def doing(self, this: Try) -> Iterator[None]:
        """A try is under way: what happens meanwhile happens to its run."""
        run = self._scene.roster.of_workflow(this.workflow_id)
        if run is None:
            with self._weather.over(None):
                yield
            return
        run.note("TRY", at=self._scene.clock.now(), activity=this.activity, attempt=this.attempt)
        invoice = getattr(this.argument, "invoice", None)
        with self._weather.over(Acting(run, True, this, disputed=invoice in run.disputed)):
            try:
                yield
            except Exception as error:
                run.note("ERROR", error=error)
                raise

    def after(self, this: Try) -> timedelta | None:
        """Whether the result of a try never arrives."""
        run = self._scene.roster.of_workflow(this.workflow_id)
        return LOST_AFTER if run is not None and run.strikes(Fault.RESULT_LOST) else None

    def died(self, this: Try) -> timedelta:
        """The worker died: its memory is gone, another takes over."""
        roster, host = self._scene.roster, self._scene.host
        run = roster.of_workflow(this.workflow_id)
        if run is None:
            return LOST_AFTER
        run.note("WORKER DIED")
        for id_, execution in host.executions.items():
            if execution.is_running and roster.of_workflow(id_) is run:
                host.forget(id_)
        return LOST_AFTER

    def continues_as_new(self, workflow_id: str) -> bool:
        """Whether Temporal suggests it."""
        run = self._scene.roster.of_workflow(workflow_id) if workflow_id.startswith("recovery/") else None
        return run is not None and run.strikes(Fault.CONTINUED)

    def before_temporal(self) -> None:
        """Something is about to be told to Temporal."""
        acting = self._weather.acting
        if acting is not None and acting.run.strikes(Fault.TEMPORAL_AWAY):
            raise RPCError("unavailable", RPCStatusCode.UNAVAILABLE, b"")

    def after_temporal(self) -> None:
        """Temporal has accepted it."""
        acting = self._weather.acting
        if acting is not None and not acting.is_worker and acting.run.strikes(Fault.STARTER_DIED):
            raise WorkerDied

    def _before_read(self, run: Run, invoice: str) -> None:
        for fault in BEFORE_READ:
            if run.strikes(fault):
                dice = random.Random(f"{run.plan.seed}/late")  # noqa: S311 - repeated
                run.post_late_until = self._scene.clock.now() + timedelta(hours=dice.uniform(1, 6))
                if not self._scene.people.do(run, fault, invoice):
                    run.hits.pop(fault)
