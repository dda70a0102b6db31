"""Starting: the command line that only helps, and a worker until it works."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from bench._processes import environment, running, wait_for, working
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
    with working(place, temporal, f"worker-{number}.log") as (_, seconds):
        return seconds
