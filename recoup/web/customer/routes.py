"""``/u/{token}``: the page, the way to Stripe's portal, the other ways, and the thanks.

GET only shows: mail scanners and previews follow links. POST needs the token and comes from the page itself, and answers
with the way back to it, so that a reload sends nothing again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import get_args
from urllib.parse import parse_qsl

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from recoup.errors import RecoupError
from recoup.links import PATH
from recoup.web.customer.pages import CustomerPages, Topic

MOST_FIELDS = 5
MOST_BYTES = 2_000

_log = structlog.get_logger(__name__)


def customer_router(pages: CustomerPages) -> APIRouter:
    """The routes behind an update link."""
    router = APIRouter()

    @router.api_route(f"{PATH}/{{token}}", methods=["GET", "HEAD"])
    def update_page(request: Request, token: str) -> Response:
        return _careful(pages, request, lambda: pages.show(request, token))

    @router.post(f"{PATH}/{{token}}/method")
    def update_method(request: Request, token: str) -> Response:
        return _careful(pages, request, lambda: pages.to_portal(request, token))

    @router.api_route(f"{PATH}/{{token}}/done", methods=["GET", "HEAD"])
    def done(request: Request, token: str) -> Response:
        return _careful(pages, request, lambda: pages.thank(request, token))

    for topic in get_args(Topic):
        _add_topic(router, pages, topic)
    return router


def _add_topic(router: APIRouter, pages: CustomerPages, topic: Topic) -> None:
    @router.api_route(f"{PATH}/{{token}}/{topic}", methods=["GET", "HEAD"])
    def ask(request: Request, token: str) -> Response:
        return _careful(pages, request, lambda: pages.ask(request, token, topic))

    @router.post(f"{PATH}/{{token}}/{topic}")
    async def act(request: Request, token: str) -> Response:
        form = await _fields(request)
        return await _carefully(pages, request, lambda: pages.act(request, token, topic, form))


async def _fields(request: Request) -> dict[str, str]:
    """The form's few fields; a form that is not one of ours, or too large for one, has none."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return {}
    try:
        return dict(parse_qsl(body.decode(), max_num_fields=MOST_FIELDS))
    except ValueError:
        return {}


def _careful(pages: CustomerPages, request: Request, show: Callable[[], Response]) -> Response:
    try:
        return show()
    except RecoupError as error:
        _log.error("page_failed", reason=str(error))
        return pages.try_again(request)


async def _carefully(
    pages: CustomerPages, request: Request, act: Callable[[], Awaitable[Response]]
) -> Response:
    try:
        return await act()
    except RecoupError as error:
        _log.error("page_failed", reason=str(error))
        return await run_in_threadpool(pages.try_again, request)
