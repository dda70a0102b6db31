"""The commands themselves: help, version, sandbox, migrate, and how little they import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from recoup import __version__
from recoup.ledger import Ledger
from tests.cli.conftest import ROOT, Recoup

HEAVY = {
    "alembic",
    "asyncio",
    "boto3",
    "fastapi",
    "jinja2",
    "pydantic",
    "rich",
    "sqlalchemy",
    "stripe",
    "structlog",
    "temporalio",
}
"""What takes a tenth of a second and more to import."""


def test_help_is_there_at_once() -> None:
    """The command line itself imports nothing heavy: each command imports what it needs when it runs."""
    asked = "import sys; from recoup import cli; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, check=True, capture_output=True, text=True)
    assert HEAVY & set(done.stdout.split()) == set()


def test_the_help_lists_every_command(recoup: Recoup) -> None:
    """Every command stands in the help with a sentence."""
    said = recoup("--help")
    assert said.code == 0
    for command in ("demo", "worker", "starter", "sandbox", "doctor", "migrate", "bootstrap", "policy"):
        assert f"  {command} " in said.out


def test_the_version(recoup: Recoup) -> None:
    """It is the package's."""
    assert recoup("--version").out == f"recoup, version {__version__}\n"


def test_migrate_makes_the_tables_and_may_be_repeated(recoup: Recoup, tmp_path: Path) -> None:
    """After the first run the ledger can be used; the second changes nothing."""
    for _ in range(2):
        said = recoup("migrate")
        assert (said.code, said.out) == (0, "The ledger at sqlite:///recoup.db is up to date.\n")
    ledger = Ledger.connect(f"sqlite:///{tmp_path / 'recoup.db'}")
    ledger.check()
    ledger.close()


def test_sandbox_passes_everything_on(recoup_process: Recoup) -> None:
    """The sandbox's own options and errors come through."""
    assert "--webhook-url" in recoup_process("sandbox", "--help").out
    said = recoup_process("sandbox", "--data", "here", "--world", "none.yaml")
    assert said.code == 2
    assert "none.yaml" in said.sentence
