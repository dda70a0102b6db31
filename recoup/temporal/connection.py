"""Connecting to Temporal, the same way for every process."""

from __future__ import annotations

import asyncio

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError

from recoup.errors import ConnectionFailed
from recoup.settings import TemporalSettings

CONNECT_SECONDS = 10.0


async def connect(settings: TemporalSettings) -> Client:
    """A connected client with the data converter that all of Recoup uses.

    Raises:
        ConnectionFailed: nobody answers at the address, or the answer is a refusal.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await Client.connect(
                settings.address,
                namespace=settings.namespace,
                api_key=settings.api_key.get_secret_value() if settings.api_key else None,
                tls=settings.tls,
                data_converter=pydantic_data_converter,
            )
    except (RuntimeError, RPCError, OSError, TimeoutError) as error:
        raise ConnectionFailed(
            f"Temporal does not answer at {settings.address}: start it, or correct temporal.address"
        ) from error
