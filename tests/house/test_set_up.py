"""Setting up: the newest Python that works is found, and an environment counts as ready only when all of it is there."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house._tree import ROOT

_TOOLS = ("sh", "cat", "cmp", "cp", "rm", "mkdir", "chmod", "dirname", "sed", "env", "touch")

_PYTHON = """#!/bin/sh
# Stands in for Python: version 3.{minor}, {what}.
case "$*" in
*version_info*) echo {minor} ;;
*ensurepip*) exit {venv} ;;
esac
"""

_BASE = """#!/bin/sh
# Stands in for a Python that makes environments; it writes down what it was asked for.
echo "$*" >>"$CALLS"
[ -z "${PYTHONPATH:-}${VIRTUAL_ENV:-}${PIP_TARGET:-}${PIP_USER:-}" ] || exit 9
case "$*" in
-V) echo "Python 3.11.0" ;;
"-m venv "*) mkdir -p "$4/bin" "$4/site" && cp "$0" "$4/bin/python" && touch "$4/pyvenv.cfg" ;;
"-m pip "*) [ ! -e "$CALLS.offline" ] ;;
*purelib*) echo "$(dirname "$0")/../site" ;;
-P*) echo "$*" ;;
esac
"""


def _executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def _python(path: Path, minor: int, *, venv: bool = True) -> Path:
    text = _PYTHON.format(minor=minor, venv=0 if venv else 1, what="with venv" if venv else "without venv")
    return _executable(path, text)


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A directory for PATH with a shell's tools and no Python."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for tool in _TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (directory / tool).symlink_to(found)
    return directory


def _find(bare_path: Path, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts" / "find-python"],
        env={"PATH": str(bare_path), "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_the_newest_python_that_works_is_found(bare_path: Path, tmp_path: Path) -> None:
    """A newer name that does not run, or has no venv module, gives way to the newest one that works."""
    _executable(bare_path / "python3.15", "#!/bin/sh\necho 'no such version' >&2\nexit 127\n")
    _python(bare_path / "python3.14", 14, venv=False)
    _python(bare_path / "python3.12", 12)
    _python(bare_path / "python3", 11)
    found = _find(bare_path, tmp_path)
    assert (found.stdout, found.returncode) == (f"{bare_path}/python3.12\n", 0)


def test_a_python_of_pyenv_is_found(bare_path: Path, tmp_path: Path) -> None:
    """Where the name on PATH leads nowhere, the version that pyenv has installed is taken, in a home with a space too."""
    home = tmp_path / "a home"
    _executable(bare_path / "python3.13", "#!/bin/sh\nexit 127\n")
    _python(bare_path / "python3.11", 11)
    installed = _python(home / ".pyenv/versions/3.13.0/bin/python3.13", 13)
    assert _find(bare_path, home).stdout == f"{installed}\n"


@pytest.mark.parametrize(
    ("minor", "venv", "sentence"),
    [(9, True, "Recoup needs Python 3.11 or newer"), (12, False, "install its venv module")],
)
def test_without_a_usable_python_one_sentence_says_so(
    bare_path: Path, tmp_path: Path, minor: int, venv: bool, sentence: str
) -> None:
    """Too old a Python, or one without venv, is told apart, in one line and with what to do."""
    _python(bare_path / "python3", minor, venv=venv)
    found = _find(bare_path, tmp_path)
    assert found.returncode == 1
    assert found.stdout == ""
    assert sentence in found.stderr
    assert found.stderr.count("\n") == 1


class _Clone:
    """A clone of the scripts with small locks, on a machine where Python is a stand-in that records its calls."""

    def __init__(self, place: Path, bare_path: Path) -> None:
        self.place = place
        self._calls = place.parent / "calls"
        self._bare_path = bare_path
        base = _executable(place.parent / "base" / "python3", _BASE)
        _executable(place / "scripts" / "find-python", f"#!/bin/sh\necho '{base}'\n")
        shutil.copy(ROOT / "scripts" / "set-up", place / "scripts")
        self.lock("run", "one")
        self.lock("dev", "one and tools")

    def lock(self, kind: str, text: str) -> None:
        name = "requirements.lock" if kind == "run" else "requirements-dev.lock"
        (self.place / name).write_text(text)

    def offline(self, off: bool) -> None:
        marker = Path(f"{self._calls}.offline")
        marker.touch() if off else marker.unlink()

    def set_up(self, kind: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.place / "scripts" / "set-up", kind],
            env={"PATH": str(self._bare_path), "CALLS": str(self._calls), **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    def done(self, kind: str, **variables: str) -> list[str]:
        """What a successful set-up did: "venv" for a new environment, "run" or "dev" for each lock installed."""
        self._calls.unlink(missing_ok=True)
        ended = self.set_up(kind, **variables)
        assert ended.returncode == 0, ended.stderr
        calls = self._calls.read_text().splitlines() if self._calls.exists() else []
        steps = {"-m venv": "venv", "requirements.lock": "run", "requirements-dev.lock": "dev"}
        return [name for call in calls for part, name in steps.items() if part in call]


@pytest.fixture
def clone(tmp_path: Path, bare_path: Path) -> _Clone:
    """A fresh clone in a directory whose name has a space and a quote."""
    place = tmp_path / "a clone's place"
    place.mkdir()
    return _Clone(place, bare_path)


def test_the_second_time_nothing_is_done(clone: _Clone) -> None:
    """A ready environment is taken as it is."""
    assert clone.done("run") == ["venv", "run"]
    assert clone.done("run") == []


def test_the_tools_are_added_to_a_ready_environment(clone: _Clone) -> None:
    """Tests after a demo add the tools only; a demo after tests starts at once, and so do the next tests."""
    clone.done("run")
    assert clone.done("dev") == ["dev"]
    assert clone.done("run") == []
    assert clone.done("dev") == []


def test_one_set_up_for_tests_serves_the_demo(clone: _Clone) -> None:
    """Who begins with the tests needs nothing more for the demo."""
    assert clone.done("dev") == ["venv", "dev"]
    assert clone.done("run") == []


def test_a_changed_lock_builds_anew(clone: _Clone) -> None:
    """Another run-time lock makes a new environment; another tools' lock is installed over the old one."""
    clone.done("dev")
    clone.lock("dev", "two tools")
    assert clone.done("dev") == ["dev"]
    clone.lock("run", "two")
    assert clone.done("run") == ["venv", "run"]
    assert clone.done("dev") == ["dev"]


def test_a_set_up_that_failed_is_not_ready(clone: _Clone) -> None:
    """What could not be installed to its end starts again from nothing, and the failure is said."""
    clone.offline(True)
    failed = clone.set_up("run")
    assert failed.returncode == 1
    assert "could not be installed" in failed.stderr
    clone.offline(False)
    assert clone.done("run") == ["venv", "run"]


def test_adding_the_tools_in_vain_leaves_the_demo_ready(clone: _Clone) -> None:
    """When only the tools could not be installed, the demo still starts at once and the tools are tried again."""
    clone.done("run")
    clone.offline(True)
    assert clone.set_up("dev").returncode == 1
    clone.offline(False)
    assert clone.done("run") == []
    assert clone.done("dev") == ["dev"]


def test_tools_that_were_half_replaced_are_not_ready(clone: _Clone) -> None:
    """After another tools' lock failed half-way, going back to the first one installs it again."""
    clone.done("dev")
    clone.lock("dev", "two tools")
    clone.offline(True)
    assert clone.set_up("dev").returncode == 1
    clone.offline(False)
    clone.lock("dev", "one and tools")
    assert clone.done("dev") == ["dev"]


def test_a_clone_that_moved_builds_anew(clone: _Clone, bare_path: Path) -> None:
    """An environment is bound to its place; moved or copied, it is made again."""
    clone.done("run")
    moved = clone.place.rename(clone.place.with_name("elsewhere"))
    assert _Clone(moved, bare_path).done("run") == ["venv", "run"]


def test_what_the_caller_has_set_for_other_projects_is_ignored(clone: _Clone) -> None:
    """An active environment of another project and pip's own target do not reach the set-up."""
    foreign = {
        "VIRTUAL_ENV": "/elsewhere",
        "PYTHONPATH": "/elsewhere",
        "PIP_TARGET": "/elsewhere",
        "PIP_USER": "1",
    }
    assert clone.done("run", **foreign) == ["venv", "run"]


def test_the_entry_point_runs_the_working_tree(clone: _Clone) -> None:
    """``.venv/bin/recoup`` starts the environment's Python with its arguments, and the tree is on that Python's path."""
    clone.done("run")
    venv = clone.place / ".venv"
    assert (venv / "site" / "recoup.pth").read_text() == f"{clone.place}\n"
    said = subprocess.run(
        [venv / "bin" / "recoup", "demo", "two words"],
        env={**os.environ, "CALLS": os.devnull},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout
    assert "from recoup.cli import main" in said
    assert said.endswith("demo two words\n")
