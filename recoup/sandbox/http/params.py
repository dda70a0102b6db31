"""What each endpoint takes: kinds of values, read from the strings of a form, with Stripe's complaints when they do not fit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from recoup.sandbox.http.errors import StripeError, invalid_parameter

Params = dict[str, Any]


class Kind(Protocol):
    """A kind of parameter."""

    def read(self, raw: Any, path: str) -> Any:
        """The value that the raw strings stand for; StripeError when they do not fit."""
        ...


class Text:
    """A string; an empty one clears the field (``None``)."""

    def __init__(self, *choices: str, longest: int = 5000) -> None:
        self._choices = choices
        self._longest = longest

    def read(self, raw: Any, path: str) -> str | None:
        if not isinstance(raw, str):
            raise invalid_parameter(f"Invalid string: {raw}", path)
        if raw == "":
            return None
        if len(raw) > self._longest:
            raise invalid_parameter(f"Invalid string: must be at most {self._longest} characters", path)
        if self._choices and raw not in self._choices:
            raise invalid_parameter(f"Invalid {path}: must be one of {', '.join(self._choices)}", path)
        return raw


class Whole:
    """A whole number, at least ``low``."""

    def __init__(self, low: int | None = None, high: int | None = None) -> None:
        self._low = low
        self._high = high

    def read(self, raw: Any, path: str) -> int:
        if not isinstance(raw, str) or not re.fullmatch(r"-?\d{1,18}", raw):
            raise invalid_parameter(f"Invalid integer: {raw}", path, "parameter_invalid_integer")
        value = int(raw)
        if (self._low is not None and value < self._low) or (self._high is not None and value > self._high):
            raise invalid_parameter(
                f"Invalid integer: {raw} is out of range", path, "parameter_invalid_integer"
            )
        return value


class Moment:
    """A Unix time in seconds; ``now`` where ``words`` allows it; an empty one clears the field."""

    def __init__(self, *words: str) -> None:
        self._words = words

    def read(self, raw: Any, path: str) -> int | str | None:
        if raw == "":
            return None
        if isinstance(raw, str) and (raw in self._words or re.fullmatch(r"\d{1,12}", raw)):
            return raw if raw in self._words else int(raw)
        raise invalid_parameter(f"Invalid timestamp: {raw}", path, "parameter_invalid_integer")


class Flag:
    """``true`` or ``false``."""

    def read(self, raw: Any, path: str) -> bool:
        if raw not in ("true", "false"):
            raise invalid_parameter(f"Invalid boolean: {raw}", path)
        return bool(raw == "true")


class Many:
    """An array of one kind."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def read(self, raw: Any, path: str) -> list[Any] | None:
        if raw == "":
            return None
        if not isinstance(raw, Mapping) or not all(str(key).isdigit() for key in raw):
            raise invalid_parameter("Invalid array", path)
        ordered = sorted(raw.items(), key=lambda entry: int(entry[0]))
        return [self._kind.read(value, f"{path}[{index}]") for index, value in ordered]


class Labels:
    """Metadata: a flat map of strings; an empty value removes the key, an empty map removes all."""

    def read(self, raw: Any, path: str) -> dict[str, str | None]:
        if raw == "":
            return {"": None}
        if not isinstance(raw, Mapping) or not all(isinstance(value, str) for value in raw.values()):
            raise invalid_parameter("Invalid object", path)
        return {key: value or None for key, value in raw.items()}


class Fields:
    """An object with named fields; an unknown name is refused."""

    def __init__(self, needs: tuple[str, ...] = (), **fields: Kind) -> None:
        self._needs = needs
        self.fields: dict[str, Kind] = fields

    def plus(self, **fields: Kind) -> Fields:
        """The same object with further fields."""
        return Fields(self._needs, **{**self.fields, **fields})

    def read(self, raw: Any, path: str = "") -> Params | None:
        if raw == "" and path:
            return None
        if not isinstance(raw, Mapping):
            raise invalid_parameter("Invalid object", path)
        result: Params = {}
        for name, value in raw.items():
            inner = f"{path}[{name}]" if path else name
            if name not in self.fields:
                raise invalid_parameter(f"Received unknown parameter: {inner}", inner, "parameter_unknown")
            result[name] = self.fields[name].read(value, inner)
        for name in self._needs:
            if result.get(name) is None:
                inner = f"{path}[{name}]" if path else name
                raise invalid_parameter(f"Missing required param: {inner}.", inner, "parameter_missing")
        return result


class Either:
    """The first of several kinds that fits."""

    def __init__(self, *kinds: Kind) -> None:
        self._kinds = kinds

    def read(self, raw: Any, path: str) -> Any:
        complaint: StripeError | None = None
        for kind in self._kinds:
            try:
                return kind.read(raw, path)
            except StripeError as error:
                complaint = error
        assert complaint is not None
        raise complaint


def merge_labels(old: dict[str, str], new: dict[str, str | None] | None) -> dict[str, str]:
    """Metadata after an update: given keys are set, emptied ones removed, the rest stays."""
    if new is None:
        return old
    if new == {"": None}:
        return {}
    merged = {**old, **new}
    return {key: value for key, value in merged.items() if value is not None}


TEXT, WHOLE, FLAG, MOMENT, LABELS = Text(), Whole(), Flag(), Moment(), Labels()
RANGE = Either(MOMENT, Fields(gt=MOMENT, gte=MOMENT, lt=MOMENT, lte=MOMENT))
ADDRESS = Fields(city=TEXT, country=TEXT, line1=TEXT, line2=TEXT, postal_code=TEXT, state=TEXT)


def request(*needs: str, **fields: Kind) -> Fields:
    """The parameters of an endpoint; ``expand`` is always among them."""
    return Fields(needs, expand=Many(TEXT), **fields)


def listing(*needs: str, **filters: Kind) -> Fields:
    """The parameters of a list endpoint: paging, ``expand`` and its filters."""
    paging: dict[str, Kind] = {"limit": Whole(1, 100), "starting_after": TEXT, "ending_before": TEXT}
    return request(*needs, **paging, **filters)
