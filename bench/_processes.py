"""Processes that are measured: started, waited for, and their CPU time read from the kernel."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2

ROOT = Path(__file__).parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")
_FOREIGN = ("RECOUP_", "TEMPORAL_", "STRIPE_", "AWS_")


def environment(**more: str) -> dict[str, str]:
    """This environment without what was set for another Recoup."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return kept | {"PYTHONPATH": str(ROOT)} | more


@contextmanager
def running(
    words: Sequence[str], place: Path, env: Mapping[str, str], log: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose output goes into a file; it is told to stop when the block ends."""
    with (place / log).open("wb") as out:
        process = subprocess.Popen(words, cwd=place, env=dict(env), stdout=out, stderr=out)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far (proc(5), ``/proc/PID/stat``, fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def wait_for(address: str, seconds: float = 60) -> None:
    """Wait until an address answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            httpx2.get(address, timeout=2, trust_env=False)
        except httpx2.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"{address} does not answer")


def worker_environment(place: Path, temporal: str) -> dict[str, str]:
    """What a worker needs, over a Temporal and without a Stripe that answers."""
    return environment(
        RECOUP_STRIPE__API_KEY="sk_test_of_the_bench",
        RECOUP_TEMPORAL__ADDRESS=temporal,
        RECOUP_LINK_SECRETS='["a secret for the links of the bench"]',
        RECOUP_DATABASE_URL=f"sqlite:///{place}/worker.db",
        RECOUP_POLICY_FILE=str(ROOT / "policy.yaml"),
    )


@contextmanager
def working(place: Path, temporal: str, log: str) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """A worker that serves, and the seconds from the start of its process until it did."""
    began = time.perf_counter()
    with running(
        [sys.executable, "-m", "worker"], place, worker_environment(place, temporal), log
    ) as process:
        while not _serves(place / log):
            if process.poll() is not None or time.perf_counter() - began > 60:
                raise RuntimeError(f"the worker did not start: {(place / log).read_text()}")
            time.sleep(0.01)
        yield process, time.perf_counter() - began


def _serves(log: Path) -> bool:
    lines = [line for line in log.read_text().splitlines() if line.startswith("{")]
    return any(json.loads(line).get("event") == "serving" for line in lines)


def resident_bytes(pid: int) -> int:
    """The memory that a process has now (proc(5), ``/proc/PID/statm``, field 2)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
