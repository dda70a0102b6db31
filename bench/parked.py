"""Parked cases: what ten thousand that wait for their day cost a worker, and whether one more costs more where many wait already.

A case begins as one that continues as new does, told and waiting for its first retry: so no Stripe is needed, and all that is measured is
the workflow, the worker's cache, and Temporal's dev server. ``BENCH_PARKED=1000,10000,30000`` are the numbers that wait.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from pathlib import Path

from temporalio.client import Client

from activities.contracts import TASK_QUEUE, StartCase
from bench._processes import cpu_seconds, environment, resident_bytes, running, wait_for, working
from bench._rows import Figures, Row
from recoup.clock import SystemClock
from recoup.demo._temporal_server import server_command, temporal_program
from recoup.demo.ports import free_ports
from recoup.rules.case import Case, SentMessage, Stage
from recoup.rules.declines import Decline
from recoup.rules.money import Money
from recoup.rules.policy import Campaign
from recoup.temporal.ids import recovery_workflow_id
from recoup.temporal.payloads import plain_converter

LEVELS = tuple(int(each) for each in os.environ.get("BENCH_PARKED", "1000,10000,30000").split(","))
MANY = LEVELS[min(1, len(LEVELS) - 1)]
BATCH = 400
AT_ONCE = 50
IDLE_SECONDS = 30.0
WAITING = "WorkflowType = 'RecoveryCase' AND RecoupStage = 'waiting'"


def measure(place: Path, times: int) -> list[Row]:
    """One Temporal and one worker, filled from level to level."""
    temporal, ui = free_ports(2)
    server = server_command(temporal_program(), "default", temporal, ui)
    with running(server, place, environment(), "temporal.log") as process:
        wait_for(f"http://127.0.0.1:{ui}")
        address = f"127.0.0.1:{temporal}"
        with working(place, address, "worker.log") as (worker, _):
            return asyncio.run(_Parking(address, worker.pid, process.pid, times).rows())


def park(place: Path, address: str, count: int) -> None:
    """Have so many cases wait in a Temporal, with a worker that has gone again afterwards."""
    with working(place, address, "parking.log") as (worker, _):
        asyncio.run(_Parking(address, worker.pid, worker.pid, 1).only(count))


class _Parking:
    """Begins cases and waits until they wait."""

    def __init__(self, address: str, worker: int, server: int, times: int) -> None:
        self._address, self._worker, self._server, self._times = address, worker, server, times
        self._numbers = itertools.count()
        self._begun = 0

    async def only(self, count: int) -> None:
        """Begin so many, and nothing else."""
        self._client = await Client.connect(self._address, data_converter=plain_converter)
        await self._park(count)

    async def rows(self) -> list[Row]:
        """What it came to."""
        self._client = await Client.connect(self._address, data_converter=plain_converter)
        await self._park(50)
        idle = resident_bytes(self._worker)
        costs: dict[int, tuple[float, ...]] = {}
        more, quiet = 0.0, 0.0
        for level in LEVELS:
            await self._park(level - self._begun)
            if level == MANY:
                quiet = await self._idle()
                more = (resident_bytes(self._worker) - idle) / 1e6
            costs[level] = tuple([await self._cost() for _ in range(self._times)])
        few, most = LEVELS[0], LEVELS[-1]
        return [
            Row("parked-memory", f"{MANY} parked cases: worker memory above idle", "≤ 130 MB", Figures("above idle", "MB", (more,)), limit=130),
            Row("parked-idle", f"{MANY} parked cases: idle CPU of the worker", "< 0.02 cores", Figures("of one core", "", (quiet,)), limit=0.02),
            Row(
                "growth", f"CPU of worker and server for a case, {most} open against {few}", "≤ 1.25 ×",
                Figures(f"{most} open", "ms", costs[most]), Figures(f"{few} open", "ms", costs[few]), 1.25,
            ),
        ]  # fmt: skip

    async def _park(self, count: int) -> None:
        turns = asyncio.Semaphore(AT_ONCE)

        async def begin() -> None:
            async with turns:
                start = _waiting_case(next(self._numbers))
                name = recovery_workflow_id(start.invoice)
                await self._client.start_workflow("RecoveryCase", start, id=name, task_queue=TASK_QUEUE)

        await asyncio.gather(*(begin() for _ in range(count)))
        self._begun += count
        while (await self._client.count_workflows(WAITING)).count < self._begun:  # noqa: ASYNC110  # Temporal tells nobody
            await asyncio.sleep(0.2)

    async def _cost(self) -> float:
        """Milliseconds of CPU for one more."""
        before = self._spent()
        await self._park(BATCH)
        return (self._spent() - before) * 1000 / BATCH

    async def _idle(self) -> float:
        await asyncio.sleep(5)
        before, began = cpu_seconds(self._worker), time.perf_counter()
        await asyncio.sleep(IDLE_SECONDS)
        return (cpu_seconds(self._worker) - before) / (time.perf_counter() - began)

    def _spent(self) -> float:
        return cpu_seconds(self._worker) + cpu_seconds(self._server)


def _waiting_case(number: int) -> StartCase:
    now = SystemClock().now()
    case = Case(
        id=f"in_{number:016}",
        invoice=f"in_{number:016}",
        customer=f"cus_{number:014}",
        subscription=f"sub_{number:024}",
        due=Money(amount=4900, currency="eur"),
        failed_at=now,
        campaign=Campaign(),
        stage=Stage.OPEN,
        decline=Decline(code="insufficient_funds", brand="visa", method_type="card"),
        messages=(SentMessage(key="payment_failed", at=now),),
    )
    return StartCase(invoice=case.invoice, at=now, case=case, acts=2)
