"""The product in this process: the worker's activities and the starter's app, put together as their processes do it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import httpx2
import yaml
from pydantic import HttpUrl, SecretStr
from stripe import StripeClient
from temporalio.client import Client

import starter
import worker
from recoup.clock import Clock
from recoup.ledger import Ledger
from recoup.messages import MailSettings
from recoup.policy.file import load_policy
from recoup.rules.policy import Policy
from recoup.settings import AccessSettings, Settings, StarterSettings, StripeSettings
from recoup.temporal.gateway import CaseGateway
from recoup.virtual.client import HostClient
from recoup.web.stripe_side import StripeBilling
from workflows.hosted import RECOVERY

API_KEY = "sk_test_of_virtual_time"
# Everything here listens on this machine alone and is gone in a minute.
WEBHOOK_SECRET = "whsec_of_virtual_time_not_a_secret"  # noqa: S105
LINK_SECRET = "virtual-time-of-recoup-not-a-secret"  # noqa: S105
ACCESS_SECRET = "whsec_Y2hhb3Mgb2YgcmVjb3VwLCBub3QgYSBzZWNyZXQ="  # noqa: S105
WORKFLOWS = list(RECOVERY)
STARTER = "http://127.0.0.1:1"
"""Where the starter says that it is; it is called in this process."""


def settings_of(directory: Path, stripe: str, company: str, policy: Policy) -> Settings:
    """The settings of a batch: this Stripe, this company's backend, the rest in the directory."""
    policy_file = directory / "policy.yaml"
    policy_file.write_text(yaml.safe_dump(policy.model_dump(mode="json")))
    return Settings.model_construct(
        stripe=StripeSettings(
            api_key=SecretStr(API_KEY),
            api_base=stripe,
            webhook_secrets=(SecretStr(WEBHOOK_SECRET),),
            sweep_requests_per_second=100,
            # Longer than an operator may set: a busy machine is no fault, and the virtual time of activities does not run.
        ).model_copy(update={"timeout_seconds": 30}),
        access=AccessSettings(webhook_url=HttpUrl(company), webhook_secret=SecretStr(ACCESS_SECRET)),
        starter=StarterSettings(),
        mail=MailSettings(outbox=directory / "outbox", company="Northwind"),
        database_url=f"sqlite:///{directory / 'recoup.db'}",
        policy_file=policy_file,
        public_url=STARTER,
        link_secrets=(SecretStr(LINK_SECRET),),
        clock_file=directory / "clock",
    )


def build_activities(settings: Settings, ledger: Ledger, client: HostClient) -> list[Callable[..., Any]]:
    """The worker's activities."""
    return list(worker.build_activities(settings, ledger, cast(Client, _connected(client))))


def build_starter(
    settings: Settings, ledger: Ledger, client: HostClient, api: StripeClient, clock: Clock
) -> httpx2.ASGITransport:
    """The starter's app, to be called here."""
    gateway = CaseGateway(cast(Any, _connected(client)))
    offered = load_policy(settings.policy_file).policy.customer_page
    app = starter.assemble(settings, ledger, gateway, StripeBilling(api, None), clock, offered)
    return httpx2.ASGITransport(app)


def _connected(client: HostClient) -> Any:
    async def connected() -> HostClient:
        return client

    return connected
