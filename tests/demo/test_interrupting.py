"""However a demo is ended, and whenever: nothing is left running, and no half report is left lying about."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from recoup.process import EXIT_INTERRUPTED
from tests.demo.conftest import start_demo
from tests.demo.processes import left_after, marked

pytestmark = pytest.mark.stack

GONE_SECONDS = 15.0


def _wait_for(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        if word in line:
            return
        said.append(line)
    process.communicate(timeout=60)
    pytest.fail(f"the demo ended with {process.returncode} before it said {word!r}:\n{''.join(said[-20:])}")


def _end(process: subprocess.Popen[str], number: signal.Signals) -> int:
    process.send_signal(number)
    process.communicate(timeout=60)
    return process.returncode


def test_ctrl_c_in_the_middle_leaves_nothing(tmp_path: Path, temporal_binary: Path) -> None:
    """Ctrl-C while cases run: the exit code says interrupted, all processes and temporary files are gone."""
    report = tmp_path / "out.json"
    process, mark = start_demo(tmp_path, "--headless", "--pace", "0.2", "--json", str(report))
    _wait_for(process, "recovered")
    assert len(marked(mark)) >= 5
    assert _end(process, signal.SIGINT) == EXIT_INTERRUPTED
    assert left_after(mark, 1) == []
    assert not report.exists()


@pytest.mark.slow
def test_sigterm_while_starting_leaves_nothing(tmp_path: Path, temporal_binary: Path) -> None:
    """The word to stop before the stack stands is heard as well."""
    process, mark = start_demo(tmp_path, "--headless")
    _wait_for(process, "Starting")
    time.sleep(0.5)
    assert _end(process, signal.SIGTERM) == EXIT_INTERRUPTED
    assert left_after(mark, 1) == []


def test_children_do_not_outlive_a_killed_demo(tmp_path: Path, temporal_binary: Path) -> None:
    """Killed outright, the demo takes all its processes along."""
    process, mark = start_demo(tmp_path, "--headless", "--pace", "0.2")
    _wait_for(process, "recovered")
    assert _end(process, signal.SIGKILL) == -signal.SIGKILL
    assert left_after(mark, GONE_SECONDS) == []
