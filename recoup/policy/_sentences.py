"""What pydantic found wrong with a value, in words that an operator can act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

_PATTERNS = {
    r"^[a-z][a-z0-9_-]{0,39}$": "a name of up to 40 small letters, digits, dashes and underscores, beginning with a letter",
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$": 'a time of day from "00:00" to "23:59"',
    r"^[A-Z]{2}$": "a country as two capital letters, such as PL",
    r"^[a-z]{3}$": "a currency as three small letters, such as pln",
}

_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than": lambda told: f"must be more than {told['gt']:g}",
    "greater_than_equal": lambda told: f"must be at least {told['ge']:g}",
    "less_than": lambda told: f"must be less than {told['lt']:g}",
    "less_than_equal": lambda told: f"must be {told['le']:g} at most",
    "finite_number": lambda _: "must be a finite number",
    "float_type": lambda _: "must be a number",
    "float_parsing": lambda _: "must be a number",
    "int_type": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "int_from_float": lambda _: "must be a whole number",
    "bool_type": lambda _: "must be true or false",
    "bool_parsing": lambda _: "must be true or false",
    "string_type": lambda _: "must be text; put it in quotes",
    "tuple_type": lambda _: "must be a list",
    "list_type": lambda _: "must be a list",
    "dict_type": lambda _: "must hold keys and values",
    "model_type": lambda _: "must hold keys and values",
    "enum": lambda told: f"must be {_in_order(told['expected'])}",
    "literal_error": lambda told: f"must be {_in_order(told['expected'])}",
    "too_long": lambda told: f"must have {told['max_length']} entries at most",
    "too_short": lambda told: f"must have at least {told['min_length']} entries",
    "string_too_long": lambda told: f"must have {told['max_length']} characters at most",
    "string_too_short": lambda told: f"must have at least {told['min_length']} characters",
    "string_pattern_mismatch": lambda told: (
        f"must be {_PATTERNS.get(told['pattern'], 'written as ' + told['pattern'])}"
    ),
}
"""By pydantic's type of the error (docs.pydantic.dev, "Validation Errors"), from what it says along with it."""


def plain_words(error: ErrorDetails) -> str:
    """Why the value cannot be used; a rule of our own says it itself."""
    if (words := _WORDS.get(error["type"])) is None:
        return error["msg"].removeprefix("Value error, ")
    return words(error.get("ctx", {}))


def _in_order(expected: str) -> str:
    return expected.replace("'", "")
