"""``python -m bench``: every measurement, or those that are named; a table, and with ``--json FILE`` the figures too."""

from __future__ import annotations

import importlib
import json
import os
import platform
from pathlib import Path

import click

from bench._rows import Measure
from recoup.virtual.place import workshop

MEASUREMENTS = ("starting", "histories", "deciding", "simulating", "webhooks", "figures", "parked", "whole")


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(MEASUREMENTS))
@click.option(
    "--times",
    type=click.IntRange(1, 50),
    default=5,
    show_default=True,
    help="How often each figure is measured.",
)
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write all figures to this file.",
)
def main(names: tuple[str, ...], times: int, json_file: Path | None) -> None:
    """Measure, and say which targets are reached (docs/performance.md)."""
    told = []
    click.echo(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; medians of {times} [lowest, highest]"
    )
    for name in names or MEASUREMENTS:
        with workshop(f"bench-{name}") as place:
            measure: Measure = importlib.import_module(f"bench.{name}").measure
            rows = measure(place, times)
        for row in rows:
            click.echo("\n".join(row.lines()))
            told.append(row.as_json())
    if json_file is not None:
        json_file.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
