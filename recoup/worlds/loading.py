"""Reading a world from its file, and saying clearly what is wrong with one."""

from __future__ import annotations

import json
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from recoup.worlds._base import Part
from recoup.worlds._yaml import Document, PlainYamlError
from recoup.worlds.customers import OwnAct, Reaction
from recoup.worlds.errors import WorldError
from recoup.worlds.methods import Decline
from recoup.worlds.world import NextMoment, World

W = TypeVar("W", bound=World)
LARGEST_FILE = 5_000_000
"""In bytes; a world file that is larger is not read."""
_UNION_STEPS: dict[str | int, type[BaseModel]] = {
    "NextMoment": NextMoment,
    "Decline": Decline,
    "reaction": Reaction,
    "own": OwnAct,
}
"""The steps that pydantic adds to a place to say which choice of a union it means."""


def load_world(path: Path) -> World:
    """The world that the file describes; raises :class:`WorldError` with one sentence when it cannot be used."""
    return read_world(text_of(path), str(path))


def read_world(text: str, source: str = "world") -> World:
    """The world that a YAML text describes; ``source`` names the text in the sentence of a :class:`WorldError`."""
    return read_as(World, text, source)


def read_as(kind: type[W], text: str, source: str) -> W:
    """The same for a kind of world that has more to say, and for all its keys."""
    document = _document(text, source)
    world = _validated(kind, document, source)
    for place, name, sentence in world.misreferences():
        names = {"with": list(world.cards), "pays_with": list(world.methods)}.get(str(place[-1]), [])
        raise _error(source, document, place, sentence + _nearest(name, names))
    return world


def demo_world_path() -> Path:
    """The world that ships with Recoup and that ``recoup demo`` plays."""
    return Path(str(files("recoup.worlds") / "demo.yaml"))


def world_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a world file, for editors and for checks outside Recoup."""
    schema = World.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def text_of(path: Path) -> str:
    """The text of a world file; raises :class:`WorldError` where it cannot be read."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise WorldError(
                f"{path}: the file is larger than {LARGEST_FILE // 1_000_000} MB; is it a world file?"
            )
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise WorldError(f"{path}: there is no such world file") from None
    except IsADirectoryError:
        raise WorldError(f"{path}: that is a folder; a world is one YAML file") from None
    except UnicodeDecodeError as error:
        raise WorldError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise WorldError(f"{path}: cannot be read: {error.strerror or error}") from None


def _document(text: str, source: str) -> Document:
    try:
        document = Document(text)
    except PlainYamlError as error:
        line = f", line {error.line}" if error.line else ""
        raise WorldError(f"{source}{line}: {error}") from None
    if not isinstance(document.data, dict):
        raise WorldError(f"{source}: expected keys and values at the top, such as `version: 1`")
    return document


def _validated(kind: type[W], document: Document, source: str) -> W:
    try:
        return kind.model_validate_json(json.dumps(document.data), strict=True)
    except ValidationError as invalid:
        place, sentence = _plain(kind, min(invalid.errors(include_url=False), key=_closeness))
        raise _error(source, document, place, sentence) from None
    except (ValueError, RecursionError) as error:
        raise WorldError(f"{source}: cannot be read as a world: {error}") from None


def _error(source: str, document: Document, place: tuple[str | int, ...], sentence: str) -> WorldError:
    line = document.line(place)
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
    return WorldError(
        f"{source}{f', line {line}' if line else ''}: {where + ': ' if where else ''}{sentence}"
    )


# -- from pydantic's errors to sentences ---------------------------------------------------------------------------


def _closeness(error: ErrorDetails) -> tuple[int, int]:
    """Of many errors an unknown key comes first, for it often is the cause of the others; then the deepest place."""
    return (0 if error["type"] == "extra_forbidden" else 1, -len(error["loc"]))


def _plain(kind: type[World], error: ErrorDetails) -> tuple[tuple[str | int, ...], str]:
    place = tuple(step for step in error["loc"] if step not in _UNION_STEPS and not _is_union_step(step))
    what, given = error["type"], error.get("input")
    if what == "extra_forbidden":
        key = str(place[-1])
        return place, f"unknown key {key!r}" + _nearest(key, _keys_at(kind, error["loc"]))
    if what == "missing":
        return place[:-1], f"the key {str(place[-1])!r} is missing" + _meaning(kind, error["loc"])
    if what == "value_error":
        return place, error["msg"].removeprefix("Value error, ")
    if "[key]" in error["loc"]:
        return place, "a key is small letters, digits and underscores, and starts with a letter"
    if what == "string_pattern_mismatch":
        return place, f"{_shown(given)} does not fit" + _meaning(kind, error["loc"])
    message = error["msg"].replace("Input should be", "expected").replace("a valid string", "text")
    quotes = "; put it in quotes" if what == "string_type" and isinstance(given, int | float) else ""
    return place, f"{message}, got {_shown(given)}{quotes}" + _meaning(kind, error["loc"])


def _is_union_step(step: str | int) -> bool:
    return isinstance(step, str) and step.startswith(
        ("literal[", "constrained-", "[key]", "datetime", "lax-or-strict")
    )


def _keys_at(kind: type[World], loc: tuple[str | int, ...]) -> list[str]:
    """The keys that are known at the place of an unknown one."""
    model = _model_at(kind, loc[:-1])
    return [field.alias or name for name, field in model.model_fields.items()]


def _meaning(kind: type[World], loc: tuple[str | int, ...]) -> str:
    """What the documentation says of the key at a place, in brackets."""
    for depth in range(len(loc) - 1, -1, -1):
        fields = _model_at(kind, loc[:depth]).model_fields
        field = next((field for name, field in fields.items() if loc[depth] in (name, field.alias)), None)
        if field is not None and field.description:
            return f" ({' '.join(field.description.split()).rstrip('.')})"
    return ""


def _model_at(kind: type[World], loc: tuple[str | int, ...]) -> type[BaseModel]:
    model: type[BaseModel] = kind
    for step in loc:
        named = _UNION_STEPS.get(step)
        field = model.model_fields.get(str(step))
        model = named or (_model_in(field.annotation) if field else None) or model
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The first model inside an annotation: the element of a tuple, the value of a mapping, a choice of a union."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    inner = (_model_in(argument) for argument in getattr(annotation, "__args__", ()))
    return next((model for model in inner if model is not None), None)


def _nearest(word: str, known: list[str]) -> str:
    close = get_close_matches(word, known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known are {', '.join(sorted(known))}" if 0 < len(known) <= 20 else ""


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
