"""What of `docs/rehearse.md` comes from the code; run it to bring the page up to date (`python -m tests.rehearsal.reference`)."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner

from recoup.cli import cli
from recoup.rehearsal.scenario import Scenario, shipped
from recoup.rehearsal.scenario import load_scenario as load
from recoup.worlds import World
from tests.worlds.reference import BLOCK, table

PAGE = Path(__file__).parents[2] / "docs" / "rehearse.md"
SAMPLE = re.compile(r"<!-- played: ([a-z-]+) -->\n```\n(.*?)```\n<!-- end -->", re.DOTALL)
LIST = re.compile(r"<!-- shipped -->\n.*?<!-- end -->", re.DOTALL)
_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_CHANCE = (
    (rf"\d{{1,2}} {_MONTH} \d{{4}}|{_MONTH} \d{{1,2}}, \d{{4}}", "DATE"),
    (r"\b[A-Z0-9]{8}-\d{4}\b", "NUMBER"),
    (r"version [0-9a-f]{12}", "VERSION"),
)
"""What is another one each time it is played."""


def tables() -> dict[str, str]:
    """The tables of keys that only a scenario has."""
    schema = Scenario.model_json_schema()
    own = {key: field for key, field in schema["properties"].items() if key not in World.model_fields}
    parts = {name: schema["$defs"][name] for name in ("OperatorAct", "Renewal")}
    return {"Scenario": table({"properties": own}), **{name: table(part) for name, part in parts.items()}}


def listed() -> str:
    """The table of what ships."""
    rows = [f"| `{name}` | {load(path).about} |" for name, path in shipped().items()]
    return "\n".join(["| scenario | what happens |", "|---|---|", *rows])


def played(name: str) -> str:
    """What the command prints of a scenario."""
    done = CliRunner().invoke(cli, ["rehearse", "--scenario", name], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.output.rstrip() + "\n"


def without_chance(text: str) -> str:
    """The text without dates, numbers of invoices and versions; however its lines are broken."""
    text = " ".join(text.replace("│", " ").split())
    for pattern, name in _CHANCE:
        text = re.sub(pattern, name, text)
    return text


def page_with_keys(page: str) -> str:
    """The page with its tables as the code has them now."""
    known = tables()
    page = BLOCK.sub(lambda block: f"<!-- keys: {block[1]} -->\n{known[block[1]]}\n<!-- end -->", page)
    return LIST.sub(f"<!-- shipped -->\n{listed()}\n<!-- end -->", page)


if __name__ == "__main__":
    text = page_with_keys(PAGE.read_text())
    PAGE.write_text(
        SAMPLE.sub(
            lambda found: f"<!-- played: {found[1]} -->\n```\n{played(found[1])}```\n<!-- end -->", text
        )
    )
