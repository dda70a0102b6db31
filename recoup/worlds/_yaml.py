"""YAML as people read it: no `on` that turns true, no key written twice, and every place knows its line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

Place = Sequence[str | int]

_MOST_NODES = 1_000_000


class PlainYamlError(Exception):
    """The text is no YAML that can be used: what is wrong, and the line."""

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.line = line


class _Loader(yaml.SafeLoader):
    """The core schema of YAML 1.2: ``on``, ``no``, dates and ``10:30`` are text."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|)$", "~n\0"),
    ("bool", r"^(?:true|false)$", "tf"),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), [*_first, ""])


class Document:
    """One YAML document: its plain data, and the lines its places stand on."""

    def __init__(self, text: str) -> None:
        loader = _Loader(text)
        try:
            self._root = loader.get_single_node()
            _check(self._root)
            self.data: Any = loader.construct_document(self._root) if self._root else None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise PlainYamlError(error.problem or "not YAML", mark.line + 1 if mark else None) from None
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise PlainYamlError(str(error).splitlines()[0], None) from None
        finally:
            loader.dispose()

    def line(self, place: Place) -> int | None:
        """The line (from 1) of a place, or of the nearest thing around it that the text has."""
        node, found = self._root, None
        for step in place:
            child = _child(node, step)
            if child is None:
                break
            found, node = child
        return found


def _child(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    return None


def _check(root: yaml.Node | None) -> None:
    """Refuse repeated keys, and aliases that make a small text into a huge or endless document."""
    waiting, seen = [root], 0
    while waiting:
        node = waiting.pop()
        seen += 1
        if seen > _MOST_NODES:
            raise PlainYamlError("its aliases (*) repeat more than a world can hold", None)
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            _refuse_repeats_in(node)
            waiting.extend(value for _, value in node.value)


def _refuse_repeats_in(node: yaml.MappingNode) -> None:
    keys: set[str] = set()
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if key.tag != "tag:yaml.org,2002:str":
            raise PlainYamlError(f"the key {key.value!r} is not text; put it in quotes", line)
        if key.value in keys:
            raise PlainYamlError(f"the key {key.value!r} stands there twice", line)
        keys.add(key.value)
