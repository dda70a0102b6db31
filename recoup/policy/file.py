"""Reading ``policy.yaml``: strict, with one clear sentence for each mistake."""

from __future__ import annotations

import difflib
import hashlib
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from recoup.errors import ConfigurationError
from recoup.policy._models import keys_beside
from recoup.policy._places import unknown_countries
from recoup.policy._sentences import plain_words
from recoup.rules.base import Frozen, Misfit, Place
from recoup.rules.policy import Policy
from recoup.rules.policy_checks import mistakes


class LoadedPolicy(Frozen):
    """A policy with the version that its cases keep."""

    policy: Policy
    version: str
    """The first twelve digits of the SHA-256 of what the file means, whatever its comments and spacing."""


def load_policy(path: Path) -> LoadedPolicy:
    """Read and check a policy file.

    Raises:
        ConfigurationError: the file is missing, is not YAML, or says something that cannot be.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The policy file {path} cannot be read: {error}") from error
    try:
        data = yaml.load(text, Loader=_Strict)  # noqa: S506  # a SafeLoader that also refuses repeated keys
    except yaml.YAMLError as error:
        raise ConfigurationError(f"The policy file {path} is not YAML: {_one_line(error)}") from error
    if not isinstance(data, dict):
        raise ConfigurationError(
            f"The policy file {path} must hold keys and values, beginning with version: 1"
        )
    return read_policy(data, text, str(path))


def read_policy(data: dict[str, Any], text: str, source: str, within: tuple[str, ...] = ()) -> LoadedPolicy:
    """Check a policy that stands in a text, ``within`` these keys of it; raises as :func:`load_policy`."""
    try:
        policy = Policy.model_validate(data)
    except ValidationError as error:
        place = _told_at(text, within, error)
        raise ConfigurationError(f"{source}{_line_of(text, place)}: {_sentence(error, place)}") from error
    for mistake in (*mistakes(policy), *unknown_countries(policy)):
        line = _line_of(text, (*within, *mistake.place))
        raise ConfigurationError(f"{source}{line}: {_place((*within, *mistake.place))}: {mistake.because}")
    digest = hashlib.sha256(policy.model_dump_json().encode()).hexdigest()[:12]
    return LoadedPolicy(policy=policy, version=digest)


class _Strict(yaml.SafeLoader):
    """A safe loader for which a key given twice is a mistake, and one that is no text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"the key {key} is no text; put it in quotes if it is meant",
                    key_node.start_mark,
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _one_line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return (
        f"{problem} (line {mark.line + 1}, column {mark.column + 1})" if mark else problem.replace("\n", " ")
    )


def _told_at(text: str, within: Place, error: ValidationError) -> Place:
    """Where the mistake stands; of one that several keys make together, the first key that says so and that the file holds."""
    first = error.errors()[0]
    model = (*within, *first["loc"])
    told = first.get("ctx", {}).get("error")
    places = [(*model, *place) for place in told.places] if isinstance(told, Misfit) else []
    return next((place for place in places if _holds(text, place)), model)


def _holds(text: str, place: Place) -> bool:
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    for part in place:
        if (found := _inside(node, part)) is None:
            return False
        _, node = found
    return True


def _line_of(text: str, location: Place) -> str:
    """Where the mistake stands: the line of the deepest key of its place that the file holds."""
    node, line = yaml.compose(text, Loader=yaml.SafeLoader), None
    for part in location:
        found = _inside(node, part)
        if found is None:
            break
        line, node = found
    return "" if line is None else f", line {line + 1}"


def _inside(node: yaml.Node | None, part: int | str) -> tuple[int, yaml.Node] | None:
    """One key or one place in a list: the line it begins on, and its value."""
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line, node.value[part]
    if isinstance(node, yaml.MappingNode):
        return next(
            ((key.start_mark.line, value) for key, value in node.value if key.value == str(part)), None
        )
    return None


def _sentence(error: ValidationError, location: Place) -> str:
    first = error.errors()[0]
    place = _place(location)
    if first["type"] == "extra_forbidden":
        key = str(first["loc"][-1])
        near = difflib.get_close_matches(key, keys_beside(first["loc"]), 1)
        return f"{place} is not a key of the policy" + (f"; did you mean {near[0]}?" if near else "")
    if first["type"] == "missing":
        return f"{place} is missing"
    message = plain_words(first)
    return f"{place}: {message}" if place else message


def _place(location: Place) -> str:
    place = ""
    for part in location:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else part
    return place
