"""The public web process: Stripe's webhooks in, cases begun and told; the customers' pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import structlog
from fastapi import FastAPI
from starlette.staticfiles import StaticFiles
from temporalio.client import Interceptor

from recoup.billing import stripe_client
from recoup.clock import Clock, clock_for
from recoup.ledger import Ledger
from recoup.links import unsubscribe_links, update_links
from recoup.logs import configure_logs
from recoup.messages import Outbox
from recoup.observing import observed, traced
from recoup.policy.file import load_policy
from recoup.process import run_to_exit
from recoup.rules.customer_page import CustomerPage
from recoup.settings import Settings, load_settings
from recoup.temporal.gateway import CaseGateway
from recoup.temporal.lazy import LazyClient
from recoup.web.customer import Cases, CustomerPages, customer_router
from recoup.web.health import health_router, ledger_check
from recoup.web.inbox import inbox_router
from recoup.web.middleware import AccessLog, CarefulHeaders
from recoup.web.notice import notices_from
from recoup.web.pages import ASSETS, ASSETS_PATH, Pages
from recoup.web.returns import returns_from
from recoup.web.serving import UNTRACED, serve
from recoup.web.stripe_side import Billing, StripeBilling
from recoup.web.unsubscribing import Unsubscribing, unsubscribe_router
from recoup.web.webhooks import Dispatcher, Gateway, intake_from, webhook_router

_log = structlog.get_logger("recoup.starter")


def build_app(settings: Settings, interceptors: Sequence[Interceptor] = ()) -> FastAPI:
    """The web process over the systems that the settings name. Temporal may be away; the database may not.

    Raises:
        RecoupError: a setting is missing or cannot be used, or the database does not answer.
    """
    billing = StripeBilling(stripe_client(settings.stripe), settings.stripe.portal_configuration)
    offered = load_policy(settings.policy_file).policy.customer_page
    gateway = CaseGateway(LazyClient(settings.temporal, interceptors))
    ledger = Ledger.connect(settings.database_url)
    ledger.migrate()
    return assemble(settings, ledger, gateway, billing, clock_for(settings.clock_file), offered)


class Door(Gateway, Cases, Protocol):
    """Everything through which the web process reaches the cases."""


def assemble(
    settings: Settings,
    ledger: Ledger,
    gateway: Door,
    billing: Billing,
    clock: Clock,
    offered: CustomerPage | None = None,
) -> FastAPI:
    """Put the routes together; raises as :func:`build_app`. The ledger is closed when the app stops."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        _log.info("serving", public_url=settings.public_url, ledger=ledger.name)
        with observed(settings.metrics.host, settings.metrics.starter_port, ledger, clock):
            yield
        ledger.close()
        _log.info("stopped")

    # Integrators get no interface here, so there is no description of one either.
    app = FastAPI(
        title="Recoup", lifespan=lifespan, openapi_url=None, redirect_slashes=False, telemetry=UNTRACED
    )
    pages = Pages(settings.mail.templates, settings.mail.default_locale)
    links = update_links(settings)
    customer = CustomerPages(
        ledger,
        billing,
        links,
        pages,
        settings.mail,
        settings.public_url,
        clock,
        gateway,
        offered or CustomerPage(),
    )
    dispatcher = Dispatcher(ledger, gateway, billing, clock)
    app.include_router(webhook_router(intake_from(settings, clock), dispatcher))
    app.include_router(customer_router(customer))
    unsubscribing = Unsubscribing(ledger, unsubscribe_links(settings), pages, settings.mail, clock)
    app.include_router(unsubscribe_router(unsubscribing))
    for router in (
        notices_from(settings, ledger, links, clock),
        returns_from(settings, ledger, gateway, clock),
    ):
        if router is not None:
            app.include_router(router)
    app.include_router(health_router({"temporal": gateway.check, "ledger": ledger_check(ledger)}))
    if settings.starter.inbox:
        app.include_router(inbox_router(Outbox(settings.mail.outbox), pages, settings.mail.company))
    app.mount(ASSETS_PATH, StaticFiles(directory=ASSETS))
    app.add_middleware(CarefulHeaders, public_url=settings.public_url)
    app.add_middleware(AccessLog)
    return app


def main() -> None:
    """Run the starter with the settings of the environment, until SIGTERM or SIGINT."""
    configure_logs()
    run_to_exit(lambda: run(load_settings()))


def run(settings: Settings) -> None:
    """Serve, then return."""
    with traced(settings.tracing, "starter") as interceptors:
        app = build_app(settings, interceptors)
        asyncio.run(serve(app, settings.starter.host, settings.starter.port))


if __name__ == "__main__":
    main()
