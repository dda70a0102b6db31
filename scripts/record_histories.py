"""Record histories of cases, for the tests that replay them: ``python -m scripts.record_histories [NAME …]`` from the root.

Plays the scenarios of ``tests/workflows/scenarios.py`` on a real dev server and writes ``tests/workflows/histories/NAME.json``.
What was recorded for a release stays, and every later version must be able to replay it; so without names only those that
are missing are recorded.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from temporalio.testing import WorkflowEnvironment

from recoup.temporal import SEARCH_ATTRIBUTES
from recoup.temporal.payloads import plain_converter
from tests.fixtures.temporal import find_temporal_binary, skipping_flags
from tests.workflows.scenarios import SCENARIOS

PLACE = Path("tests/workflows/histories")


async def record(names: list[str]) -> None:
    """Play each of these scenarios and keep its history."""
    async with await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=str(find_temporal_binary()),
        dev_server_log_level="never",
        dev_server_extra_args=skipping_flags(),
        search_attributes=SEARCH_ATTRIBUTES,
        data_converter=plain_converter,
        identity="recorder",
    ) as env:
        for name in names:
            history = await (await SCENARIOS[name](env)).fetch_history()
            kept = without_traces(json.loads(history.to_json()))
            (PLACE / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n")
            print(f"{name}: {len(history.events)} events", flush=True)


def without_traces(value: Any) -> Any:
    """A history without stack traces: they tell of the machine that recorded it, and no replay reads them."""
    if isinstance(value, list):
        return [without_traces(each) for each in value]
    if isinstance(value, dict):
        return {key: without_traces(each) for key, each in value.items() if key != "stackTrace"}
    return value


def main() -> None:
    """Record what is named, or what is missing."""
    PLACE.mkdir(parents=True, exist_ok=True)
    names = sys.argv[1:] or [name for name in SCENARIOS if not (PLACE / f"{name}.json").exists()]
    if unknown := sorted(set(names) - SCENARIOS.keys()):
        sys.exit(f"There is no scenario {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    asyncio.run(record(names))


if __name__ == "__main__":
    main()
