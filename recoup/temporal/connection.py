"""Connecting to Temporal, the same way for every process."""

from __future__ import annotations

import asyncio

from temporalio.client import Client
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from recoup.errors import ConnectionFailed
from recoup.settings import TemporalSettings
from recoup.temporal.encryption import converter

CONNECT_SECONDS = 10.0


async def connect(settings: TemporalSettings, runtime: Runtime | None = None) -> Client:
    """A connected client with the data converter that all of Recoup uses.

    Raises:
        ConnectionFailed: nobody answers at the address, or the answer is a refusal.
        ConfigurationError: a key for payloads that cannot be used.
    """
    data_converter = converter(settings.payload_keys)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await Client.connect(
                settings.address,
                namespace=settings.namespace,
                api_key=settings.api_key.get_secret_value() if settings.api_key else None,
                tls=settings.tls,
                data_converter=data_converter,
                runtime=runtime,
            )
    except (RuntimeError, RPCError, OSError, TimeoutError) as error:
        raise ConnectionFailed(
            f"Temporal does not answer at {settings.address}: start it, or correct temporal.address"
        ) from error
