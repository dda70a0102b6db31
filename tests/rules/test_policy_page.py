"""docs/policy.md explains every key of the policy file, and none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from recoup.rules.policy import Policy
from tests.house.test_docs import keys_of

PAGE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")


def _explained() -> set[str]:
    """The keys that have a row of a table, those of conditions under every place that takes conditions."""
    rows = set(re.findall(r"^\| `([a-z_]+(?:\.[a-z_]+)*)` \| \S", PAGE, flags=re.MULTILINE))
    shared = {row for row in rows if row.startswith("when.")}
    rows = (rows - shared) | {f"{place}.{row}" for row in shared for place in ("campaigns", "priority")}
    # What an experiment puts in a campaign's place has the keys of a campaign.
    campaign = {row.removeprefix("campaigns.") for row in rows if row.startswith("campaigns.")}
    return rows | {f"experiments.instead.{key}" for key in campaign}


def _keys() -> set[str]:
    """Every key, with those that only lead to others."""
    leaves = set(keys_of(Policy))
    return leaves | {key.rsplit(".", depth)[0] for key in leaves for depth in range(1, key.count(".") + 1)}


def test_every_key_has_its_row_and_every_row_its_key() -> None:
    """A key without an explanation, or an explanation of a key that is gone, fails here."""
    leaves, explained = set(keys_of(Policy)), _explained()
    assert leaves - explained == set()
    assert {row for row in explained if row.split(".")[0] in Policy.model_fields} - _keys() == set()


def test_the_examples_are_policies() -> None:
    """What the page shows can be used as it stands."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 3
    for block in blocks:
        Policy.model_validate({"version": 1, **yaml.safe_load(block)})
