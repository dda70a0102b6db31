"""The same figures as CSV files, one for each table."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from recoup.errors import ConfigurationError
from recoup.figures import Figures
from recoup.figures.sheets import columns, sheets


def write_csv(made: Figures, directory: Path) -> list[Path]:
    """Write all tables; the files that were written.

    Raises:
        ConfigurationError: the directory cannot be written to.
    """
    written = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, rows in sheets(made):
            path = directory / f"{name}.csv"
            _write(path, rows)
            written.append(path)
    except OSError as error:
        raise ConfigurationError(f"--csv {directory}: cannot be written to ({error.strerror})") from None
    return written


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns(rows))
        writer.writeheader()
        writer.writerows(rows)
