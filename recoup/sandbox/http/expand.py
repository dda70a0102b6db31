"""``expand[]``: ids replaced by the objects they stand for, along dotted paths, through lists by ``data``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from recoup.sandbox.http.errors import Doc, StripeError, invalid_parameter
from recoup.sandbox.ids import type_of
from recoup.sandbox.objects.common import list_of
from recoup.sandbox.work import Work, public

_DEEPEST = 4


def render(work: Work, answer: Doc, expand: list[str] | None) -> Doc:
    """The answer as the outside sees it, expanded along the paths."""
    shown: Doc = json.loads(json.dumps(_clean(answer)))
    for path in expand or []:
        parts = path.split(".")
        depth = len([part for part in parts if part != "data"])
        if depth > _DEEPEST:
            text = f"You cannot expand more than {_DEEPEST} levels of a property. Property: {path}"
            raise invalid_parameter(text, "expand")
        _expand(work, shown, parts, path)
    return shown


def _clean(answer: Doc) -> Doc:
    if answer.get("object") == "list":
        return {**answer, "data": [public(item) for item in answer["data"]]}
    return public(answer)


def _expand(work: Work, target: Any, parts: list[str], path: str) -> None:
    if isinstance(target, list):
        for entry in target:
            _expand(work, entry, parts, path)
        return
    if not parts or target is None:
        return
    if not isinstance(target, dict):
        raise _cannot(path)
    name, rest = parts[0], parts[1:]
    if name not in target or (target.get("object"), name) in _INCLUDED:
        included = _INCLUDED.get((target.get("object"), name))
        if included is not None:
            # A copy: what is expanded within it must not find its way into what is stored.
            target[name] = json.loads(json.dumps(included(work, target)))
        elif name not in _ABSENT_WHEN_NULL:
            raise _cannot(path)
    value = target.get(name)
    if isinstance(value, str):
        target[name] = value = _load(work, value, path)
    elif isinstance(value, list) and value and all(isinstance(entry, str) for entry in value):
        target[name] = value = [_load(work, entry, path) for entry in value]
    _expand(work, value, rest, path)


def _load(work: Work, id_: str, path: str) -> Doc:
    type_ = type_of(id_)
    doc = work.find(type_, id_) if type_ else None
    if doc is None:
        raise _cannot(path)
    shown: Doc = json.loads(json.dumps(public(doc)))
    return shown


def _cannot(path: str) -> StripeError:
    return invalid_parameter(f"This property cannot be expanded ({path}).", "expand")


def _payments_of_invoice(work: Work, invoice: Doc) -> Doc:
    payments = work.select("invoice_payment", {"invoice": invoice["id"]})
    return list_of([public(payment) for payment in payments], f"/v1/invoice_payments?invoice={invoice['id']}")


def _secret_of_invoice(work: Work, invoice: Doc) -> Doc | None:
    payment = work.first("invoice_payment", {"invoice": invoice["id"], "is_default": 1})
    if payment is None:
        return None
    intent = work.get("payment_intent", payment["_intent"])
    return {"client_secret": intent["client_secret"], "type": "payment_intent"}


def _refunds_of_charge(work: Work, charge: Doc) -> Doc:
    refunds = work.select("refund", {"charge": charge["id"]})
    return list_of([public(refund) for refund in refunds], f"/v1/charges/{charge['id']}/refunds")


def _subscriptions_of_customer(work: Work, customer: Doc) -> Doc:
    found = work.select("subscription", {"customer": customer["id"]})
    running = [public(entry) for entry in found if entry["status"] not in ("canceled", "incomplete_expired")]
    return list_of(running, f"/v1/customers/{customer['id']}/subscriptions")


_INCLUDED: dict[tuple[Any, str], Callable[[Work, Doc], Any]] = {
    ("invoice", "payments"): _payments_of_invoice,
    ("invoice", "confirmation_secret"): _secret_of_invoice,
    ("charge", "refunds"): _refunds_of_charge,
    ("customer", "subscriptions"): _subscriptions_of_customer,
}
_ABSENT_WHEN_NULL = frozenset(
    {"payment_intent", "charge", "payment_record", "payment_method", "setup_intent"}
)
