"""The description of ``/api/v1`` in OpenAPI 3.1, made from the types that it answers with."""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic.json_schema import models_json_schema

from activities.contracts import WhatWillHappen
from recoup import __version__
from recoup.figures import Figures
from recoup.ledger import CaseRow, Sort, Tab
from recoup.rules.declines import DeclineClass
from recoup.rules.people import StopEnding
from recoup.rules.step import Step
from recoup.web.console.acts import ACTS, LONGEST_REASON
from recoup.web.console.api_system import DESCRIBED
from recoup.web.console.figures_asked import EVERYTHING, USUAL, WINDOWS

_BOUNDS = {
    "minimum": "from",
    "exclusiveMinimum": "more than",
    "maximum": "to",
    "maxLength": "letters at most:",
    "default": "otherwise",
}
_MODELS = "#/components/schemas/{model}"


def description(address: str) -> dict[str, Any]:
    """The whole of it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Recoup",
            "version": __version__,
            "description": "Cases, and operators' words to them.",
        },
        "servers": [{"url": address}],
        "security": [{"token": []}],
        "paths": {
            "/api/v1/openapi.json": {"get": _said("This description", {"type": "object"})},
            "/api/v1/figures": {
                "get": _said("How well payments are recovered", _ref("Figures"), parameters=_choice())
            },
            **{f"/api/v1/{name}": {"get": _system(name)} for name in DESCRIBED},
            "/api/v1/cases": {"get": _said("Cases, page by page", _page(), parameters=_filters())},
            "/api/v1/cases/{case}": {"get": _said("One case", _case(), parameters=[_in_path("case")])},
            "/api/v1/cases/{case}/take-back": {"post": _take_back("case", "An exclusion taken back")},
            "/api/v1/customers/{customer}/exclude": {"post": _exclude()},
            "/api/v1/customers/{customer}/take-back": {
                "post": _take_back("customer", "An exclusion taken back")
            },
            "/api/v1/cases/{case}/{act}": {"post": _word()},
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas() | {"Error": _object(error={"type": "string"})},
        },
    }


class Call(NamedTuple):
    """One address of it, to be read."""

    method: str
    path: str
    summary: str
    takes: tuple[tuple[str, str, str], ...]
    """Each name, where it stands (``path``, ``query`` or ``body``), and what it may be."""
    needs: tuple[str, ...]
    """The names without which it does not go."""
    answers: tuple[tuple[str, str], ...]
    """Each status, and what it means."""


def calls(address: str) -> list[Call]:
    """All of it as a list; the description itself says more of what the answers hold."""
    paths = description(address)["paths"].items()
    return [_call(method, path, said) for path, methods in paths for method, said in methods.items()]


def _call(method: str, path: str, said: dict[str, Any]) -> Call:
    named = [(each["name"], each["in"], _in_words(each["schema"])) for each in said.get("parameters", ())]
    body = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    named += [(name, "body", _in_words(schema)) for name, schema in body.get("properties", {}).items()]
    answers = tuple((status, told["description"]) for status, told in sorted(said["responses"].items()))
    return Call(method.upper(), path, said["summary"], tuple(named), tuple(body.get("required", ())), answers)


def _in_words(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        kind = " | ".join(map(str, schema["enum"]))
    else:
        kind = schema.get("format") or schema["type"]
    bounds = [f"{word} {schema[key]}" for key, word in _BOUNDS.items() if key in schema]
    return "; ".join([kind, *bounds, *([schema["description"]] if "description" in schema else ())])


def _schemas() -> dict[str, Any]:
    models = [(model, "serialization") for model in (CaseRow, Figures, Step, WhatWillHappen)]
    _, made = models_json_schema(models, ref_template=_MODELS)  # type: ignore[arg-type]  # a list of pairs
    schemas: dict[str, Any] = made["$defs"]
    schemas["Figures"]["properties"] |= {
        "experiments": {"type": "array", "items": {"type": "object"}},
        "definitions": {"type": "object", "additionalProperties": {"type": "string"}},
    }
    for name in ("policy", "run_id"):
        schemas["CaseRow"]["properties"].pop(name)
        schemas["CaseRow"]["required"].remove(name)
    return schemas


def _filters() -> list[dict[str, Any]]:
    named: dict[str, dict[str, Any]] = {
        "tab": {"type": "string", "enum": [tab.value for tab in Tab], "default": "all"},
        "sort": {"type": "string", "enum": [sort.value for sort in Sort], "default": "priority"},
        "class": {"type": "string", "enum": [each.value for each in DeclineClass]},
        "priority": {"type": "integer", "minimum": 0, "maximum": 100},
        "from": {"type": "string", "format": "date"},
        "to": {"type": "string", "format": "date"},
    }
    others = ("currency", "campaign", "owner", "least", "most", "q", "after")
    return [
        {"name": name, "in": "query", "schema": schema}
        for name, schema in (named | {name: {"type": "string"} for name in others}).items()
    ]


def _choice() -> list[dict[str, Any]]:
    day = {"type": "string", "format": "date"}
    named: dict[str, dict[str, Any]] = {
        "days": {"type": "string", "enum": [*map(str, WINDOWS), EVERYTHING], "default": str(USUAL)},
        "month": {"type": "string", "pattern": r"^\d{4}-\d{2}$"},
        "from": day,
        "to": day | {"description": "The last day, included."},
    }
    others = ("currency", "campaign", "version")
    return [
        {"name": name, "in": "query", "schema": schema}
        for name, schema in (named | {name: {"type": "string"} for name in others}).items()
    ]


def _word() -> dict[str, Any]:
    fields = {
        "reason": {"type": "string", "maxLength": LONGEST_REASON},
        "until": {"type": "string", "format": "date-time"},
        "days": {"type": "number", "exclusiveMinimum": 0, "maximum": 365},
        "to": {"type": "string"},
        "ending": {"type": "string", "enum": [each.value for each in StopEnding], "default": "keep"},
        "template": {"type": "string", "description": "For send-message: a message of the case's campaign."},
        "running": {"type": "string", "enum": ["next-step", "drain"]},
        "campaign": {
            "type": "string",
            "description": "For change-policy: by its name; otherwise the policy chooses.",
        },
        "request": {"type": "string", "description": "Yours: the same again is the same word."},
    }
    act = _in_path("act") | {"schema": {"type": "string", "enum": list(ACTS)}}
    answers = _said("An operator's word", _ref("WhatWillHappen"), parameters=[_in_path("case"), act])
    answers["requestBody"] = {
        "required": True,
        "content": _json(_object(**fields) | {"required": ["reason"]}),
    }
    answers["responses"] |= {"409": _failed("The case refuses"), "503": _failed("No answer: send it again")}
    return answers


def _system(name: str) -> dict[str, Any]:
    what, properties, parameters = DESCRIBED[name]
    return _said(what, _object(**properties), parameters=list(parameters))


def _exclude() -> dict[str, Any]:
    answers = _take_back("customer", "A customer excluded")
    answers["responses"] |= {"503": _failed("Not every open case could be told: send it again")}
    return answers


def _take_back(of: str, what: str) -> dict[str, Any]:
    answer = _object(customer={"type": "string"}, changed={"type": "boolean"})
    taken = _said(what, answer, parameters=[_in_path(of)])
    reason = _object(reason={"type": "string", "maxLength": LONGEST_REASON})
    return taken | {"requestBody": {"required": True, "content": _json(reason | {"required": ["reason"]})}}


def _said(what: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    answers = {"200": {"description": what, "content": _json(schema)}}
    for status, why in (
        ("400", "Cannot be read"),
        ("401", "No token"),
        ("403", "Not allowed"),
        ("404", "Unknown"),
    ):
        answers[status] = _failed(why)
    return {"summary": what, "responses": answers, **more}


def _failed(why: str) -> dict[str, Any]:
    return {"description": why, "content": _json(_ref("Error"))}


def _page() -> dict[str, Any]:
    return _object(cases={"type": "array", "items": _ref("CaseRow")}, next={"type": ["string", "null"]})


def _case() -> dict[str, Any]:
    entry = _object(
        at={"type": ["string", "null"], "format": "date-time"},
        kind={"type": "string"},
        theme={"type": "string"},
        actor={"type": "string"},
        because={"type": ["string", "null"]},
        ahead={"type": "boolean"},
    )
    return _object(
        case=_ref("CaseRow"),
        next={"anyOf": [_ref("Step"), {"type": "null"}]},
        away={"type": ["string", "null"]},
        timeline={"type": "array", "items": entry},
    )


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _ref(model: str) -> dict[str, Any]:
    return {"$ref": _MODELS.format(model=model)}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
