"""Running ``recoup`` commands, inside this process where that is possible."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from recoup import cli
from recoup.process import _outcome

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one line on standard error; a traceback or a second line is a failure."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


Recoup = Callable[..., Said]


@pytest.fixture
def recoup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Recoup:
    """Run a command in an empty directory, up to the point where the process would leave."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["recoup", *arguments])
        code = _outcome(cli._run)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def recoup_process(tmp_path: Path) -> Recoup:
    """Run a command as a process of its own, for those that never come back otherwise."""

    def run(*arguments: str) -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "recoup", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return run
