"""The models that the policy file is made of."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel

from recoup.rules.policy import Policy


@cache
def policy_models() -> tuple[type[BaseModel], ...]:
    """The policy's own model first, then every one that a key of it leads to."""
    found: dict[type[BaseModel], None] = {Policy: None}
    waiting: list[type[BaseModel]] = [Policy]
    while waiting:
        for field in waiting.pop().model_fields.values():
            new = [model for model in _within(field.annotation) if model not in found]
            found.update(dict.fromkeys(new))
            waiting += new
    return tuple(found)


def keys_beside(location: tuple[int | str, ...]) -> list[str]:
    """The keys there are where this one stands; none where that is a place for any key."""
    here: list[type[BaseModel]] = [Policy]
    for part in location[:-1]:
        if isinstance(part, str):
            fields = [model.model_fields[part] for model in here if part in model.model_fields]
            here = [model for field in fields for model in _within(field.annotation)]
    return sorted({name for model in here for name in model.model_fields})


def _within(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _within(part)
