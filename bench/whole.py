"""A whole case: what a worker spends on one that its second retry wins, against a workflow with as many activities that do nothing.

Ours is the real stack with a Stripe beside it and time that is skipped; so only the workers are compared: Temporal's own share has the
skipping in it. ``BENCH_CASES`` is the number of cases.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from bench._bare_case import QUEUE
from bench._processes import cpu_seconds, environment, running
from bench._rows import Figures, Row
from recoup.demo.cases import Cases
from recoup.demo.driver import Driver
from recoup.demo.run import cast_of
from recoup.demo.stack import Plan, Stack
from recoup.ledger import Ledger
from recoup.worlds import load_world

CASES = int(os.environ.get("BENCH_CASES", "30"))


def measure(place: Path, times: int) -> list[Row]:
    """Once each; ``times`` cannot make it steadier than so many cases do."""
    del times
    return asyncio.run(_measured(place))


async def _measured(place: Path) -> list[Row]:
    world = place / "world.yaml"
    world.write_text(_world(CASES), encoding="utf-8")
    stack = Stack(Plan(place / "stack", world))
    try:
        await stack.start()
        async with cast_of(stack, load_world(world)) as cast:
            worker, starter = stack.child("worker").pid, stack.child("starter").pid
            before, empty = (cpu_seconds(worker), cpu_seconds(starter)), _size(cast.ledger)
            await Driver(stack.control, Cases(stack.client), cast.people, cast.until).run()
            ours, webhooks = cpu_seconds(worker) - before[0], cpu_seconds(starter) - before[1]
            paid = [row.outcome for row in cast.ledger.cases.list_all(limit=CASES + 1)]
            if paid != ["recovered_by_retry"] * CASES:
                raise RuntimeError(f"not every case was won by a retry: {paid}")
            kilobytes = (_size(cast.ledger) - empty) / CASES / 1000
        bare = await _bare(stack, place)
    finally:
        await stack.stop()
    return [
        Row("whole-worker", "a whole case, CPU of the worker", "≤ 1.5 ×", _each("the worker", ours), _each("a bare one", bare), 1.5),
        Row("whole-starter", "a whole case, CPU of the starter for all its webhooks", "none", _each("the starter", webhooks)),
        Row("whole-ledger", "a whole case, in the ledger", "none", Figures("SQLite, indexes included", "KB", (kilobytes,))),
    ]  # fmt: skip


def _each(what: str, seconds: float) -> Figures:
    return Figures(f"{what}: for one case", "ms", (seconds * 1000 / CASES,))


async def _bare(stack: Stack, place: Path) -> float:
    address = stack.client.service_client.config.target_host
    words = [sys.executable, "-m", "bench._bare_case", address, stack.client.namespace]
    with running(words, place, environment(), "bare.log") as process:
        while "serving" not in (place / "bare.log").read_text():  # noqa: ASYNC110  # a process tells it there
            await asyncio.sleep(0.05)
        before = cpu_seconds(process.pid)
        runs = [
            stack.client.execute_workflow("BareCase", id=f"bare/{number}", task_queue=QUEUE)
            for number in range(CASES)
        ]
        await asyncio.gather(*runs)
        return cpu_seconds(process.pid) - before


def _size(ledger: Ledger) -> int:
    """The pages that the ledger's file has in use (SQLite's own count)."""
    file = ledger.name.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as conn:
        pages, free, bytes_each = (
            conn.execute(f"PRAGMA {what}").fetchone()[0]
            for what in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * bytes_each)


def _world(count: int) -> str:
    cards = "".join(
        f"  c{n}: {{brand: visa, issuer: [{{declines: {{decline_code: insufficient_funds}}, for_attempts: 2}}]}}\n"
        for n in range(count)
    )
    people = "".join(
        f"  p{n}: {{name: Some Body, email: p{n}@example.com, pays_with: c{n}, expects: recovered_by_retry,"
        " subscriptions: [{product: Team plan, amount: 2900, currency: eur, renews_in: {hours: 1}}]}\n"
        for n in range(count)
    )
    return f"version: 1\nname: bench\nstart: now\ncards:\n{cards}customers:\n{people}"
