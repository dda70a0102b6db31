"""Connecting to Temporal, the same way for every process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from temporalio.client import Client, Interceptor
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from recoup.errors import ConfigurationError, ConnectionFailed
from recoup.settings import TemporalSettings
from recoup.temporal.encryption import converter

CONNECT_SECONDS = 10.0


async def connect(
    settings: TemporalSettings, runtime: Runtime | None = None, interceptors: Sequence[Interceptor] = ()
) -> Client:
    """A connected client with the data converter that all of Recoup uses.

    Raises:
        ConnectionFailed: nobody answers at the address, or the answer is a refusal.
        ConfigurationError: a key for payloads, or a profile, that cannot be used.
    """
    data_converter, where = converter(settings.payload_keys), _where(settings)
    address = where["target_host"]
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await Client.connect(
                **where, data_converter=data_converter, runtime=runtime, interceptors=interceptors
            )
    except (RuntimeError, RPCError, OSError, TimeoutError) as error:
        mend = "temporal.address" if settings.profile is None else f"the profile {settings.profile}"
        raise ConnectionFailed(
            f"Temporal does not answer at {address}: start it, or correct {mend}"
        ) from error


def _where(settings: TemporalSettings) -> ClientConnectConfig:
    """Address, namespace, key and TLS: the settings' own, or those of a profile of Temporal's configuration."""
    if settings.profile is None:
        own: ClientConnectConfig = {
            "target_host": settings.address,
            "namespace": settings.namespace,
            "tls": settings.tls,
        }
        if settings.api_key is not None:
            own["api_key"] = settings.api_key.get_secret_value()
        return own
    try:
        found = ClientConfig.load_client_connect_config(settings.profile)
    except (RuntimeError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"temporal.profile: the profile {settings.profile} of Temporal's configuration cannot be used: {error}"
        ) from error
    if not found.get("target_host"):
        raise ConfigurationError(
            f"temporal.profile: the profile {settings.profile} of Temporal's configuration has no address"
        )
    return found
