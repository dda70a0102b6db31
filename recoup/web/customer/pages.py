"""What the customer's pages show, and what their forms lead to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import structlog
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from recoup.clock import Clock
from recoup.ledger import Ledger, LinkRow
from recoup.links import PATH, Refusal, UpdateLinks
from recoup.messages import MailSettings
from recoup.rules.customer_page import CancelWhen, CustomerPage
from recoup.web.customer import _offers as offers
from recoup.web.customer._acts import Acts, Cases
from recoup.web.customer._debt import Debt, debt_of, values
from recoup.web.customer._guarding import is_from_here, looks_too_often, too_often
from recoup.web.customer._history import History, history_of
from recoup.web.customer._language import accepted
from recoup.web.pages import Pages, csp, page
from recoup.web.stripe_side import Billing, Subscribed

RETRY_AFTER_SECONDS = "60"
Topic = Literal["promise", "plan", "pause", "cancel"]
_STATUS: dict[Refusal, int] = {"unknown": 404, "expired": 410, "revoked": 410}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody with a link that works, and what is true of them now."""

    link: LinkRow
    debt: Debt
    history: History
    wanted: list[str]
    """The languages they want: Stripe's word before the browser's."""


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
    cases: Cases
    offered: CustomerPage

    # What is shown.

    def show(self, request: Request, token: str) -> Response:
        """What is owed, what happens otherwise, the ways to pay, and the other ways."""
        visit = self._visit(request, token)
        if not isinstance(visit, Visit):
            return visit
        if request.method == "GET":
            self.ledger.links.note_opened(visit.link.id, self.clock.now())
        if not visit.debt.items:
            return (
                self._page(request, "cancelled", visit, **self._left(visit))
                if visit.history.cancelled
                else (self._page(request, "nothing_owed", visit, method_path=f"{PATH}/{token}/method"))
            )
        subscriptions = (
            self.billing.subscriptions(visit.link.customer) if offers.asks_stripe(self.offered) else ()
        )
        return self._page(
            request,
            "update",
            visit,
            base=f"{PATH}/{token}",
            method_path=f"{PATH}/{token}/method",
            ways=offers.ways(self.offered, visit.debt, subscriptions),
            answer=visit.history.answers[-1] if visit.history.answers else None,
            pending="noted" in request.query_params,
            paused=self._paused(visit, subscriptions),
        )

    def ask(self, request: Request, token: str, topic: Topic) -> Response:
        """One of the other ways: what it means in days and money, and the form that chooses it."""
        visit = self._visit(request, token)
        if not isinstance(visit, Visit):
            return visit
        told = {
            "promise": self._promises,
            "plan": self._plans,
            "pause": self._pauses,
            "cancel": self._ends,
        }[topic](visit)
        if not told["choices"]:
            return self._back(token)
        base = f"{PATH}/{token}"
        return self._page(request, topic, visit, base=base, path=f"{base}/{topic}", **told)

    def thank(self, request: Request, token: str) -> Response:
        """Where Stripe's page leads back to. The link may have ended meanwhile, because everything is paid."""
        if self.links.read(token) is None:
            return self._gone(request, "unknown")
        link = self.links.open(token, self.ledger, self.clock.now())
        if not isinstance(link, LinkRow):
            return self._page(request, "done", debt=Debt((), None), again_path=None)
        if looks_too_often(self.ledger, link, self.clock):
            return self._too_often(request)
        return self._page(request, "done", self._seen(request, link), again_path=f"{PATH}/{token}")

    def try_again(self, request: Request) -> Response:
        """Something that is needed does not answer."""
        response = self._page(request, "try_again", status=503, sent=request.method == "POST")
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
        return response

    # What is done.

    def to_portal(self, request: Request, token: str) -> Response:
        """A fresh page of Stripe's for a new payment method."""
        link = self._sender(request, token)
        if not isinstance(link, LinkRow):
            return link
        back = f"{self.public_url.rstrip('/')}{PATH}/{token}"
        address = self.billing.portal_address(link.customer, back=back, done=f"{back}/done")
        self.ledger.links.note_used(link.id, self.clock.now())
        return RedirectResponse(address, 303)

    async def act(self, request: Request, token: str, topic: Topic, form: Mapping[str, str]) -> Response:
        """Carry out what a form asks for, if it is offered to this customer now; then lead back to the page."""
        link = await run_in_threadpool(self._sender, request, token)
        if not isinstance(link, LinkRow):
            return link
        visit = await run_in_threadpool(self._seen, request, link)
        acts = Acts(self.cases, link.customer, self.clock.now())
        carry_out = {
            "promise": self._promise,
            "plan": self._plan,
            "pause": self._pause,
            "cancel": self._cancel,
        }[topic]
        done = await carry_out(acts, visit, form)
        if done is None:
            # Nothing was chosen, or what was chosen is not offered any more: the form says what there is.
            return RedirectResponse(f"{PATH}/{token}/{topic}", 303)
        await run_in_threadpool(self.ledger.links.note_used, link.id, self.clock.now())
        return self._back(token, noted=not done)

    async def _promise(self, acts: Acts, visit: Visit, form: Mapping[str, str]) -> bool | None:
        chosen = _whole(form.get("days"))
        if visit.debt.promised is not None and not visit.debt.promisable:
            return True
        if chosen is None or chosen not in offers.promise_days(self.offered, visit.debt):
            return None
        await acts.promise(visit.debt.promisable, chosen)
        return True

    async def _cancel(self, acts: Acts, visit: Visit, form: Mapping[str, str]) -> bool | None:
        chosen, mine = form.get("subscription"), visit.debt.subscriptions
        everything = chosen == offers.all_of(mine)
        subscriptions = mine if everything else tuple(each for each in mine if each == chosen)
        if self.offered.cancel is CancelWhen.NOT_OFFERED or not subscriptions:
            return True if chosen in visit.history.cancelled.values() else None
        return await acts.cancel(subscriptions, self.offered.cancel)

    async def _pause(self, acts: Acts, visit: Visit, form: Mapping[str, str]) -> bool | None:
        subscription, _, chosen = form.get("choice", "").partition("/")
        possible = await run_in_threadpool(offers.pausable, visit.debt, self.billing)
        found = next((each for each in possible if each.id == subscription), None)
        if found is None or _whole(chosen) not in self.offered.pause_days:
            return None
        return await acts.pause(found, int(chosen))

    async def _plan(self, acts: Acts, visit: Visit, form: Mapping[str, str]) -> bool | None:
        subscription, _, price = form.get("choice", "").partition("/")
        possible = await run_in_threadpool(offers.choices, self.offered, visit.debt, self.billing)
        mine = [each for each in possible if each.subscription.id == subscription]
        found = next((each for each in mine if each.after.price == price), None)
        return None if found is None else await acts.switch(found)

    # What a form offers.

    def _promises(self, visit: Visit) -> dict[str, Any]:
        writing, now = self._writing(visit), self.clock.now()
        counts = offers.promise_days(self.offered, visit.debt)
        concerned = [item for item in visit.debt.items if item.promisable]
        return {
            "choices": writing.days_ahead(counts, now),
            "tried": any(item.may_retry for item in concerned),
        }

    def _plans(self, visit: Visit) -> dict[str, Any]:
        writing = self._writing(visit)
        found = offers.choices(self.offered, visit.debt, self.billing)
        return {
            "choices": [
                {
                    "value": f"{each.subscription.id}/{each.after.price}",
                    "before": writing.plan(each.before),
                    "after": writing.plan(each.after),
                    "from": writing.day(each.subscription.renews_at),
                }
                for each in found
            ]
        }

    def _pauses(self, visit: Visit) -> dict[str, Any]:
        writing, now = self._writing(visit), self.clock.now()
        lengths = writing.days_ahead(self.offered.pause_days, now)
        return {
            "choices": [
                {
                    "value": f"{each.id}/{length['days']}",
                    "name": offers.named(visit.debt.items, each.id),
                    **length,
                }
                for each in offers.pausable(visit.debt, self.billing)
                for length in lengths
            ]
        }

    def _ends(self, visit: Visit) -> dict[str, Any]:
        writing = self._writing(visit)
        if not offers.ways(self.offered, visit.debt, ())["cancel"]:
            return {"choices": []}
        read = {each.id: each for each in self.billing.subscriptions(visit.link.customer)}
        return {
            "choices": [
                {
                    "value": each,
                    "name": offers.named(visit.debt.items, each),
                    "amount": writing.owed(visit.debt.items, each),
                    "ends": writing.day(offers.ends_at(self.offered, read.get(each))),
                }
                for each in visit.debt.subscriptions
            ],
            "all": offers.all_of(visit.debt.subscriptions),
        }

    def _left(self, visit: Visit) -> dict[str, Any]:
        """The subscriptions that the customer has cancelled, and how far that has come."""
        writing = self._writing(visit)
        mine = set(visit.history.cancelled.values())
        read = [each for each in self.billing.subscriptions(visit.link.customer) if each.id in mine]
        return {
            "left": [
                {"over": each.has_ended, "ends": writing.day(each.renews_at) if each.ends else None}
                for each in read
            ]
        }

    def _paused(self, visit: Visit, subscriptions: tuple[Subscribed, ...]) -> str | None:
        mine = [each for each in subscriptions if each.id in visit.debt.subscriptions]
        until = min((each.paused_until for each in mine if each.paused_until), default=None)
        return self._writing(visit).day(until)

    # The parts of it.

    def _visit(self, request: Request, token: str) -> Visit | Response:
        link = self.links.open(token, self.ledger, self.clock.now())
        if not isinstance(link, LinkRow):
            return self._gone(request, link)
        if looks_too_often(self.ledger, link, self.clock):
            return self._too_often(request)
        return self._seen(request, link)

    def _seen(self, request: Request, link: LinkRow) -> Visit:
        """What is owed, read fresh, and what was said before."""
        now = self.clock.now()
        owing = self.billing.owing(link.customer)
        history = history_of(self.ledger, link.customer, now)
        debt = debt_of(self.ledger, link.customer, owing, history, now)
        return Visit(link, debt, history, [*owing.locales, *accepted(request.headers.get("accept-language"))])

    def _sender(self, request: Request, token: str) -> LinkRow | Response:
        """The link through which a form was sent from our page, not too often; or the page that refuses it."""
        if not is_from_here(request, self.public_url):
            _log.warning("update_refused", because="the form was sent from another site")
            return self._page(request, "try_again", status=403, sent=False)
        link = self.links.open(token, self.ledger, self.clock.now())
        if not isinstance(link, LinkRow):
            return self._gone(request, link)
        if too_often(self.ledger, link, self.clock):
            _log.warning("update_refused", because="forms came too often through one link")
            return self._too_often(request)
        return link

    def _too_often(self, request: Request) -> Response:
        response = self._page(request, "try_again", status=429, sent=False)
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
        return response

    def _back(self, token: str, *, noted: bool = False) -> Response:
        return RedirectResponse(f"{PATH}/{token}" + ("?noted" if noted else ""), 303)

    def _writing(self, visit: Visit) -> offers.Writing:
        locale = self.pages.language(visit.wanted).locale
        return offers.Writing(locale, visit.debt.timezone or self.mail.default_timezone)

    def _gone(self, request: Request, refusal: Refusal) -> Response:
        return self._page(request, "gone", status=_STATUS[refusal], expired=refusal != "unknown")

    def _page(
        self,
        request: Request,
        name: str,
        visit: Visit | None = None,
        *,
        status: int = 200,
        debt: Debt | None = None,
        **more: Any,
    ) -> HTMLResponse:
        wanted = visit.wanted if visit is not None else accepted(request.headers.get("accept-language"))
        language = self.pages.language(wanted)
        told: dict[str, Any] = {"company": self.mail.company, "support": self.mail.support, **more}
        shown = visit.debt if visit is not None else debt
        if shown is not None:
            told |= values(shown, language.locale, self.mail.default_timezone)
        # Browsers apply form-action to the redirect that follows the form, and Stripe's portal may live on a
        # domain of the company's own: any https address is allowed, and here the sandbox on this machine.
        forms_to = "'self' https:" + (" http://127.0.0.1:*" if _is_local(self.public_url) else "")
        return page(self.pages.html(name, language, told), status, policy=csp(forms_to=forms_to))


def _is_local(public_url: str) -> bool:
    return urlsplit(public_url).hostname in ("127.0.0.1", "localhost", "::1")


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 5 else None
