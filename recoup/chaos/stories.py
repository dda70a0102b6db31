"""What customers and operators have in mind: it gets its moments once the renewal has failed."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

from activities.contracts import CaseView, OperatorRequest, PauseUntil
from recoup.chaos.faults import Fault, Story
from recoup.chaos.runs import Run
from recoup.chaos.scene import Scene
from recoup.chaos.weather import Weather
from recoup.rules.case import Stage
from recoup.temporal.ids import recovery_workflow_id

UPDATES = {
    Fault.RETRY_NOW: "retry_now",
    Fault.PAUSED: "pause_until",
    Fault.STOPPED: "stop",
    Fault.MARKED_PAID: "mark_paid_outside",
}
"""What operators do, and the update that does it."""
PAUSE = timedelta(days=3)
MOST_RESUMES = 5
"""So often an operator looks at a case that waits for a person."""


class Stories:
    """Puts on the agenda what people do."""

    def __init__(self, scene: Scene, weather: Weather) -> None:
        self._scene = scene
        self._weather = weather
        self._resumed: dict[str, int] = {}

    def begin(self, run: Run) -> None:
        """The renewal has just failed."""
        now, plan, people = self._scene.clock.now(), run.plan, self._scene.people
        acts: dict[Story, Callable[[], None]] = {
            Story.NEW_CARD: lambda: people.change_card(run),
            Story.COMES_BACK: lambda: people.change_card(run),
            Story.PAYS: lambda: self._pay_all(run),
            Story.CANCELS: lambda: people.cancel(run),
        }
        if plan.story in acts:
            at = now + timedelta(days=plan.acts_after_days)
            act = partial(self._act, run, acts[plan.story])
            self._scene.agenda.put(at, f"customer {plan.story}", act)
        dice = random.Random(f"{plan.seed}/operators")  # noqa: S311 - repeated
        for fault in UPDATES:
            if run.has(fault):
                # The bank may approve on day 1, and there is nothing to operate on then.
                latest = 0.9 if plan.story is Story.SOON else 6.0
                at = now + timedelta(days=dice.uniform(0.1, latest))
                self._scene.agenda.put(at, fault, partial(self._operate, run, fault))

    def call_operators(self) -> bool:
        """Have somebody look at every case that waits for a person; False where nothing moved."""
        moved, host = False, self._scene.host
        for id_, execution in list(host.executions.items()):
            if not execution.waits_for_nothing or not id_.startswith("recovery/"):
                continue
            view: CaseView = host.query(id_, "case", CaseView)
            if view.case.stage is not Stage.PERSON or self._resumed.get(id_, 0) >= MOST_RESUMES:
                continue
            self._resumed[id_] = self._resumed.get(id_, 0) + 1
            said = OperatorRequest(at=self._scene.clock.now(), reason="looked at it", operator="chaos")
            refused = host.update(id_, "resume", said)
            moved = moved or refused is None
            if refused is not None and (run := self._scene.roster.of_workflow(id_)) is not None:
                run.note("RESUME refused", why=refused)
        return moved

    def _act(self, run: Run, act: Callable[[], None]) -> None:
        run.note("CUSTOMER", at=self._scene.clock.now(), story=run.plan.story)
        with self._weather.over(None), suppress(Exception):
            act()

    def _pay_all(self, run: Run) -> None:
        for invoice in sorted(run.invoices):
            self._scene.people.do(run, Fault.PAID_BETWEEN, invoice)

    def _operate(self, run: Run, fault: Fault) -> None:
        now = self._scene.clock.now()
        for invoice in sorted(run.invoices):
            said: Any = OperatorRequest(at=now, reason="chaos", operator="chaos")
            if fault is Fault.PAUSED:
                said = PauseUntil(at=now, until=now + PAUSE, reason="chaos", operator="chaos")
            refused = self._scene.host.update(recovery_workflow_id(invoice), UPDATES[fault], said)
            run.note("OPERATOR", at=now, fault=fault, refused=refused)
            if refused is None:
                run.hits[fault] = 1
