"""``POST /webhooks/stripe``: what is refused, what is acknowledged, and when Stripe is asked to send it again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from opentelemetry.trace import SpanKind, get_tracer
from pydantic import ValidationError

from recoup.clock import Clock
from recoup.errors import ConfigurationError, RecoupError
from recoup.settings import Settings
from recoup.web.webhooks.commands import Command, Ignore
from recoup.web.webhooks.dispatch import Delivery, Dispatcher
from recoup.web.webhooks.routing import route
from recoup.web.webhooks.shapes import Event
from recoup.web.webhooks.signature import BadSignature, check_signature

PATH = "/webhooks/stripe"
RETRY_AFTER_SECONDS = 30

_log = structlog.get_logger(__name__)
_tracer = get_tracer("recoup")


class Refused(Exception):
    """The request changes nothing; ``str(error)`` is the reason, fit to be answered."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Intake:
    """What a webhook must be to be let in."""

    secrets: Sequence[str]
    tolerance: timedelta
    max_body_bytes: int
    clock: Clock
    live: bool | None
    """Whether the configured key is a live key; None where that cannot be told."""

    async def read(self, request: Request) -> dict[str, Any]:
        """The event as Stripe sent it.

        Raises:
            Refused: too large, badly signed, too old or from the future, not a JSON object, of the other mode.
        """
        body = await limited_body(request, self.max_body_bytes)
        header = request.headers.get("stripe-signature")
        try:
            check_signature(body, header, self.secrets, self.clock.now(), self.tolerance)
        except BadSignature as error:
            raise Refused(str(error)) from error
        event = _parse(body)
        self._check_mode(event)
        return event

    def _check_mode(self, event: dict[str, Any]) -> None:
        livemode = event.get("livemode")
        if self.live is None or not isinstance(livemode, bool) or livemode == self.live:
            return
        words = {True: "live", False: "test"}
        raise Refused(f"this is a {words[livemode]} event, and Recoup runs with a {words[self.live]} key")


def intake_from(settings: Settings, clock: Clock) -> Intake:
    """The intake that the settings ask for.

    Raises:
        ConfigurationError: there is no secret to check signatures with.
    """
    secrets = [secret.get_secret_value() for secret in settings.stripe.webhook_secrets]
    if not secrets or not all(secrets):
        raise ConfigurationError(
            "No webhook can be checked: RECOUP_STRIPE__WEBHOOK_SECRETS must be a JSON list with the endpoint's"
            ' signing secret, such as ["whsec_…"]'
        )
    return Intake(
        secrets=secrets,
        tolerance=timedelta(seconds=settings.starter.webhook_tolerance_seconds),
        max_body_bytes=settings.starter.max_body_bytes,
        clock=clock,
        live=is_live_key(settings.stripe.api_key.get_secret_value()),
    )


def is_live_key(key: str) -> bool | None:
    """Whether a secret or restricted key is for live mode; None where its form does not say."""
    if key.startswith(("sk_live_", "rk_live_")):
        return True
    return False if key.startswith(("sk_test_", "rk_test_")) else None


def webhook_router(intake: Intake, dispatcher: Dispatcher) -> APIRouter:
    """The route for Stripe's webhooks."""
    router = APIRouter()

    @router.post(PATH)
    async def stripe_webhook(request: Request) -> JSONResponse:
        try:
            event = await intake.read(request)
        except Refused as error:
            _log.warning("webhook_refused", status=error.status, reason=str(error))
            return JSONResponse({"error": str(error)}, error.status)
        return await _acknowledge(dispatcher, event)

    return router


async def _acknowledge(dispatcher: Dispatcher, event: dict[str, Any]) -> JSONResponse:
    commands = _commands(event)
    try:
        told = Event.model_validate(event)
    except ValidationError:
        because = "; ".join(command.because for command in commands if isinstance(command, Ignore))
        _log.warning("webhook_not_understood", because=because)
        return JSONResponse({"received": True, "did": [because]})
    about = {"stripe.event_id": told.id, "stripe.object_id": told.object_id or ""}
    try:
        with _tracer.start_as_current_span(f"webhook {told.type}", kind=SpanKind.SERVER, attributes=about):
            done = await dispatcher.dispatch(Delivery.of(told), commands)
    except RecoupError as error:
        _log.error("webhook_not_accepted", event_id=told.id, type=told.type, reason=str(error))
        answer = {"error": "not accepted yet; please send it again"}
        return JSONResponse(answer, 503, {"Retry-After": str(RETRY_AFTER_SECONDS)})
    _log.info("webhook", event_id=told.id, type=told.type, repeated=done.repeated, did=list(done.did))
    return JSONResponse({"received": True, "repeated": done.repeated, "did": list(done.did)})


def _commands(event: dict[str, Any]) -> list[Command]:
    if event.get("object") == "v2.core.event":
        because = "it is a thin event; Recoup reads snapshot events, so set the endpoint's payload style to snapshot"
        return [Ignore(because)]
    return route(event)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused("the body is not JSON") from error
    if not isinstance(event, dict):
        raise Refused("the body is not a JSON object")
    return event


async def limited_body(request: Request, limit: int) -> bytes:
    """The body, given up as soon as it is too large, whatever its announced length.

    Raises:
        Refused: it is larger than ``limit`` bytes.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise Refused(f"the body is larger than {limit} bytes", 413)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Refused(f"the body is larger than {limit} bytes", 413)
    return bytes(body)
