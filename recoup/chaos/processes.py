"""Runs with real processes: a worker that kills itself at its effects, a starter and a Temporal killed from outside.

Everything is the real thing: Temporal's server with a database on disk, worker, starter and sandbox as processes of their
own, and SIGKILL. Each run, one customer's recovery, adds one death of the worker to those of its batch; the starter and
Temporal are killed in between, whenever the driver looks after its processes.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from temporalio.client import WorkflowExecutionStatus

from recoup.chaos.mortal import DIRECTORY
from recoup.chaos.plan import RunPlan
from recoup.chaos.runs import Played, Run
from recoup.chaos.world import world_of
from recoup.demo._orphans import release_orphans
from recoup.demo._supervision import Supervisor
from recoup.demo.cases import Cases
from recoup.demo.driver import Driver
from recoup.demo.run import cast_of
from recoup.demo.stack import API_KEY, Plan, Stack
from recoup.ledger import Ledger
from recoup.virtual.stripe import Stripe
from recoup.worlds import load_world

Docs = list[dict[str, Any]]

EFFECTS = {"pay": 2.0, "message": 3.5, "stripe": 1.5, "record": 30.0, "access": 0.4}
"""How often each effect takes place in a run, on average; the moments of death are drawn below that."""
KILLS_OF_OTHERS = 3
"""So often in a batch the starter, and so often Temporal, is killed."""
PATIENCE = 600.0
"""Real seconds that a moment may take: all renewals fail at once, workers die in it, and the machine may be busy."""
LOOKS_BETWEEN = (20, 120)
"""Looks of the driver between two kills from outside."""


class ProcessBatch:
    """Plays some runs on a whole stack."""

    def __init__(self, directory: Path, plans: Sequence[RunPlan]) -> None:
        self._directory = directory
        self._plans = plans
        self._customers: dict[str, str] = {}
        self._dice = random.Random(f"processes/{plans[0].seed}")  # noqa: S311 - repeated, no secret
        self.hits: Counter[str] = Counter()
        """How often what was killed, and at which effect."""

    @contextmanager
    def played(self) -> Iterator[Played]:
        """Play all runs to their end; what they left can be looked at inside."""
        kills = self._directory / "kills"
        kills.mkdir(parents=True)
        (kills / "planned.json").write_text(json.dumps(self._deaths()))
        world = self._directory / "world.yaml"
        world.write_text(world_of(self._plans, in_step=True))
        plan = Plan(
            self._directory / "stack",
            world,
            worker=("-m", "recoup.chaos.mortal"),
            keep_temporal=True,
            environment={DIRECTORY: str(kills)},
        )
        stack = Stack(plan)
        workflows, charges, books = asyncio.run(self._play(stack, world))
        runs = self._runs(books, kills)
        ledger = Ledger.connect(stack.settings.database_url)
        try:
            yield Played(runs, ledger, workflows, books, charges)
        finally:
            ledger.close()

    def _deaths(self) -> list[tuple[str, str, int]]:
        """One death for each run; the same moment is never drawn twice."""
        deaths: set[tuple[str, str, int]] = set()
        while len(deaths) < len(self._plans):
            effect, when = self._dice.choice(list(EFFECTS)), self._dice.choice(("before", "after"))
            most = max(1, int(EFFECTS[effect] * len(self._plans)))
            deaths.add((effect, when, self._dice.randint(1, most)))
        return sorted(deaths)

    async def _play(self, stack: Stack, world_file: Path) -> tuple[dict[str, str], Docs, Docs]:
        """Drive until all is over; the workflows that did not end well, all charges, the books."""
        try:
            await stack.start()
            async with cast_of(stack, load_world(world_file)) as cast:
                self._customers = {customer: key for key, customer in cast.seeded.customers.items()}
                keeper = _Keeper(stack, self._directory / "kills", self._dice)
                driver = Driver(
                    stack.control,
                    Cases(stack.client),
                    cast.people,
                    cast.until,
                    between_looks=keeper.look,
                    patience=PATIENCE,
                )
                await driver.run()
            self.hits.update(keeper.killed)
            with httpx2.Client(timeout=60, trust_env=False) as http:
                charges = Stripe(stack.sandbox_url, http).all("/v1/charges", API_KEY)
            return await _unfinished(stack), charges, await stack.control.books()
        finally:
            await stack.stop()

    def _runs(self, books: Docs, kills: Path) -> list[Run]:
        """What each run is known by, and the messages that went out for it."""
        runs = {plan.key: Run(plan) for plan in self._plans}
        for customer, key in self._customers.items():
            runs[key].customer = customer
        by_invoice = {book["id"]: runs[self._customers[book["customer"]]] for book in books}
        for invoice, run in by_invoice.items():
            run.invoices.add(invoice)
        for line in (kills / "done.jsonl").read_text().splitlines():
            effect, about = json.loads(line)
            if effect == "message":
                by_invoice[about.split("/")[0]].messages[about] += 1
        died = json.loads((kills / "died.json").read_text())
        self.hits.update(f"worker_killed_{when}_{effect}" for effect, when, _ in died)
        return list(runs.values())


class _Keeper:
    """Starts again what died, as a service manager does, and kills what is to be killed."""

    def __init__(self, stack: Stack, kills: Path, dice: random.Random) -> None:
        self._stack = stack
        self._dead = kills / "dead.txt"
        self._supervisor = Supervisor(stack)
        self._dice = dice
        self._seen = 0
        self._victims = ["starter", "temporal"] * KILLS_OF_OTHERS
        self._looks = dice.randint(*LOOKS_BETWEEN)
        self.killed: Counter[str] = Counter()

    async def look(self) -> None:
        """Look after everybody once."""
        await self._supervisor.look()
        dead = self._dead.read_text().split() if self._dead.exists() else []
        for pid in dead[self._seen :]:
            await release_orphans(self._stack.client, int(pid))
        self._seen = len(dead)
        self._looks -= 1
        if self._looks <= 0 and self._victims:
            self._looks = self._dice.randint(*LOOKS_BETWEEN)
            await self._kill(self._victims.pop(0))

    async def _kill(self, victim: str) -> None:
        self.killed[f"{victim}_killed"] += 1
        if victim == "starter":
            self._stack.kill_starter()
            await self._stack.restart_starter()
        else:
            self._stack.kill_temporal()
            await self._stack.restart_temporal()


async def _unfinished(stack: Stack) -> dict[str, str]:
    """Workflows that run although nothing is left to happen, or that failed."""
    found = {}
    async for each in stack.client.list_workflows():
        name = WorkflowExecutionStatus(each.status).name.lower() if each.status else "unknown"
        if name not in ("completed", "continued_as_new"):
            found[each.id] = f"it is {name}"
    return found
