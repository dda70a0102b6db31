"""``/u/{token}``: the page, the way to Stripe's portal, and the thanks.

GET only shows: mail scanners and previews follow links. POST needs the token and comes from the page itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from recoup.clock import Clock
from recoup.errors import RecoupError
from recoup.ledger import Ledger, LinkRow
from recoup.links import PATH, Refusal, UpdateLinks
from recoup.messages import MailSettings
from recoup.web.customer._debt import Debt, debt_of, values
from recoup.web.customer._language import accepted
from recoup.web.pages import Pages, csp, page
from recoup.web.stripe_side import Billing

RETRY_AFTER_SECONDS = "60"
_STATUS: dict[Refusal, int] = {"unknown": 404, "expired": 410, "revoked": 410}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CustomerPages:
    """Everything the customer's pages are made from."""

    ledger: Ledger
    billing: Billing
    links: UpdateLinks
    pages: Pages
    mail: MailSettings
    public_url: str
    clock: Clock

    def show(self, request: Request, token: str) -> Response:
        """What is owed, what happens otherwise, and the ways to pay."""
        link = self.links.open(token, self.ledger, self.clock.now())
        if not isinstance(link, LinkRow):
            return self._gone(request, link)
        if request.method == "GET":
            self.ledger.links.note_opened(link.id, self.clock.now())
        debt, wanted = self._debt(request, link)
        method_path = f"{PATH}/{token}/method"
        if not debt.items:
            return self._page(request, "nothing_owed", wanted=wanted, method_path=method_path)
        return self._page(request, "update", wanted=wanted, debt=debt, method_path=method_path)

    def to_portal(self, request: Request, token: str) -> Response:
        """A fresh page of Stripe's for a new payment method."""
        if not _is_from_here(request, self.public_url):
            _log.warning("update_refused", because="the form was sent from another site")
            return self._page(request, "try_again", 403)
        link = self.links.open(token, self.ledger, self.clock.now())
        if not isinstance(link, LinkRow):
            return self._gone(request, link)
        back = f"{self.public_url.rstrip('/')}{PATH}/{token}"
        address = self.billing.portal_address(link.customer, back=back, done=f"{back}/done")
        self.ledger.links.note_used(link.id, self.clock.now())
        return RedirectResponse(address, 303)

    def thank(self, request: Request, token: str) -> Response:
        """Where Stripe's page leads back to. The link may have ended meanwhile, because everything is paid."""
        if self.links.read(token) is None:
            return self._gone(request, "unknown")
        link = self.links.open(token, self.ledger, self.clock.now())
        if not isinstance(link, LinkRow):
            return self._page(request, "done", debt=Debt((), None), again_path=None)
        debt, wanted = self._debt(request, link)
        return self._page(request, "done", wanted=wanted, debt=debt, again_path=f"{PATH}/{token}")

    def try_again(self, request: Request) -> Response:
        """Something that is needed does not answer."""
        response = self._page(request, "try_again", 503)
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
        return response

    def _debt(self, request: Request, link: LinkRow) -> tuple[Debt, list[str]]:
        """What is owed, read fresh, and the languages the customer wants: Stripe's word before the browser's."""
        owing = self.billing.owing(link.customer)
        debt = debt_of(self.ledger, link.customer, owing, self.clock.now())
        own = [owing.locale] if owing.locale else []
        return debt, [*own, *accepted(request.headers.get("accept-language"))]

    def _gone(self, request: Request, refusal: Refusal) -> Response:
        return self._page(request, "gone", _STATUS[refusal], expired=refusal != "unknown")

    def _page(
        self,
        request: Request,
        name: str,
        status: int = 200,
        *,
        wanted: list[str] | None = None,
        debt: Debt | None = None,
        **more: Any,
    ) -> HTMLResponse:
        language = self.pages.language(wanted or accepted(request.headers.get("accept-language")))
        told: dict[str, Any] = {"company": self.mail.company, "support": self.mail.support, **more}
        if debt is not None:
            told |= values(debt, language.locale, self.mail.default_timezone)
        # Browsers apply form-action to the redirect that follows the form, and Stripe's portal may live on a
        # domain of the company's own: any https address is allowed, and here the sandbox on this machine.
        forms_to = "'self' https:" + (" http://127.0.0.1:*" if _is_local(self.public_url) else "")
        return page(self.pages.html(name, language, told), status, policy=csp(forms_to=forms_to))


def customer_router(pages: CustomerPages) -> APIRouter:
    """The routes behind an update link."""
    router = APIRouter()

    def careful(request: Request, show: Callable[[], Response]) -> Response:
        try:
            return show()
        except RecoupError as error:
            _log.error("page_failed", reason=str(error))
            return pages.try_again(request)

    @router.api_route(f"{PATH}/{{token}}", methods=["GET", "HEAD"])
    def update_page(request: Request, token: str) -> Response:
        return careful(request, lambda: pages.show(request, token))

    @router.post(f"{PATH}/{{token}}/method")
    def update_method(request: Request, token: str) -> Response:
        return careful(request, lambda: pages.to_portal(request, token))

    @router.api_route(f"{PATH}/{{token}}/done", methods=["GET", "HEAD"])
    def done(request: Request, token: str) -> Response:
        return careful(request, lambda: pages.thank(request, token))

    return router


def _is_from_here(request: Request, public_url: str) -> bool:
    """Whether a form was sent from our own page.

    Browsers say so in Sec-Fetch-Site. Older ones send the Origin alone, and ``null`` in it where the page, like ours, has
    the referrer policy no-referrer; that is let through, because the address itself is the secret.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is None or origin == "null":
        return True
    ours = urlsplit(public_url)
    return origin == f"{ours.scheme}://{ours.netloc}"


def _is_local(public_url: str) -> bool:
    return urlsplit(public_url).hostname in ("127.0.0.1", "localhost", "::1")
