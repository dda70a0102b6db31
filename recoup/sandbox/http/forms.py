"""Form-encoded nested parameters: ``items[0][price]=price_1&expand[]=latest_invoice``."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from recoup.sandbox.http.errors import StripeError

_KEY = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")


def decode(text: str) -> dict[str, Any]:
    """Nested dicts of strings; arrays come out as dicts with the keys ``"0"``, ``"1"``, … (their order kept)."""
    result: dict[str, Any] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        match = _KEY.match(key)
        if match is None:
            raise StripeError(400, "invalid_request_error", f"Invalid parameter name: {key}", stored=False)
        path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        _put(result, path, value, key)
    return result


def _put(into: dict[str, Any], path: list[str], value: str, key: str) -> None:
    for part in path[:-1]:
        into = into.setdefault(part or str(len(into)), {})
        if not isinstance(into, dict):
            raise StripeError(
                400, "invalid_request_error", f"Invalid nesting in parameter: {key}", stored=False
            )
    last = path[-1] or str(len(into))
    into[last] = value
