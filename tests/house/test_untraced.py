"""No web process traces by itself: FastAPI's own spans have whole paths, and in some of ours stand the secrets of links."""

from __future__ import annotations

import ast

from tests.house._tree import product, report


def test_every_app_is_made_untraced() -> None:
    """Each ``FastAPI(...)`` of the product passes ``telemetry=UNTRACED``."""
    made = [
        (source.at(node), {each.arg: ast.unparse(each.value) for each in node.keywords})
        for source in product()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "FastAPI"
    ]
    assert len(made) >= 3
    loud = [place for place, given in made if given.get("telemetry") != "UNTRACED"]
    assert not loud, report(loud, "Pass telemetry=UNTRACED (recoup/web/serving.py):")
