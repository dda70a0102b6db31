"""``recoup rehearse`` from start to end: the policy and the scenarios are checked, then played, then told."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from recoup.errors import ConfigurationError
from recoup.policy.file import LoadedPolicy, load_policy
from recoup.process import EXIT_FAILED
from recoup.rehearsal.playing import Rehearsal
from recoup.rehearsal.scenario import Scenario, find, load_scenario, own_policy, shipped
from recoup.rehearsal.showing import story_as_text
from recoup.rehearsal.telling import Story, Teller
from recoup.virtual.place import MEMORY, quietly, stopped_in_order, workshop


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked for."""

    scenarios: Sequence[str] = ()
    """Files, or names of shipped ones."""
    everything: bool = False
    """All that ship with Recoup."""
    policy: Path | None = None
    as_json: bool = False
    brief: bool = False


@dataclass(frozen=True, slots=True)
class _Wanted:
    name: str
    scenario: Scenario
    policy: LoadedPolicy


def list_scenarios(*, as_json: bool) -> None:
    """Print the shipped scenarios."""
    found = {name: load_scenario(path) for name, path in shipped().items()}
    if as_json:
        told = [{"scenario": name, "name": each.name, "about": each.about} for name, each in found.items()]
        click.echo(json.dumps({"scenarios": told}, indent=2, ensure_ascii=False))
        return
    for name, each in found.items():
        click.echo(f"{name:<24}{each.name}")


def rehearse(options: Options) -> int:
    """Play what is asked for; 0 where everything ended as the scenarios expect, 1 otherwise.

    Raises:
        ConfigurationError: the policy or a scenario cannot be used; nothing was played.
    """
    wanted = _wanted(options)
    told: list[dict[str, Any]] = []
    failed: list[str] = []
    with stopped_in_order(), workshop("rehearsal", MEMORY) as place:
        for number, each in enumerate(wanted):
            began = time.monotonic()
            with quietly(), Rehearsal(place / str(number), each.scenario, each.policy).played() as played:
                teller = Teller(played)
                story = teller.story()
                if options.as_json:
                    told.append(_as_json(each, story, time.monotonic() - began))
                else:
                    lines = story_as_text(each.name, played, story, teller, brief=options.brief)
                    click.echo("\n".join(lines) + "\n")
            if story.problems:
                failed.append(each.name)
    if options.as_json:
        click.echo(json.dumps({"scenarios": told}, indent=2, ensure_ascii=False))
    elif len(wanted) > 1:
        not_so = f"; not so: {', '.join(failed)}" if failed else ""
        click.echo(f"{len(wanted) - len(failed)} of {len(wanted)} scenarios ended as expected{not_so}")
    return EXIT_FAILED if failed else 0


def _wanted(options: Options) -> list[_Wanted]:
    """What is to be played, all of it checked."""
    # The operator's own policy is looked at first: it is what they want to know about.
    policy = load_policy(options.policy) if options.policy is not None else None
    paths = [find(each) for each in options.scenarios]
    if options.everything:
        paths += shipped().values()
    if not paths:
        raise ConfigurationError(
            "Nothing is asked for: name a scenario with --scenario, or take --all; --list shows those that ship with Recoup"
        )
    scenarios = {path: load_scenario(path) for path in paths}
    return [_Wanted(path.stem, each, policy or own_policy(each, path)) for path, each in scenarios.items()]


def _as_json(wanted: _Wanted, story: Story, seconds: float) -> dict[str, Any]:
    return {
        "scenario": wanted.name,
        "name": wanted.scenario.name,
        "about": wanted.scenario.about,
        "policy_version": wanted.policy.version,
        "as_expected": not story.problems,
        "problems": list(story.problems),
        "attempts": story.attempts,
        "messages": story.messages,
        "cases": [ended.as_json() for ended in story.cases],
        "timeline": [line.as_json() for line in story.lines],
        "seconds": round(seconds, 1),
    }
