"""The lock files are what ``make lock`` writes from pyproject.toml: complete, hashed, and without a registry's address."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house._tree import ROOT, report

RUN = "requirements.lock"
ALL = "requirements-all.lock"
DEV = "requirements-dev.lock"
_PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;]+)(?:\s*;\s*(?P<marker>[^\\]+?))?\s*\\?$"
)
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def pins(text: str) -> dict[str, set[tuple[str, str, frozenset[str]]]]:
    """For each package the versions it is pinned to, each with its marker and its hashes."""
    found: dict[str, set[tuple[str, str, frozenset[str]]]] = {}
    for block in re.split(r"\n(?=\S)", text.strip()):
        line = block.splitlines()[0]
        if line.startswith("#"):
            continue
        pin = _PIN.match(line)
        assert pin, f"not a pinned package: {line}"
        entry = (pin["version"], pin["marker"] or "", frozenset(_HASH.findall(block)))
        found.setdefault(canonicalize_name(pin["name"]), set()).add(entry)
    return found


def problems(text: str, wanted: list[str]) -> list[str]:
    """What is wrong with a lock: a requirement it does not meet, a package without hashes, an address."""
    locked = pins(text)
    found = [
        f"{name} has no hashes" for name, entries in locked.items() for _, _, hashes in entries if not hashes
    ]
    found += [f"an address: {line}" for line in text.splitlines() if "://" in line or "index-url" in line]
    for requirement in map(Requirement, wanted):
        versions = [version for version, _, _ in locked.get(canonicalize_name(requirement.name), ())]
        if not versions or not all(requirement.specifier.contains(version) for version in versions):
            found.append(f"{requirement} is not met by {', '.join(versions) or 'anything'}")
    return found


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def _text(name: str) -> str:
    return (ROOT / name).read_text()


def _wanted(name: str) -> list[str]:
    project = _project()
    wanted = list(project["project"]["dependencies"])
    if name in (ALL, DEV):
        wanted += [one for extra in project["project"]["optional-dependencies"].values() for one in extra]
    if name == DEV:
        wanted += project["dependency-groups"]["dev"]
    return wanted


@pytest.mark.parametrize("name", [RUN, ALL, DEV])
def test_the_lock_is_fresh_hashed_and_from_nowhere(name: str) -> None:
    """Everything pyproject.toml asks for is pinned to a version it allows, by hash, and no address is told."""
    found = problems(_text(name), _wanted(name))
    assert not found, report(found, f"{name} does not fit pyproject.toml; run make lock:")


def test_the_tools_come_on_top_of_what_is_run() -> None:
    """The locks with the extras and with the tools have every pin of the run-time lock unchanged, so that one environment serves all."""
    run = pins(_text(RUN))
    for larger in map(pins, (_text(ALL), _text(DEV))):
        assert {name: entries for name, entries in larger.items() if name in run} == run


def test_the_tools_stay_out_of_what_is_run() -> None:
    """No tool is installed with the product by itself."""
    tools = {canonicalize_name(Requirement(one).name) for one in _project()["dependency-groups"]["dev"]}
    assert not tools & pins(_text(RUN)).keys()


_HASHED = "    --hash=sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"click==8.5.1 \\\n{_HASHED}", "rich>=15"),
        (f"click==8.5.1 \\\n{_HASHED}", "click>=9"),
        ("click==8.5.1", "click>=8"),
        (f"# from https://packages.example\nclick==8.5.1 \\\n{_HASHED}", "click"),
    ],
)
def test_a_spoilt_lock_is_found(text: str, wanted: str) -> None:
    """A missing package, a version that is not allowed, a missing hash and an address are each found."""
    assert len(problems(text, [wanted])) == 1


def test_a_package_pinned_by_platform_is_read() -> None:
    """Markers and several hashes belong to one pin."""
    text = f"colorama==0.4.6 ; sys_platform == 'win32' \\\n{_HASHED} \\\n{_HASHED.replace('0', 'a')}"
    ((version, marker, hashes),) = pins(text)["colorama"]
    assert (version, marker, len(hashes)) == ("0.4.6", "sys_platform == 'win32'", 2)
