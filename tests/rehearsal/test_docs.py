"""The page about rehearsals says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from recoup.rehearsal.scenario import load_scenario
from tests.rehearsal.reference import (
    LIST,
    PAGE,
    SAMPLE,
    page_with_keys,
    played,
    tables,
    without_chance,
)
from tests.worlds.reference import BLOCK


def test_every_key_and_every_scenario_is_on_the_page() -> None:
    """The tables are those of the code (`python -m tests.rehearsal.reference` writes them)."""
    page = PAGE.read_text()
    assert {block[1] for block in BLOCK.finditer(page)} == set(tables())
    assert LIST.search(page)
    assert page_with_keys(page) == page


def test_the_sample_is_what_the_command_prints() -> None:
    """Played now, it reads as on the page, but for dates, an invoice's number and the policy's version."""
    (sample,) = SAMPLE.finditer(PAGE.read_text())
    assert without_chance(played(sample[1])) == without_chance(sample[2])


def test_the_example_of_the_page_is_a_scenario(tmp_path: Path) -> None:
    """The file that the page shows can be read."""
    example = re.search(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert example is not None
    file = tmp_path / "example.yaml"
    file.write_text(example[1])
    assert load_scenario(file).operators
