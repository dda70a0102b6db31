"""Pages of objects: cursors, filters on ``created``, ``has_more``."""

from __future__ import annotations

from typing import Any

from recoup.sandbox.http.errors import Doc, invalid_parameter, missing
from recoup.sandbox.http.params import Params
from recoup.sandbox.work import Work

_OPERATORS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def page(work: Work, type_: str, url: str, params: Params, where: dict[str, Any] | None = None) -> Doc:
    """One page of the objects that match, newest first."""
    conditions = {path: value for path, value in (where or {}).items() if value is not None}
    docs = [doc for doc in _matching(work, type_, params, conditions) if not doc.get("deleted")]
    return slice_page(docs, url, params)


def slice_page(docs: list[Doc], url: str, params: Params) -> Doc:
    """One page of these documents, which are in order."""
    limit = params.get("limit") or 10
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        raise invalid_parameter("You can only use one of starting_after and ending_before.", "starting_after")
    ids = [doc["id"] for doc in docs]
    for name, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor and cursor not in ids:
            raise missing(docs[0]["object"] if docs else "object", cursor, name)
    if after:
        docs = docs[ids.index(after) + 1 :]
    if before:
        docs = docs[: ids.index(before)]
        return _list(docs[-limit:], url, has_more=len(docs) > limit)
    return _list(docs[:limit], url, has_more=len(docs) > limit)


def _matching(work: Work, type_: str, params: Params, where: dict[str, Any]) -> list[Doc]:
    docs = work.select(type_, where)
    created = params.get("created")
    if isinstance(created, int):
        return [doc for doc in docs if doc["created"] == created]
    for name, bound in (created or {}).items():
        compare = {
            ">": lambda value, bound=bound: value > bound,
            ">=": lambda value, bound=bound: value >= bound,
            "<": lambda value, bound=bound: value < bound,
            "<=": lambda value, bound=bound: value <= bound,
        }[_OPERATORS[name]]
        docs = [doc for doc in docs if compare(doc["created"])]
    return docs


def _list(docs: list[Doc], url: str, *, has_more: bool) -> Doc:
    return {"object": "list", "data": docs, "has_more": has_more, "url": url}
