"""The codec server: decrypts what the Temporal UI and the ``temporal`` command show, for people who have its token.

It speaks the remote codec protocol of Temporal: ``POST …/decode`` and ``…/encode`` with payloads as JSON. The token stands in the header
(``Authorization: Bearer …``) or, for the UI, which has a field for the address alone, in the path: ``/t/TOKEN/decode``.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads

from recoup.temporal.encryption import CannotDecrypt, Encryption
from recoup.web.middleware import AccessLog, CarefulHeaders
from recoup.web.serving import UNTRACED

MOST_BYTES = 4_000_000
"""Temporal itself refuses a larger message."""
SHORTEST_TOKEN = 16

_log = structlog.get_logger(__name__)


def codec_app(encryption: Encryption, token: str, origin: str | None, public_url: str) -> FastAPI:
    """The server; ``origin`` is the UI's, as browsers write it."""
    app = FastAPI(title="Recoup codec", openapi_url=None, redirect_slashes=False, telemetry=UNTRACED)
    app.include_router(_router(Codec(encryption, token, origin)))
    app.add_middleware(CarefulHeaders, public_url=public_url)
    app.add_middleware(AccessLog)
    return app


class Codec:
    """Checks who asks, and answers."""

    def __init__(self, encryption: Encryption, token: str, origin: str | None) -> None:
        self._works: dict[str, Callable[[Payload], Payload]] = {
            "decode": encryption.decrypted,
            "encode": encryption.encrypted,
        }
        self._token, self._origin = token, origin

    async def answer(self, request: Request, work: str, token: str | None) -> Response:
        """The payloads, decrypted or encrypted."""
        if not self._knows(request, token):
            return self._said(401, "the token is missing or wrong", request)
        body = await request.body()
        if len(body) > MOST_BYTES:
            return self._said(413, "too much at once", request)
        try:
            payloads = json_format.Parse(body, Payloads())
            done = Payloads(payloads=[self._works[work](each) for each in payloads.payloads])
        except CannotDecrypt as error:
            _log.warning("not_decrypted", reason=str(error))
            return self._said(400, str(error), request)
        except (json_format.ParseError, UnicodeDecodeError):
            return self._said(400, "the body is not a list of payloads", request)
        return Response(
            json_format.MessageToJson(done), media_type="application/json", headers=self._cors(request)
        )

    def allow(self, request: Request) -> Response:
        """What a browser asks before it asks."""
        return Response(status_code=204, headers=self._cors(request))

    def _knows(self, request: Request, token: str | None) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        told = given if scheme.lower() == "bearer" else token or ""
        return hmac.compare_digest(told.encode(), self._token.encode())

    def _said(self, status: int, error: str, request: Request) -> Response:
        return JSONResponse({"error": error}, status, self._cors(request))

    def _cors(self, request: Request) -> dict[str, str]:
        if self._origin is None or request.headers.get("origin") != self._origin:
            return {}
        return {
            "Access-Control-Allow-Origin": self._origin,
            "Access-Control-Allow-Methods": "POST, OPTIONS",
            "Access-Control-Allow-Headers": "authorization, content-type, x-namespace",
            "Access-Control-Allow-Credentials": "true",
            "Vary": "Origin",
        }


def _router(codec: Codec) -> APIRouter:
    router = APIRouter()
    for work in ("decode", "encode"):
        _add(router, codec, work)
    return router


def _add(router: APIRouter, codec: Codec, work: str) -> None:
    @router.post(f"/{work}")
    async def by_header(request: Request) -> Response:
        return await codec.answer(request, work, None)

    @router.post(f"/t/{{token}}/{work}")
    async def by_path(request: Request, token: str) -> Response:
        return await codec.answer(request, work, token)

    @router.options(f"/{work}")
    @router.options(f"/t/{{token}}/{work}")
    async def before(request: Request) -> Response:
        return codec.allow(request)
