"""The types of the ``stripe`` SDK, as answers can be held against them: the newest description of Stripe's objects there is.

The annotations are read from the SDK's source. ``Optional`` there means that a field may be null or absent; every other field
has to be there, and a field that the class does not know must not.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from stripe._object_classes import OBJECT_CLASSES  # the SDK has no public table of its classes

_PRIMITIVES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "float": (int, float),
    "Decimal": (str,),
}


@dataclass(frozen=True)
class SdkClass:
    """A class of the SDK, or one nested in it, with the module it stands in."""

    module: str
    node: ast.ClassDef
    around: SdkClass | None = None

    @property
    def fields(self) -> dict[str, ast.expr]:
        """The annotated attributes."""
        return {
            statement.target.id: statement.annotation
            for statement in self.node.body
            if isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and not statement.target.id.startswith("_")
            and not _is_class_variable(statement.annotation)
        }

    @property
    def is_untyped(self) -> bool:
        """Whether the class says nothing about its fields."""
        return not self.fields

    def find(self, name: str) -> SdkClass | None:
        """The class that a name means here: nested, of the same module, or imported."""
        scope: SdkClass | None = self
        while scope is not None:
            for node in scope.node.body:
                if isinstance(node, ast.ClassDef) and node.name == name:
                    return SdkClass(self.module, node, scope)
            scope = scope.around
        return _class_in(self.module, name)


def problems(body: Any, place: str = "answer") -> list[str]:
    """What in an answer the SDK's types do not allow; every object in it that names its kind is looked at."""
    return sorted(set(_of_object(body, place))) if isinstance(body, dict) and "object" in body else []


def _of_object(body: dict[str, Any], place: str) -> Iterator[str]:
    kind = body["object"]
    if kind == "list":
        for key in ("data", "has_more", "url"):
            if key not in body:
                yield f"{place}.{key}: missing"
        for number, item in enumerate(body.get("data", [])):
            yield from _of_object(item, f"{place}.data.{number}") if isinstance(item, dict) else ()
        return
    if body.get("deleted"):
        return
    if kind not in OBJECT_CLASSES:
        yield f"{place}.object: the SDK knows no {kind!r}"
        return
    found = _class_in(*OBJECT_CLASSES[kind])
    assert found is not None, kind
    yield from _of_class(body, found, place)


def _of_class(body: dict[str, Any], cls: SdkClass, place: str) -> Iterator[str]:
    if cls.is_untyped:
        return
    for key in body.keys() - cls.fields.keys():
        yield f"{place}.{key}: {cls.node.name} has no such field"
    for key, annotation in cls.fields.items():
        if key in body:
            yield from _of_value(body[key], annotation, cls, f"{place}.{key}")
        elif not _is_optional(annotation):
            yield f"{place}.{key}: missing"


def _of_value(value: Any, annotation: ast.expr, cls: SdkClass, place: str) -> Iterator[str]:
    """What is wrong with a value, by the choice among the annotation's that comes nearest."""
    attempts = [list(_of_choice(value, choice, cls, place)) for choice in _choices(annotation)]
    yield from min(
        attempts, key=lambda found: (any(text.startswith(f"{place}: ") for text in found), len(found))
    )


def _of_choice(value: Any, choice: ast.expr, cls: SdkClass, place: str) -> Iterator[str]:
    name, arguments = _named(choice)
    if name == "None":
        good = value is None
    elif name == "Literal":
        good = value in [argument.value for argument in arguments if isinstance(argument, ast.Constant)]
    elif name in _PRIMITIVES:
        good = isinstance(value, _PRIMITIVES[name]) and (name == "bool" or not isinstance(value, bool))
    elif name in ("Any", "object"):
        good = True
    elif name in ("List", "list"):
        good = isinstance(value, list)
        for number, item in enumerate(value if good else []):
            yield from _of_value(item, arguments[0], cls, f"{place}.{number}")
    else:
        good = isinstance(value, dict)
        yield from _of_dict(value, name, cls, place) if good else ()
    if not good:
        yield f"{place}: {value!r} is no {ast.unparse(choice)}"


def _of_dict(value: dict[str, Any], name: str, cls: SdkClass, place: str) -> Iterator[str]:
    if name in ("UntypedStripeObject", "Dict"):
        return
    if isinstance(value.get("object"), str) and value["object"] in OBJECT_CLASSES:
        yield from _of_object(value, place)
        return
    outer, *inner = name.split(".")
    found = cls.find(outer)
    for part in inner:
        found = found.find(part) if found else None
    if found is None:
        yield f"{place}: the SDK's {name} was not found"
    else:
        yield from _of_class(value, found, place)


def _choices(annotation: ast.expr) -> list[ast.expr]:
    """The alternatives of an annotation; an expandable field is its id or the object."""
    annotation = _unquoted(annotation)
    name, arguments = _named(annotation)
    if name == "Optional":
        return [ast.Constant(None), *_choices(arguments[0])]
    if name == "ExpandableField":
        return [ast.Name("str"), *_choices(arguments[0])]
    if name == "Union":
        return [choice for argument in arguments for choice in _choices(argument)]
    return [annotation]


def _named(annotation: ast.expr) -> tuple[str, list[ast.expr]]:
    annotation = _unquoted(annotation)
    if isinstance(annotation, ast.Subscript):
        inner = annotation.slice
        return ast.unparse(annotation.value), list(inner.elts) if isinstance(inner, ast.Tuple) else [inner]
    return ast.unparse(annotation), []


def _unquoted(annotation: ast.expr) -> ast.expr:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return ast.parse(annotation.value, mode="eval").body
    return annotation


def _is_optional(annotation: ast.expr) -> bool:
    return _named(annotation)[0] == "Optional"


def _is_class_variable(annotation: ast.expr) -> bool:
    return _named(annotation)[0] in ("ClassVar", "ClassVar[str]")


@cache
def _tree(module: str) -> ast.Module:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


@cache
def _class_in(module: str, name: str) -> SdkClass | None:
    """The class of this name in a module, or behind one of its imports."""
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _class_in(node.module, alias.name)
    for node in _tree(module).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return SdkClass(module, node)
    return None
