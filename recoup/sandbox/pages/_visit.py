"""From a browser's request to a page: the form read, the handler run beside the event loop, the safe headers put on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from recoup.sandbox.objects.account import ensure_account
from recoup.sandbox.pages._format import card_name, day, money
from recoup.sandbox.sandbox import Sandbox
from recoup.sandbox.work import Work

_LARGEST_FORM = 16_384


@dataclass(frozen=True)
class Visit:
    """One visit of a page: whom the token in its address stands for, and what was sent with it."""

    sandbox: Sandbox
    token: str
    posted: bool
    form: Mapping[str, str]


@dataclass(frozen=True)
class Page:
    """A page to show. ``leads_to`` are addresses that its forms may end at, outside the sandbox."""

    template: str
    values: Mapping[str, Any]
    status: int = 200
    leads_to: tuple[str, ...] = ()


@dataclass(frozen=True)
class SendTo:
    """Send the browser on to another address."""

    address: str


Answer = Page | SendTo
Handler = Callable[[Visit], Answer]


def message(title: str, text: str, status: int = 200, back: str | None = None) -> Page:
    """A page that only says something; ``back`` is an address to go on to."""
    return Page("message.html", {"title": title, "text": text, "back": back}, status)


def merchant(work: Work) -> str:
    """The name of the company that the account belongs to."""
    return str(ensure_account(work)["business_profile"]["name"])


def endpoint(sandbox: Sandbox, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """The handler as Starlette wants it; database work runs in a thread."""

    async def serve(request: Request) -> Response:
        form: dict[str, str] = {}
        if request.method == "POST":
            body = await _body(request)
            if body is None:
                return PlainTextResponse("The form is too large.", 413)
            form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=50))
        visit = Visit(sandbox, request.path_params["token"], request.method == "POST", form)
        return _respond(await run_in_threadpool(handler, visit))

    return serve


async def style(_request: Request) -> Response:
    """The style sheet of all pages."""
    return Response(_STYLE, media_type="text/css", headers={"Cache-Control": "max-age=300"})


async def _body(request: Request) -> bytes | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_FORM:
            return None
    return body


def _respond(answer: Answer) -> Response:
    if isinstance(answer, SendTo):
        response: Response = RedirectResponse(answer.address, 303)
    else:
        response = HTMLResponse(
            _ENVIRONMENT.get_template(answer.template).render(answer.values), answer.status
        )
    leads_to = answer.leads_to if isinstance(answer, Page) else ()
    response.headers.update(_headers(leads_to))
    return response


def _headers(leads_to: tuple[str, ...]) -> dict[str, str]:
    """Nothing from elsewhere, no script; browsers hold redirects after a form to ``form-action`` too."""
    targets = " ".join(["'self'", *sorted({_origin(address) for address in leads_to} - {""})])
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src 'self'; form-action {targets}; "
        "frame-ancestors 'none'; base-uri 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
        "Cache-Control": "no-store",
    }


def _origin(address: str) -> str:
    parts = urlsplit(address)
    safe = parts.scheme in ("http", "https") and not set(parts.netloc) & set(" ;,'\"")
    return f"{parts.scheme}://{parts.netloc}" if safe and parts.netloc else ""


_ENVIRONMENT = Environment(
    loader=PackageLoader("recoup.sandbox.pages"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(money=money, day=day, card_name=card_name)
_STYLE = PackageLoader("recoup.sandbox.pages").get_source(_ENVIRONMENT, "style.css")[0]
