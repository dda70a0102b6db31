"""Pages of objects: cursors, filters on ``created``, ``has_more``."""

from __future__ import annotations

from typing import Any

from recoup.sandbox.http.errors import Doc, invalid_parameter, missing
from recoup.sandbox.http.params import Params
from recoup.sandbox.work import Work

_OPERATORS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_USUAL_LIMIT = 10


def page(work: Work, type_: str, url: str, params: Params, where: dict[str, Any] | None = None) -> Doc:
    """One page of the objects that match, newest first."""
    conditions = {path: value for path, value in (where or {}).items() if value is not None}
    for name in ("created", "due_date"):
        if params.get(name) is not None:
            conditions.setdefault(name, _bounds(params[name]))
    conditions["deleted"] = ("IS", None)
    after, before = _cursors(params)
    for name, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor:
            work.get(type_, cursor, name)
    limit = params.get("limit") or _USUAL_LIMIT
    docs = work.select(type_, conditions, after=after, before=before, limit=limit + 1)
    kept = docs[-limit:] if before else docs[:limit]
    return _list(kept, url, has_more=len(docs) > limit)


def slice_page(docs: list[Doc], url: str, params: Params) -> Doc:
    """One page of these documents, which are in order."""
    limit = params.get("limit") or _USUAL_LIMIT
    after, before = _cursors(params)
    ids = [doc["id"] for doc in docs]
    for name, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor and cursor not in ids:
            raise missing("object", cursor, name)
    if after:
        docs = docs[ids.index(after) + 1 :]
    if before:
        docs = docs[: ids.index(before)]
        return _list(docs[-limit:], url, has_more=len(docs) > limit)
    return _list(docs[:limit], url, has_more=len(docs) > limit)


def _cursors(params: Params) -> tuple[str | None, str | None]:
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        text = "You can only use one of starting_after and ending_before."
        raise invalid_parameter(text, "starting_after")
    return after, before


def _bounds(given: Any) -> Any:
    if isinstance(given, dict):
        return [(_OPERATORS[name], bound) for name, bound in given.items()]
    return given


def _list(docs: list[Doc], url: str, *, has_more: bool) -> Doc:
    return {"object": "list", "data": docs, "has_more": has_more, "url": url}
