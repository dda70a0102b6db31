"""The tables of `docs/worlds.md`, written from the models; run it to bring the page up to date."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from recoup.worlds import world_schema

PAGE = Path(__file__).parents[2] / "docs" / "worlds.md"
BLOCK = re.compile(r"<!-- keys: (\w+) -->\n.*?<!-- end -->", re.DOTALL)


def tables() -> dict[str, str]:
    """For each part of a world file its table of keys."""
    schema = world_schema()
    parts = {"World": schema, **schema["$defs"]}
    return {name: table(part) for name, part in parts.items() if "properties" in part}


def table(part: dict[str, Any]) -> str:
    """The keys of one part of a schema."""
    rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
    required = part.get("required", [])
    for key, field in part["properties"].items():
        default = "required" if key in required else _default(field)
        meaning = " ".join(field.get("description", "").split()).replace("|", "\\|")
        rows.append(f"| `{key}` | {_value(field)} | {default} | {meaning} |")
    return "\n".join(rows)


def _default(field: dict[str, Any]) -> str:
    value = field.get("default")
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, dict):
        return "`{" + ", ".join(f"{key}: {part:g}" for key, part in value.items() if part) + "}`"
    return f"`{value}`"


def _value(field: dict[str, Any]) -> str:
    for choices in ("anyOf", "oneOf"):
        if choices in field:
            return " or ".join(_value(choice) for choice in field[choices] if choice.get("type") != "null")
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "const" in field:
        return f"`{str(field['const']).lower()}`"
    if "enum" in field:
        return ", ".join(f"`{choice}`" for choice in field["enum"])
    if field.get("type") == "array":
        return f"list of {_value(field['items'])}"
    if field.get("additionalProperties") is True:
        return "keys and values"
    if field.get("type") == "object":
        return f"key → {_value(field.get('additionalProperties') or next(iter(field['patternProperties'].values())))}"
    if field.get("format") == "date-time":
        return "moment"
    return {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true`"}[
        field["type"]
    ]


def page_with_tables(page: str) -> str:
    """The page with every block of keys as the models have it now."""
    known = tables()
    return BLOCK.sub(lambda block: f"<!-- keys: {block[1]} -->\n{known[block[1]]}\n<!-- end -->", page)


if __name__ == "__main__":
    PAGE.write_text(page_with_tables(PAGE.read_text()))
