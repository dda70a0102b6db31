"""``/notice/{customer}``: the notice as JSON; ``/notice/{customer}/open``: where its button leads. Both ask for a proof."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response

from recoup.errors import RecoupError
from recoup.web.notice.answering import Notices

PATH = "/notice"
RETRY_AFTER_SECONDS = "60"

_log = structlog.get_logger(__name__)


def notice_router(notices: Notices) -> APIRouter:
    """The two routes."""
    router = APIRouter()

    @router.api_route(f"{PATH}/{{customer}}", methods=["GET", "HEAD"])
    def notice(request: Request, customer: str, until: str = "", proof: str = "") -> Response:
        return _careful(notices, request, (customer, until, proof), to_page=False)

    @router.get(f"{PATH}/{{customer}}/open")
    def lead_on(request: Request, customer: str, until: str = "", proof: str = "") -> Response:
        return _careful(notices, request, (customer, until, proof), to_page=True)

    return router


def _careful(notices: Notices, request: Request, said: tuple[str, str, str], *, to_page: bool) -> Response:
    asker = notices.asker(*said)
    if asker is None:
        wrong = "the proof does not fit this customer, or has expired: ask your backend for a new one"
        return notices.refuse(request, 403, wrong)
    try:
        return notices.lead_on(asker) if to_page else notices.answer(request, asker)
    except RecoupError as error:
        _log.error("notice_failed", customer=asker.customer, reason=str(error))
        response = notices.refuse(request, 503, "the notice cannot be read now: ask again later")
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
        return response
