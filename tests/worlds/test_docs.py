"""The page about worlds, and the JSON Schema, say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from recoup.worlds import demo_world_path, read_world, world_schema
from recoup.worlds._yaml import Document
from tests.worlds.reference import BLOCK, PAGE, page_with_tables, tables


def test_every_key_is_documented() -> None:
    """The page has the table of every part, as the models have it now (`python -m tests.worlds.reference` writes them)."""
    page = PAGE.read_text()
    assert {block[1] for block in BLOCK.finditer(page)} == set(tables())
    assert page_with_tables(page) == page


def test_every_key_has_a_meaning() -> None:
    """No key of the schema is without a description."""
    schema = world_schema()
    for name, part in {"World": schema, **schema["$defs"]}.items():
        for key, field in part.get("properties", {}).items():
            assert field.get("description"), f"{name}.{key}"


def test_the_example_of_the_page_is_a_world() -> None:
    """The world that the page shows can be read."""
    example = re.search(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert example is not None
    assert set(read_world(example[1]).customers) == {"ada", "bela"}


def test_the_demo_agrees_with_the_schema() -> None:
    """The JSON Schema takes the shipped world, and refuses an unknown key in it."""
    data = Document(demo_world_path().read_text()).data
    validator = jsonschema.Draft202012Validator(world_schema())
    validator.validate(data)
    data["customers"]["anna"]["mood"] = "good"
    with pytest.raises(jsonschema.ValidationError, match="mood"):
        validator.validate(data)


def test_worlds_import_nothing_of_the_product() -> None:
    """The worlds stand by themselves, so that the sandbox and the simulator can both use them."""
    folder = Path(demo_world_path()).parent
    for module in folder.glob("*.py"):
        for line in re.findall(r"^\s*(?:from|import) (recoup\S*)", module.read_text(), re.MULTILINE):
            assert line.startswith("recoup.worlds"), f"{module.name}: {line}"


def test_the_demo_file_is_plain_yaml() -> None:
    """Other YAML readers can read the shipped world too."""
    assert yaml.safe_load(demo_world_path().read_text())["version"] == 1
