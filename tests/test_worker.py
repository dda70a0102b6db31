"""The worker process prepares what it needs, or says what is missing, before it takes work."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.client import Client

from recoup.temporal.bootstrap import missing_search_attributes

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.stack


@pytest.fixture
def bare_temporal(temporal_binary: Path, free_port: int) -> Iterator[str]:
    """A Temporal server that knows nothing of Recoup."""
    command = [
        str(temporal_binary),
        "server",
        "start-dev",
        "--headless",
        "--log-level",
        "never",
        "--port",
        str(free_port),
    ]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    yield f"127.0.0.1:{free_port}"
    server.terminate()
    server.wait(10)


def _worker(place: Path, address: str, **more: str) -> subprocess.Popen[str]:
    settings = {
        "RECOUP_TEMPORAL__ADDRESS": address,
        "RECOUP_STRIPE__API_KEY": "sk_test_nobody_is_asked",
        "RECOUP_LINK_SECRETS": '["a secret of the tests"]',
        "RECOUP_DATABASE_URL": f"sqlite:///{place / 'recoup.db'}",
        "RECOUP_MAIL__OUTBOX": str(place / "outbox"),
        **more,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "worker"],
        cwd=ROOT,
        env={**os.environ, **settings},
        stderr=subprocess.PIPE,
        text=True,
    )


async def _connected(address: str) -> Client:
    for _ in range(200):
        with contextlib.suppress(RuntimeError):
            return await Client.connect(address)
        await asyncio.sleep(0.1)
    raise AssertionError("the server did not start")


async def test_a_worker_registers_what_its_cases_carry(tmp_path: Path, bare_temporal: str) -> None:
    """On a server without the search attributes the worker makes them, serves, and ends cleanly when asked to."""
    client = await _connected(bare_temporal)
    worker = _worker(tmp_path, bare_temporal)
    assert worker.stderr is not None
    said = ""
    while "serving" not in said:
        said = worker.stderr.readline()
        assert said, "the worker ended before it served"
    assert await missing_search_attributes(client) == ()
    worker.terminate()
    worker.stderr.close()
    assert worker.wait(30) == 0


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"RECOUP_STRIPE__API_KEY": ""}, "No Stripe key is set"),
        ({"RECOUP_LINK_SECRETS": "[]"}, "Update links cannot be signed"),
        ({"RECOUP_POLICY_FILE": "nowhere.yaml"}, "nowhere.yaml cannot be read"),
    ],
)
async def test_a_worker_that_cannot_work_begins_nothing(
    tmp_path: Path, bare_temporal: str, more: dict[str, str], sentence: str
) -> None:
    """A setting that cannot be used is one sentence and exit code 2, and no table was made."""
    await _connected(bare_temporal)
    worker = _worker(tmp_path, bare_temporal, **more)
    _, said = worker.communicate(timeout=60)
    assert (worker.returncode, sentence in said, "Traceback" in said) == (2, True, False)
    with sqlite3.connect(tmp_path / "recoup.db") as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == []
    database.close()
