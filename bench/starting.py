"""Starting: the command line that only helps, and a worker until it works."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from bench._processes import ROOT, environment, running, wait_for
from bench._rows import Figures, Row
from recoup.demo._temporal_server import server_command, temporal_program
from recoup.demo.ports import free_ports


def measure(place: Path, times: int) -> list[Row]:
    """Both from the start of the process."""
    helps = tuple(_helped(place) for _ in range(times))
    temporal, ui = free_ports(2)
    server = server_command(temporal_program(), "default", temporal, ui)
    with running(server, place, environment(), "temporal.log"):
        wait_for(f"http://127.0.0.1:{ui}")
        ready = tuple(_worked(place, f"127.0.0.1:{temporal}", number) for number in range(times + 1))[1:]
    return [
        Row("help", "`recoup --help`", "≤ 0.2 s", Figures("until it has ended", "s", helps), limit=0.2),
        Row("worker", "`recoup worker` ready", "≤ 2.5 s", Figures("until it serves", "s", ready), limit=2.5),
    ]


def _helped(place: Path) -> float:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "recoup", "--help"],
        cwd=place,
        env=environment(),
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - began


def _worked(place: Path, temporal: str, number: int) -> float:
    env = environment(
        RECOUP_STRIPE__API_KEY="sk_test_of_the_bench",
        RECOUP_TEMPORAL__ADDRESS=temporal,
        RECOUP_LINK_SECRETS='["a secret for the links of the bench"]',
        RECOUP_DATABASE_URL=f"sqlite:///{place}/worker.db",
        RECOUP_POLICY_FILE=str(ROOT / "policy.yaml"),
    )
    log = f"worker-{number}.log"
    began = time.perf_counter()
    with running([sys.executable, "-m", "worker"], place, env, log) as process:
        while not _serves(place / log):
            if process.poll() is not None or time.perf_counter() - began > 60:
                raise RuntimeError(f"the worker did not start: {(place / log).read_text()}")
            time.sleep(0.01)
        return time.perf_counter() - began


def _serves(log: Path) -> bool:
    lines = [line for line in log.read_text().splitlines() if line.startswith("{")]
    return any(json.loads(line).get("event") == "serving" for line in lines)
