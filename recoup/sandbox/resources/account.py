"""The account itself."""

from __future__ import annotations

from recoup.sandbox.http.errors import Doc
from recoup.sandbox.http.params import request
from recoup.sandbox.http.routing import Call, router
from recoup.sandbox.objects.account import ensure_account


@router.add("GET", "/v1/account", request())
def retrieve(call: Call) -> Doc:
    """The account that the key belongs to."""
    return ensure_account(call.work)
