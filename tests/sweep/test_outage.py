"""After an outage, with nothing played: thousands of failed renewals, a worker and the command as processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.sweep_contracts import Look, SweepResult
from recoup.ledger import CaseRow, Ledger
from recoup.temporal.bootstrap import prepare
from recoup.temporal.payloads import plain_converter
from tests.fixtures.sandbox import KEY, ROOT, Sandbox, running_sandbox
from tests.sweep.stage import clean

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow, pytest.mark.stack]

COUNT = int(os.environ.get("RECOUP_TEST_OUTAGE", "5000"))
"""So many renewals fail; fewer for a quick look."""
PEOPLE_ON_A_CARD = 10
RATE = 100
"""Requests that all sweeps together may make in a second."""
STEP = 20
"""Minutes of virtual time that pass in one call."""
MOST_MEMORY = 600.0
"""MiB that the worker may take, however many invoices there are; most of it is its cache of a thousand workflows."""
OUTAGE = 7 * 24 * 60 - 180
"""Minutes without webhooks: the sweep begins three hours before the time of day at which the first renewals failed."""
BUSY_MINUTES = 18 * 60
"""Renewals come in this part of each day, so that no retry falls into the hours in which the sweep is measured."""
LONG = 3600.0
"""Real seconds that a call may take on a busy machine."""


def world_of(count: int) -> str:
    """So many customers, each with a monthly renewal on one of seven days, on cards without money."""
    day = 24 * 60
    issuer = [{"declines": {"decline_code": "insufficient_funds"}}]
    cards = {f"empty_{n}": {"brand": "visa", "issuer": issuer} for n in range(count // PEOPLE_ON_A_CARD + 1)}
    people = {
        f"person_{n}": {
            "name": "Some Body",
            "email": f"person_{n}@example.com",
            "pays_with": f"empty_{n // PEOPLE_ON_A_CARD}",
            "subscriptions": [
                {
                    "product": "Team plan",
                    "amount": 4900,
                    "currency": "usd",
                    "renews_in": {"minutes": n % 7 * day + 1 + BUSY_MINUTES * n / count},
                }
            ],
        }
        for n in range(count)
    }
    world = {"version": 1, "name": "outage", "seed": 1, "cards": cards, "customers": people}
    return yaml.dump(world, Dumper=yaml.CSafeDumper, sort_keys=False)


@dataclass
class Outage:
    """A week without webhooks is over; the worker stands beside, and nothing has been swept."""

    sandbox: Sandbox
    ledger: Ledger
    client: Client
    environment: dict[str, str]

    def sweep(self) -> SweepResult:
        """``recoup sweep``, as an operator runs it."""
        line = [sys.executable, "-m", "recoup", "sweep", "--json"]
        done = subprocess.run(
            line, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=LONG, check=False
        )
        assert done.returncode == 0, done.stderr
        return SweepResult.model_validate(json.loads(done.stdout))

    def books(self) -> list[dict[str, Any]]:
        """What the sandbox's books say of every open renewal."""
        return [book for book in self.sandbox.control("books", seconds=LONG) if book["status"] == "open"]

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        """The requests that the sandbox saw after that one."""
        found: list[dict[str, Any]] = self.sandbox.control(f"requests?since={since}", seconds=LONG)
        return found

    def cases(self) -> list[CaseRow]:
        """All cases of the ledger."""
        return self.ledger.cases.list_all(limit=10 * COUNT)


@pytest_asyncio.fixture(loop_scope="session")
async def outage(time_skipping_env: WorkflowEnvironment, tmp_path: Path) -> AsyncIterator[Outage]:
    """A week of renewals that failed, and nobody was told."""
    service = time_skipping_env.client.service_client
    client = Client(service, namespace="outage", data_converter=plain_converter)
    await prepare(client)
    world = tmp_path / "world.yaml"
    world.write_text(world_of(COUNT))
    # Stripe itself tries again after the week only, so that a week of five thousand passes in minutes.
    with running_sandbox(tmp_path, world, "--switch", "retry_days=10") as sandbox:
        sandbox.control("seed", {}, seconds=LONG)
        for _ in range(OUTAGE // STEP):
            sandbox.control("clock", {"by": 60 * STEP}, seconds=LONG)
        database = f"sqlite:///{tmp_path / 'ledger.db'}"
        ledger = Ledger.connect(database)
        ledger.migrate()
        environment = os.environ | {
            "RECOUP_STRIPE__API_KEY": KEY,
            "RECOUP_STRIPE__API_BASE": sandbox.address,
            "RECOUP_STRIPE__SWEEP_REQUESTS_PER_SECOND": str(RATE),
            "RECOUP_TEMPORAL__ADDRESS": client.service_client.config.target_host,
            "RECOUP_TEMPORAL__NAMESPACE": client.namespace,
            "RECOUP_MAIL__OUTBOX": str(tmp_path / "outbox"),
            "RECOUP_DATABASE_URL": database,
            "RECOUP_POLICY_FILE": str(ROOT / "policy.yaml"),
            "RECOUP_LINK_SECRETS": '["a-secret-of-the-tests-0123456789abcdef"]',
            "RECOUP_CLOCK_FILE": str(sandbox.clock_file),
        }
        yield Outage(sandbox, ledger, client, environment)
        await clean(client)
        ledger.close()


@contextmanager
def worker_of(outage: Outage, log: Path) -> Iterator[int]:
    """A worker in a process of its own, once it serves; its pid."""
    with log.open("w") as said:
        worker = subprocess.Popen(
            [sys.executable, "-m", "worker"], cwd=ROOT, env=outage.environment, stderr=said
        )
    try:
        while "serving" not in log.read_text():
            assert worker.poll() is None, log.read_text()
            time.sleep(0.2)
        yield worker.pid
    finally:
        worker.terminate()
        worker.wait(60)


def memory_of(pid: int) -> float:
    """The resident memory of a process in MiB."""
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(told.stdout) / 1024


async def watched(pid: int, peaks: list[float]) -> None:
    """Note the memory of a process each second."""
    while True:
        peaks.append(await asyncio.to_thread(memory_of, pid))
        await asyncio.sleep(1)


def most_in_a_second(requests: list[dict[str, Any]]) -> int:
    """The most requests that any second has, wherever it begins."""
    moments = sorted(request["at"] for request in requests)
    return max(bisect_left(moments, moment + 1) - number for number, moment in enumerate(moments))


async def settled(outage: Outage) -> None:
    """Wait until every case has written to its customer and asks for nothing more."""
    seen = -1
    while True:
        log = await asyncio.to_thread(outage.requests, max(seen, 0))
        if not log:
            return
        seen = log[-1]["id"]
        await asyncio.sleep(10)


async def test_one_sweep_after_a_week_without_webhooks(outage: Outage, tmp_path: Path) -> None:
    """Every open renewal gets one case and one message; nobody is charged; pace and memory keep their bounds; a second sweep has nothing to do."""
    before = await asyncio.to_thread(outage.books)
    assert len(before) == COUNT
    memory: list[float] = []
    with worker_of(outage, tmp_path / "worker.log") as pid:
        memory.append(memory_of(pid))
        watching = asyncio.ensure_future(watched(pid, memory))
        began = time.monotonic()
        first = await asyncio.to_thread(outage.sweep)
        took = time.monotonic() - began
        await settled(outage)
        calm = time.monotonic() - began
        made = await asyncio.to_thread(outage.requests)
        second = await asyncio.to_thread(outage.sweep)
        watching.cancel()
    tally = {tally.look: tally for tally in first.tallies}[Look.FORGOTTEN_INVOICES]
    print(  # noqa: T201  # the figures that docs/reconcile.md tells
        f"\n{COUNT} invoices: the sweep took {took:.0f} s, the last case slept after {calm:.0f} s; {len(made)} requests, "
        f"at most {most_in_a_second(made)} in a second of {RATE}; the worker's memory {memory[0]:.0f} MiB at first, "
        f"{max(memory[: len(memory) // 2]):.0f} MiB at most in the first half, {max(memory):.0f} MiB in the second"
    )
    assert (tally.looked, tally.found, tally.mended) == (COUNT, COUNT, COUNT)
    cases = await asyncio.to_thread(outage.cases)
    assert Counter(case.invoice for case in cases) == Counter(book["id"] for book in before)
    assert {case.outcome for case in cases} == {None}
    assert [request for request in made if request["path"].endswith("/pay")] == []
    assert await asyncio.to_thread(outage.books) == before
    assert most_in_a_second(made) <= RATE
    assert max(memory) < MOST_MEMORY
    assert sum(tally.found for tally in second.tallies) == 0
