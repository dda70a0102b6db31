"""The JSON schema of the policy file, for editors: what each key means shows while one writes."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any

from pydantic import BaseModel

from recoup.policy._models import policy_models
from recoup.rules.policy import Policy


def policy_schema() -> dict[str, Any]:
    """The schema, JSON Schema 2020-12, with the meaning of each key as its description."""
    schema = Policy.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Recoup's policy file"
    for model in policy_models():
        place = schema if model is Policy else schema["$defs"][model.__name__]
        for name, meaning in _meanings(model).items():
            place["properties"][name].setdefault("description", meaning)
    return schema


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """The docstrings that follow a model's fields."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, after in zip(body.body, body.body[1:], strict=False):
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and is_text:
            found[field.target.id] = inspect.cleandoc(str(ast.literal_eval(after.value))).replace("``", "`")  # type: ignore[attr-defined]
    return found
