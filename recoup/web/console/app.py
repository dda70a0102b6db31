"""The console as a process: its parts put together, with nothing in it for the public."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.staticfiles import StaticFiles

from recoup.billing import stripe_client
from recoup.clock import Clock, clock_for
from recoup.ledger import Ledger
from recoup.links import update_links
from recoup.policy.file import LoadedPolicy, load_policy
from recoup.settings import Settings
from recoup.temporal.delivering import look_now
from recoup.temporal.gateway import CaseGateway
from recoup.temporal.lazy import LazyClient
from recoup.temporal.standing import Standings
from recoup.web.console.api import Api
from recoup.web.console.api_system import SystemApi
from recoup.web.console.case_page import CasePage
from recoup.web.console.desk import Cases, Desk, Stands, console_pages
from recoup.web.console.doors import API, Doors, Visit
from recoup.web.console.excluding import Excluding
from recoup.web.console.home import Home
from recoup.web.console.left_alone import LeftAlone
from recoup.web.console.links import CustomerLinks
from recoup.web.console.listing import Listing
from recoup.web.console.live import Live
from recoup.web.console.logged import Logged
from recoup.web.console.logging_in import LoggingIn
from recoup.web.console.oidc import provider_from
from recoup.web.console.outlook import Outlook, StripeOutlook
from recoup.web.console.recovering import Recovering
from recoup.web.console.sessions import Sessions
from recoup.web.console.stripe_view import Customers, StripeCustomers
from recoup.web.console.system import System
from recoup.web.console.through_provider import ThroughProvider
from recoup.web.console.tokens import Tokens
from recoup.web.middleware import AccessLog, CarefulHeaders
from recoup.web.pages import ASSETS, ASSETS_PATH
from recoup.web.serving import UNTRACED, serve

_log = structlog.get_logger("recoup.console")


def build_console(settings: Settings) -> FastAPI:
    """The console over the systems that the settings name. Temporal and Stripe may be away; the database may not.

    Raises:
        RecoupError: a setting is missing or cannot be used, or the database does not answer.
    """
    ledger = Ledger.connect(settings.database_url)
    ledger.migrate()
    client = LazyClient(settings.temporal)
    cases, stands = CaseGateway(client), Standings(client)
    stripe = stripe_client(settings.stripe)
    policy = load_policy(settings.policy_file)

    async def wake(destination: str) -> bool:
        return await look_now(await client(), destination)

    clock = clock_for(settings.clock_file)
    customers, outlook = StripeCustomers(stripe), StripeOutlook(settings, stripe, ledger, clock)
    return assemble_console(settings, ledger, cases, stands, customers, clock, policy, outlook, wake)


def assemble_console(
    settings: Settings,
    ledger: Ledger,
    cases: Cases,
    stands: Stands,
    customers: Customers,
    clock: Clock,
    policy: LoadedPolicy,
    outlook: Outlook,
    wake: Callable[[str], Awaitable[bool]],
) -> FastAPI:
    """Put the routes together; raises as :func:`build_console`. The ledger is closed when the app stops."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        _log.info("serving", public_url=settings.console.public_url, ledger=ledger.name)
        yield
        ledger.close()
        _log.info("stopped")

    app = FastAPI(
        title="Recoup console",
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,
        telemetry=UNTRACED,
    )
    sessions = Sessions(ledger, settings.console, clock)
    pages = console_pages(settings)
    desk = Desk(settings, ledger, cases, stands, customers, policy, pages, sessions, clock, outlook, wake)
    through = ThroughProvider(desk, provider_from(settings.console))
    doors, recovering, live = Doors(sessions, desk), Recovering(desk), Live(desk)
    app.state.live = live
    for part in (
        LoggingIn(desk, through),
        through,
        Home(desk, recovering),
        recovering,
        System(desk),
        Logged(desk),
        Listing(desk),
        CasePage(desk),
        CustomerLinks(desk, update_links(settings)),
        live,
        Excluding(desk),
        LeftAlone(desk),
        Api(desk, recovering),
        SystemApi(desk),
        Tokens(desk),
    ):
        part.add_to(doors)
    app.include_router(doors.router)
    app.mount(ASSETS_PATH, StaticFiles(directory=ASSETS))
    app.add_exception_handler(HTTPException, _not_found(desk))
    host = urlsplit(settings.console.public_url).hostname or "127.0.0.1"
    # A page elsewhere whose name is made to lead here would share nothing with us but the port; it is not answered at all.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[host, "127.0.0.1", "localhost"])
    app.add_middleware(CarefulHeaders, public_url=settings.console.public_url)
    app.add_middleware(AccessLog)
    return app


def serve_console(settings: Settings) -> None:
    """Serve until the process is told to stop."""
    app = build_console(settings)
    asyncio.run(serve(app, settings.console.host, settings.console.port, app.state.live.end))


def _not_found(desk: Desk) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        if request.url.path.startswith((API, ASSETS_PATH)):
            return JSONResponse({"error": "there is no such address"}, status)
        return desk.refused(Visit(request, desk.clock.now(), desk.sessions, None), status, "address")

    return answer
