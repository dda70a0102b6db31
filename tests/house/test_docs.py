"""The documentation knows everything that can be set, called, sent, asked, searched or measured.

Each name must stand in code font (between backticks, or in a code block) in README.md or a page of ``docs/``; a word of
running prose does not count. What does not exist yet is not asked for.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from types import ModuleType
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from tests.house._tree import ROOT, Source, product, report

_FENCED = re.compile(r"^(```+|~~~+)[^\n]*\n(.*?)^\1", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
_WORD = re.compile(r"[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def code_words(text: str) -> set[str]:
    """The words in code font, dotted ones also part by part."""
    spans = [span for _, span in _FENCED.findall(text)]
    spans += [span for _, span in _INLINE.findall(_FENCED.sub("", text))]
    words = {word for span in spans for word in _WORD.findall(span)}
    return words | {part for word in words for part in word.split(".")}


@cache
def _documented() -> set[str]:
    return {word for page in _pages() for word in code_words(page.text)}


def _pages() -> list[Source]:
    paths = [*sorted((ROOT / "docs").glob("**/*.md")), *ROOT.glob("*.md")]
    return [Source(path.relative_to(ROOT).as_posix(), path.read_text()) for path in paths]


def _module(name: str) -> ModuleType | None:
    try:
        there = find_spec(name) is not None
    except ModuleNotFoundError:
        there = False
    return importlib.import_module(name) if there else None


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation speaks of: itself, or inside a tuple, a union, an Annotated."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def keys_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key of a model and of those inside it, dotted."""
    for name, field in model.model_fields.items():
        inner = list(models_in(field.annotation))
        if not inner:
            yield f"{prefix}{name}"
        for each in inner:
            yield from keys_of(each, f"{prefix}{name}.")


def _settings() -> set[str]:
    """Each setting as ``section.key``; the variable ``RECOUP_SECTION__KEY`` counts as well."""
    module = _module("recoup.settings")
    if module is None:
        return set()
    written = {key: f"{module.PREFIX}{key.upper().replace('.', '__')}" for key in keys_of(module.Settings)}
    return {variable for key, variable in written.items() if key not in _documented() or "." not in key}


def _policy_keys() -> set[str]:
    module = _module("recoup.rules.policy")
    return set() if module is None else {part for key in keys_of(module.Policy) for part in key.split(".")}


def _commands() -> set[str]:
    module = _module("recoup.cli")
    if module is None:
        return set()
    import click

    groups = [value for value in vars(module).values() if isinstance(value, click.Group)]
    return {name for group in groups for name in _below(group)}


def _below(group: Any) -> Iterator[str]:
    for name, command in group.commands.items():
        yield name
        yield from (
            option for parameter in command.params for option in parameter.opts if option.startswith("--")
        )
        yield from _below(command) if hasattr(command, "commands") else ()


def handlers_in(source: Source) -> set[str]:
    """The names of the signals, updates and queries that a workflow file takes."""
    return {
        name
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for decorator in node.decorator_list
        if (name := _handled(decorator, node.name))
    }


def _handled(decorator: ast.expr, function: str) -> str | None:
    call = decorator if isinstance(decorator, ast.Call) else None
    if ast.unparse(call.func if call else decorator) not in (
        "workflow.signal",
        "workflow.update",
        "workflow.query",
    ):
        return None
    named = [word.value for word in (call.keywords if call else []) if word.arg == "name"]
    return str(named[0].value) if named and isinstance(named[0], ast.Constant) else function


def metrics_in(source: Source) -> set[str]:
    """The names of the metrics that a file makes."""
    return {
        str(node.args[0].value)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2]
        in ("Counter", "Gauge", "Histogram", "Summary", "Info", "Enum")
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and str(node.args[0].value).startswith("recoup_")
    }


def _handlers() -> set[str]:
    return {
        name for source in product() if source.place.startswith("workflows/") for name in handlers_in(source)
    }


def _metrics() -> set[str]:
    return {name for source in product() for name in metrics_in(source)}


def _search_attributes() -> set[str]:
    module = _module("recoup.temporal")
    return set() if module is None else {key.name for key in module.SEARCH_ATTRIBUTES}


@pytest.mark.parametrize(
    "names",
    [_settings, _policy_keys, _commands, _handlers, _search_attributes, _metrics],
    ids=lambda names: names.__name__.strip("_"),
)
def test_every_name_is_documented(names: Callable[[], set[str]]) -> None:
    """Everything of this kind stands, in code font, in README.md or docs/."""
    missing = sorted(
        name for name in names() if name.lstrip("-") not in _documented() and name not in _documented()
    )
    assert not missing, report(missing, f"Explain these {names.__name__.strip('_')} in docs/:")


def test_links_between_pages_lead_somewhere() -> None:
    """A link from one page of the documentation to a file of the project finds it."""
    broken = [
        f"{page.place}: {target}"
        for page in _pages()
        for target in _LINK.findall(_FENCED.sub("", page.text))
        if not re.match(r"[a-z]+:|#", target)
        and not ((ROOT / page.place).parent / target.partition("#")[0]).exists()
    ]
    assert not broken, report(broken, "These links lead nowhere:")


def test_only_code_font_counts() -> None:
    """A name in a code span or a code block is documented, the same word in a sentence is not."""
    text = "The ending is `pause` or `stripe.api_key`.\n\n```yaml\ngrace_days: 7\n```\nRun `recoup demo --headless`."
    assert {"pause", "stripe.api_key", "api_key", "grace_days", "demo", "headless"} <= {
        word.lstrip("-") for word in code_words(text)
    }
    assert "ending" not in code_words(text)


def test_keys_of_models_inside_models_are_asked_for() -> None:
    """Keys are found through sections, lists and unions of models."""

    class Inner(BaseModel):
        days: int

    class Outer(BaseModel):
        name: str
        steps: tuple[Inner, ...] = ()
        last: Inner | None = None

    assert list(keys_of(Outer)) == ["name", "steps.days", "last.days"]


def test_handlers_and_metrics_are_found() -> None:
    """Signals, updates and queries are found under the name they answer to, and metrics wherever they are made."""
    source = Source(
        "workflows/planted.py",
        "class Case:\n"
        "    @workflow.signal\n    def paid(self): ...\n"
        "    @workflow.update(name='retry_now')\n    async def retry(self): ...\n"
        "    @workflow.query\n    def view(self): ...\n"
        "    @retry.validator\n    def check(self): ...\n"
        "made = Counter('recoup_cases_total', 'Cases.')\nwords = Counter('abc')\n",
    )
    assert handlers_in(source) == {"paid", "retry_now", "view"}
    assert metrics_in(source) == {"recoup_cases_total"}
