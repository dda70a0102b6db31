"""``POST /webhooks/ses``: what SNS may tell, the confirmation of a subscription, and when SNS is asked to send it again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from recoup.clock import Clock
from recoup.errors import RecoupError
from recoup.settings import Settings
from recoup.web.ses.aws import Fetch, is_certificate_address, is_confirmation_address
from recoup.web.ses.envelope import BadEnvelope, Envelope, check_envelope
from recoup.web.ses.taking import Returns
from recoup.web.webhooks.endpoint import RETRY_AFTER_SECONDS, Refused, limited_body

PATH = "/webhooks/ses"
MOST_CERTIFICATES = 20

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SesIntake:
    """What a message must be to be let in."""

    topics: frozenset[str]
    fetch: Fetch
    clock: Clock
    max_body_bytes: int
    _certificates: dict[str, bytes] = field(default_factory=dict)

    async def read(self, request: Request) -> Envelope:
        """The message as SNS sent it.

        Raises:
            Refused: too large, no message of SNS's, of a topic that is not allowed, or not signed by SNS.
            ConnectionFailed: the certificate cannot be read now.
        """
        fields = _parse(await limited_body(request, self.max_body_bytes))
        try:
            envelope = Envelope.model_validate(fields)
        except ValidationError:
            raise Refused("the body is not a message of SNS") from None
        if envelope.topic not in self.topics:
            raise Refused("the topic is not among mail.ses.topics", 403)
        if not is_certificate_address(envelope.certificate_url):
            raise Refused("the signing certificate is not at an address of SNS")
        certificate = await run_in_threadpool(self._certificate, envelope.certificate_url)
        try:
            check_envelope(envelope, fields, certificate, self.clock.now())
        except BadEnvelope as error:
            raise Refused(str(error)) from None
        return envelope

    async def confirm(self, envelope: Envelope) -> None:
        """Confirm the subscription to a topic that is allowed.

        Raises:
            Refused: what would be asked is another thing than this confirmation.
            ConnectionFailed: SNS did not answer.
        """
        address = envelope.subscribe_url or ""
        if not is_confirmation_address(address, envelope.topic):
            raise Refused("the address would not confirm this subscription")
        await run_in_threadpool(self.fetch, address)

    def _certificate(self, address: str) -> bytes:
        if address not in self._certificates:
            fetched = self.fetch(address)
            if len(self._certificates) >= MOST_CERTIFICATES:
                self._certificates.clear()
            self._certificates[address] = fetched
        return self._certificates[address]


def ses_intake(settings: Settings, clock: Clock, fetch: Fetch) -> SesIntake:
    """The intake that the settings ask for."""
    return SesIntake(frozenset(settings.mail.ses.topics), fetch, clock, settings.starter.max_body_bytes)


def ses_router(intake: SesIntake, returns: Returns) -> APIRouter:
    """The route for what SES tells."""
    router = APIRouter()

    @router.post(PATH)
    async def ses_webhook(request: Request) -> JSONResponse:
        try:
            envelope = await intake.read(request)
            did = await _carry_out(intake, returns, envelope)
        except Refused as error:
            _log.warning("ses_refused", status=error.status, reason=str(error))
            return JSONResponse({"error": str(error)}, error.status)
        except RecoupError as error:
            _log.error("ses_not_accepted", reason=str(error))
            answer = {"error": "not accepted yet; please send it again"}
            return JSONResponse(answer, 503, {"Retry-After": str(RETRY_AFTER_SECONDS)})
        _log.info("ses", message_id=envelope.message_id, type=envelope.type, did=did)
        return JSONResponse({"received": True, "did": did})

    return router


async def _carry_out(intake: SesIntake, returns: Returns, envelope: Envelope) -> str:
    if envelope.type == "SubscriptionConfirmation":
        await intake.confirm(envelope)
        return "confirmed"
    if envelope.type == "UnsubscribeConfirmation":
        _log.error("ses_unsubscribed", topic=envelope.topic)
        return "unsubscribed"
    return await returns.take(envelope)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused("the body is not JSON") from None
    if not isinstance(fields, dict):
        raise Refused("the body is not a JSON object")
    return fields
