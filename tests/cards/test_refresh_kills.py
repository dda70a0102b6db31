"""Kill -9 the worker in the middle of a mass update, again and again: nobody is asked twice, nobody is left out."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from activities.card_contracts import RefreshTally, StartRefresh
from recoup.chaos.mortal import DIRECTORY
from recoup.demo._orphans import release_orphans
from recoup.ledger import Selection
from recoup.temporal.refreshing import begin
from tests.cards.stage import Stage
from tests.fixtures.sandbox import KEY, ROOT

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow, pytest.mark.stack]

CUSTOMERS = 250
DEATHS = [
    ["message", "before", 1],
    ["message", "after", 1],
    ["message", "after", 90],
    ["message", "before", 140],
    ["record", "before", 40],
    ["record", "after", 300],
    ["record", "after", 901],
]
"""Before and after a message has left, and around the ledger's own writes, over all pages."""


def prepare(stage: Stage) -> list[tuple[str, str]]:
    """Customers with a card and a subscription each."""
    made = []
    for _ in range(CUSTOMERS):
        customer = stage.customer()
        card = stage.card(customer, (2031, 5))
        stage.subscribe(customer, stage.clock.now() + timedelta(days=10))
        made.append((customer, card))
    return made


@contextmanager
def mortal_worker(stage: Stage, directory: Path) -> Iterator[None]:
    """The real worker, which kills itself at the planned moments and is started again each time."""
    (directory / "planned.json").write_text(json.dumps(DEATHS))
    environment = {
        **os.environ,
        DIRECTORY: str(directory),
        "RECOUP_STRIPE__API_KEY": KEY,
        "RECOUP_STRIPE__API_BASE": stage.sandbox.address,
        "RECOUP_STRIPE__SWEEP_REQUESTS_PER_SECOND": "100",
        "RECOUP_TEMPORAL__ADDRESS": stage.settings.temporal.address,
        "RECOUP_TEMPORAL__NAMESPACE": stage.settings.temporal.namespace,
        "RECOUP_DATABASE_URL": stage.settings.database_url,
        "RECOUP_CLOCK_FILE": str(stage.settings.clock_file),
        "RECOUP_MAIL__OUTBOX": str(stage.settings.mail.outbox),
        "RECOUP_LINK_SECRETS": '["a-secret-of-the-tests-0123456789abcdef"]',
        "RECOUP_SWEEP__EVERY_HOURS": "0",
        "RECOUP_CARDS__EVERY_HOURS": "0",
    }
    with (directory / "worker.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "recoup.chaos.mortal"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield
        finally:
            os.killpg(process.pid, 9)
            process.wait(10)


async def test_seven_deaths_change_nothing(idle: Stage, tmp_path: Path) -> None:
    """Two hundred and fifty customers, seven deaths at planned moments: one mail for each customer, and every target done."""
    kills = tmp_path / "kills"
    kills.mkdir()
    people = await idle.in_thread(prepare, idle)
    idle.ledger.refreshes.begin("autumn", Selection(listed=True), 1_000_000, idle.clock.now())
    idle.ledger.refreshes.add("autumn", [card for _, card in people])
    with mortal_worker(idle, kills):
        handle = await begin(idle.client, StartRefresh(name="autumn"))
        result = asyncio.ensure_future(handle.result())
        buried = 0
        while not result.done():
            await asyncio.wait([result], timeout=1)
            file = kills / "dead.txt"
            dead = file.read_text().split() if file.exists() else []
            for pid in dead[buried:]:
                await release_orphans(idle.client, int(pid))
            buried = len(dead)
        tally = (await result).tally
    assert sorted(json.loads((kills / "died.json").read_text())) == sorted(DEATHS)
    assert tally == RefreshTally(told=CUSTOMERS)
    done = [json.loads(line) for line in (kills / "done.jsonl").read_text().splitlines()]
    sent = Counter(about.rpartition("/")[2] for effect, about in done if effect == "message")
    assert set(sent.values()) == {1}, "nobody twice"
    asked = Counter(mail.key.rpartition("/")[2] for mail in idle.mails())
    assert asked == Counter({customer: 1 for customer, _ in people}), "nobody is left out"
