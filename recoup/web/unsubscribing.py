"""``/unsubscribe/{token}``: stop the mails about failed payments, with one click of a mail program (RFC 8058) or of a page.

GET only shows: mail scanners and previews follow links. POST stops the channel at once, whatever its body says, and says the
same when it comes again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from recoup.clock import Clock
from recoup.errors import RecoupError
from recoup.ledger import Ledger, NewStop
from recoup.links import UNSUBSCRIBE_PATH, UnsubscribeLinks
from recoup.messages import MailSettings
from recoup.rules.channels import Channel, StopReason
from recoup.web.customer import accepted
from recoup.web.pages import Pages, page

RETRY_AFTER_SECONDS = "60"
_LATELY = timedelta(days=365)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Unsubscribing:
    """The page and the word it takes."""

    ledger: Ledger
    links: UnsubscribeLinks
    pages: Pages
    mail: MailSettings
    clock: Clock

    def answer(self, request: Request, token: str) -> Response:
        """The page with its button, or after it the page that says so."""
        whom = self.links.read(token)
        if whom is None:
            return self._page(request, "gone", status=404, expired=False)
        customer, channel, subject = whom
        if request.method == "POST":
            self._stop(customer, channel, subject)
        stopped = self.ledger.channels.stopped(channel, [customer, subject]) is not None
        name = "unsubscribed" if stopped else "unsubscribe"
        return self._page(request, name, customer, path=f"{UNSUBSCRIBE_PATH}/{token}")

    def try_again(self, request: Request) -> Response:
        """The ledger does not answer: a mail program tries again."""
        response = self._page(request, "try_again", status=503, sent=request.method == "POST")
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
        return response

    def _stop(self, customer: str, channel: Channel, subject: str) -> None:
        new = NewStop(
            channel=channel,
            subject=subject,
            customer=customer,
            reason=StopReason.UNSUBSCRIBED,
            actor="customer",
        )
        news = self.ledger.channels.stop(new, self.clock.now())
        _log.info("unsubscribed", customer=customer, channel=channel.value, repeated=not news)

    def _page(
        self, request: Request, name: str, customer: str | None = None, *, status: int = 200, **more: object
    ) -> HTMLResponse:
        wanted = accepted(request.headers.get("accept-language"))
        if customer is not None:
            told = self.ledger.messages.of_customer(customer, self.clock.now() - _LATELY)
            wanted = [*(row.locale for row in told[-1:]), *wanted]
        values = {"company": self.mail.company, "support": self.mail.support, **more}
        return page(self.pages.html(name, self.pages.language(wanted), values), status)


def unsubscribe_router(unsubscribing: Unsubscribing) -> APIRouter:
    """The route behind the links of ``List-Unsubscribe``."""
    router = APIRouter()

    @router.api_route(f"{UNSUBSCRIBE_PATH}/{{token}}", methods=["GET", "HEAD", "POST"])
    def unsubscribe(request: Request, token: str) -> Response:
        try:
            return unsubscribing.answer(request, token)
        except RecoupError as error:
            _log.error("page_failed", reason=str(error))
            return unsubscribing.try_again(request)

    return router
