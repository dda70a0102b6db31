"""A mass update over 100,000 customers: a small history, deaths of the worker on the way, and nobody asked twice or left out."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle

from activities.card_contracts import RefreshResult, RefreshTally, StartRefresh
from recoup import targets_file
from recoup.demo._orphans import release_orphans
from recoup.ledger import Ledger, Mirrored, MirroredCard, Selection
from tests.cards.many_worker import is_renewed
from tests.fixtures.sandbox import ROOT
from tests.ledger.builders import NOW
from tests.ledger.databases import migrated_file
from workflows.refresh import PAGES_IN_A_RUN, RefreshCards

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow, pytest.mark.stack]

COUNT = int(os.environ.get("RECOUP_TEST_MANY", "100000"))
KILLS = 4
EVENTS_OF_A_PAGE = 12
"""Three of the activity, three of the workflow task, and room for retries."""


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A directory that needs no disk, where there is one: a process that is killed loses nothing of it either."""
    if not Path("/dev/shm").is_dir():  # noqa: S108  # only looked for
        yield tmp_path
        return
    with TemporaryDirectory(dir="/dev/shm") as directory:  # a fresh one of its own
        yield Path(directory)


@contextmanager
def worker(client: Client, queue: str, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker in a process of its own, killed in the end."""
    address = client.service_client.config.target_host
    command = [sys.executable, "-m", "tests.cards.many_worker"]
    command += [address, client.namespace, queue, str(directory)]
    with (directory / "worker.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait(10)


def taken_in(ledger: Ledger, file: Path) -> tuple[float, float]:
    """Take the whole list in, as the command does; seconds, and by how many MiB the process grew at its largest."""
    before, began = _largest(), time.monotonic()
    ledger.refreshes.begin("autumn", Selection(listed=True), 1_000_000_000, NOW)
    assert targets_file.check(file) == COUNT
    for piece in targets_file.pieces(file):
        ledger.refreshes.add("autumn", piece)
    return time.monotonic() - began, _largest() - before


def mirrored(ledger: Ledger) -> None:
    """A mirror that knows everybody's card, as it was before some were renewed."""
    import_ = ledger.mirror.begin_import(NOW, NOW)
    assert import_ is not None
    for first in range(0, COUNT, 1000):
        numbers = range(first, min(first + 1000, COUNT))
        cards = tuple(
            MirroredCard(
                method=f"pm_{n}", customer=f"cus_{n}", fingerprint=f"fp_{n}", exp_year=2031, exp_month=5
            )
            for n in numbers
        )
        after = None if numbers.stop == COUNT else f"sub_{numbers.stop}"
        import_ = ledger.mirror.write_page(import_, Mirrored(cards=cards), len(cards), after, NOW)


def _largest() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def waiting(ledger: Ledger) -> int:
    """How many targets are still to be done."""
    return next(iter(ledger.refreshes.tally("autumn").values()))


async def test_a_hundred_thousand_customers(
    namespace: Client, in_memory: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Taken in within bounded memory, worked through by workers that are killed four times, each history small, each customer once."""
    shutil.copy(migrated_file(tmp_path_factory.getbasetemp()), in_memory / "ledger.db")
    ledger = Ledger.connect(f"sqlite:///{in_memory / 'ledger.db'}")
    file = in_memory / "cards.csv"
    file.write_text("payment_method\n" + "".join(f"pm_{number}\n" for number in range(COUNT)))
    await asyncio.to_thread(mirrored, ledger)
    taking, grew = await asyncio.to_thread(taken_in, ledger, file)
    queue, began = f"many-{uuid.uuid4()}", time.monotonic()
    handle = await namespace.start_workflow(
        RefreshCards.run, StartRefresh(name="autumn"), id=f"refresh/{queue}", task_queue=queue
    )
    result = asyncio.ensure_future(handle.result())
    for kill in range(KILLS):
        left = COUNT * (KILLS - kill) // (KILLS + 1)
        with worker(namespace, queue, in_memory) as process:
            while not result.done() and await asyncio.to_thread(waiting, ledger) > left:
                await asyncio.wait([result], timeout=2)
        await release_orphans(namespace, process.pid)
    with worker(namespace, queue, in_memory):
        tally = (await result).tally
    took = time.monotonic() - began
    renewed = sum(map(is_renewed, range(COUNT)))
    assert tally == RefreshTally(told=COUNT - renewed, renewed=renewed)
    sent = Counter((in_memory / "sent").read_text().split())
    assert set(sent) == {
        f"refresh/autumn/cus_{number}" for number in range(COUNT) if not is_renewed(number)
    }, "nobody is left out"
    assert set(sent.values()) == {1}, "nobody is asked twice"
    longest, runs = await histories(namespace, handle)
    assert longest <= PAGES_IN_A_RUN * EVENTS_OF_A_PAGE
    print(  # noqa: T201  # the figures that docs/before-it-fails.md tells
        f"\n{COUNT} customers in {took:.0f} s with {KILLS} kills; {runs} runs, the longest {longest} events;"
        f" taking the list in {taking:.0f} s and {grew:.1f} MiB more; {renewed} renewed"
    )
    ledger.close()


async def histories(client: Client, handle: WorkflowHandle[RefreshCards, RefreshResult]) -> tuple[int, int]:
    """The events of the longest run of the chain, and how many runs it has."""
    lengths = []
    run = handle.first_execution_run_id
    while run is not None:
        told = await client.get_workflow_handle(handle.id, run_id=run).describe()
        lengths.append(told.history_length)
        following = None
        if told.status is WorkflowExecutionStatus.CONTINUED_AS_NEW:
            events = client.get_workflow_handle(handle.id, run_id=run).fetch_history_events()
            last = [event async for event in events][-1]
            following = last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
        run = following
    return max(lengths), len(lengths)
