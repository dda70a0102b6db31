"""``recoup chaos`` as a command: it refuses what cannot be, and leaves nothing behind, however it is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from recoup.chaos.play import Options, run_chaos
from recoup.errors import ConfigurationError
from recoup.process import EXIT_INTERRUPTED
from tests.demo.processes import MARK, marked
from tests.fixtures.sandbox import ROOT

COMMAND = """
import sys
from pathlib import Path
from recoup.chaos import play
from recoup.cli import main
play.MEMORY = Path(sys.argv.pop(1))
if __name__ == "__main__":
    main()
"""
"""The command, with its databases where the test finds them."""
GONE_SECONDS = 20.0


def test_figures_that_could_not_be_written_are_refused_before_anything_is_played(tmp_path: Path) -> None:
    """A folder that is not there is one sentence at once, instead of a failure after hours."""
    with pytest.raises(ConfigurationError, match=r"cannot be written to .*missing/a\.json"):
        run_chaos(Options(runs=1, json_file=tmp_path / "missing" / "a.json"))


def test_nothing_to_play_is_refused(tmp_path: Path) -> None:
    """Nought runs prove nothing."""
    with pytest.raises(ConfigurationError, match="plays nothing"):
        run_chaos(Options(runs=0))


def _left(mark: str, place: Path) -> list[int]:
    """Processes of the command; the sandboxes are known by their directories."""
    found = marked(mark)
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            line = (directory / "cmdline").read_bytes()
        except OSError:
            continue
        if str(place).encode() in line and b"recoup.sandbox" in line:
            found.append(int(directory.name))
    return found


@pytest.mark.stack
@pytest.mark.parametrize(
    ("number", "background"),
    [
        (signal.SIGINT, False),
        pytest.param(signal.SIGTERM, False, marks=pytest.mark.slow),
        (signal.SIGTERM, True),
        (signal.SIGKILL, False),
    ],
    ids=["ctrl-c", "stop", "stop-in-the-background", "kill"],
)
def test_a_command_that_is_ended_leaves_nothing(
    tmp_path: Path, number: signal.Signals, *, background: bool
) -> None:
    """Ctrl-C, the word to stop and the hard end take all processes along, and Ctrl-C and the word to stop all files.

    A script's shell has what it runs in the background ignore Ctrl-C.
    """
    shell = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"] if background else []
    place, mark = tmp_path / "memory", uuid.uuid4().hex
    place.mkdir()
    with (tmp_path / "said").open("w") as said:
        command = subprocess.Popen(
            [*shell, sys.executable, "-c", COMMAND, str(place), "chaos", "--runs", "200", "--seed", "0"],
            cwd=tmp_path,
            env={**os.environ, MARK: mark, "PYTHONPATH": str(ROOT)},
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + 60
    while len(list(place.glob("*/*/stripe"))) < 2:
        assert command.poll() is None, (tmp_path / "said").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    # At a terminal Ctrl-C reaches every process of the group.
    os.killpg(command.pid, number) if number is signal.SIGINT else command.send_signal(number)
    code = command.wait(60)
    deadline = time.monotonic() + GONE_SECONDS
    while _left(mark, place) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _left(mark, place) == []
    if number is signal.SIGKILL:
        return
    assert (code, list(place.iterdir())) == (EXIT_INTERRUPTED, [])
    assert (tmp_path / "said").read_text().strip() == ""
