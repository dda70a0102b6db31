"""A Recoup process ends with the code it means, whatever the interpreter would have done after it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]


def _ended(body: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """Run a process whose ``main`` has this body, with a crash planted in the interpreter's shutdown."""
    script = textwrap.dedent("""\
        import os, sys
        from recoup.errors import RecoupError
        from recoup.process import run_to_exit

        class CrashesAtTheEnd:
            def __del__(self, abort=os.abort):
                abort()

        sys.planted = CrashesAtTheEnd()

        def main():
        """) + textwrap.indent(textwrap.dedent(body), "    ")
    return subprocess.run(
        [sys.executable, "-c", f"{script}\n{_LAST_LINE}"],
        cwd=_ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )


_LAST_LINE = "run_to_exit(main)"


def test_the_planted_crash_would_spoil_an_ordinary_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the helper the same process is killed by a signal although its work was done."""
    monkeypatch.setattr(f"{__name__}._LAST_LINE", "sys.exit(main())")
    assert _ended("return 0").returncode < 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("return 0", 0),
        ("return 3", 3),
        ("pass", 0),
        ("sys.exit()", 0),
        ("sys.exit(4)", 4),
        ("sys.exit('no policy')", 1),
        ("raise KeyboardInterrupt", 130),
        ("raise RecoupError('policy.yaml is missing: write one')", 2),
        ("1 / 0", 1),
    ],
)
def test_the_exit_code_is_what_main_meant(body: str, code: int) -> None:
    """Returned, raised or by sys.exit: the code arrives, past a crash in the interpreter's shutdown."""
    assert _ended(body).returncode == code


def test_an_operators_error_is_one_sentence() -> None:
    """An error meant for the operator shows its sentence alone; a defect shows its traceback."""
    assert _ended("raise RecoupError('policy.yaml is missing: write one')").stderr == (
        "recoup: policy.yaml is missing: write one\n"
    )
    assert "ZeroDivisionError" in _ended("1 / 0").stderr
    assert _ended("sys.exit('no policy')").stderr == "no policy\n"


def test_nothing_written_is_lost() -> None:
    """Buffered output and exit handlers come before the end."""
    done = _ended("""\
        import atexit
        atexit.register(print, "handler ran")
        print("x" * 100_000)
        return 0
    """)
    assert done.stdout == "x" * 100_000 + "\nhandler ran\n"


def test_output_that_cannot_be_written_is_a_failure() -> None:
    """A full disk behind standard output turns a success into code 1, and does not hide another code."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("w") as full:
        assert _ended("print('figures')", stdout=full.fileno()).returncode == 1
        assert _ended("print('figures')\nreturn 3", stdout=full.fileno()).returncode == 3
