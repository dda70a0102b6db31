"""One demo, run by its command and kept, that several tests look at."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from recoup.demo._temporal_server import server_command
from recoup.temporal.payloads import plain_converter
from tests.demo.processes import MARK, left_after
from tests.fixtures.network import find_free_port

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    """What a finished demo left."""

    directory: Path
    report: dict[str, Any]
    exit_code: int
    output: str
    left: list[int]
    """Processes that outlived it."""

    def case(self, customer: str, *, is_return: bool = False) -> dict[str, Any]:
        """The case of a customer, or the return."""
        cases: list[dict[str, Any]] = self.report["cases"]
        return next(each for each in cases if (each["customer"], each["is_return"]) == (customer, is_return))


def start_demo(directory: Path, *arguments: str) -> tuple[subprocess.Popen[str], str]:
    """Start ``recoup demo`` in a process of its own; answers it and its mark."""
    mark = uuid.uuid4().hex
    directory.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "recoup", "demo", *arguments],
        cwd=directory,
        env={**os.environ, MARK: mark, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return process, mark


@pytest.fixture(scope="session")
def headless(tmp_path_factory: pytest.TempPathFactory, temporal_binary: Path) -> Ran:
    """A headless demo that has ended, its directory kept."""
    place = tmp_path_factory.mktemp("headless")
    report = place / "out.json"
    process, mark = start_demo(place, "--headless", "--json", str(report), "--keep", str(place / "kept"))
    output, _ = process.communicate(timeout=400)
    told = json.loads(report.read_text()) if report.exists() else {}
    return Ran(place / "kept", told, process.returncode, output, left_after(mark, 3))


@pytest.fixture(scope="session")
def histories(headless: Ran, temporal_binary: Path) -> Iterator[dict[str, list[HistoryEvent]]]:
    """The histories of all workflows of that demo, by workflow id."""
    port, ui = find_free_port(), find_free_port()
    command = server_command(temporal_binary, "recoup", port, ui, headless.directory / "temporal.db")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield asyncio.run(_read_histories(f"127.0.0.1:{port}"))
    finally:
        process.kill()
        process.wait()


async def _read_histories(address: str) -> dict[str, list[HistoryEvent]]:
    async with asyncio.timeout(60):
        client = await _connected(address)
        found = [each async for each in client.list_workflows()]
        read: dict[str, list[HistoryEvent]] = {}
        for each in found:
            handle = client.get_workflow_handle(each.id, run_id=each.run_id)
            read.setdefault(each.id, []).extend([event async for event in handle.fetch_history_events()])
        return read


async def _connected(address: str) -> Client:
    while True:
        try:
            client = await Client.connect(address, namespace="recoup", data_converter=plain_converter)
            if (await client.count_workflows()).count:
                return client
        except Exception:  # noqa: BLE001, S110 - the server is still starting, in whichever way it says so
            pass
        await asyncio.sleep(0.1)
