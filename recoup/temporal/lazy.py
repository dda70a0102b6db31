"""A connection to Temporal that is made when it is first needed, and again after it could not be made."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from temporalio.client import Client, Interceptor

from recoup.settings import TemporalSettings
from recoup.temporal.connection import connect


class LazyClient:
    """Gives the one client of a process; where Temporal is away, each call tries to connect anew.

    Once connected, the SDK itself finds Temporal again after an interruption.
    """

    def __init__(self, settings: TemporalSettings, interceptors: Sequence[Interceptor] = ()) -> None:
        self._settings = settings
        self._interceptors = interceptors
        self._client: Client | None = None
        self._lock = asyncio.Lock()

    async def __call__(self) -> Client:
        """The connected client.

        Raises:
            ConnectionFailed: Temporal does not answer.
        """
        async with self._lock:
            if self._client is None:
                self._client = await connect(self._settings, interceptors=self._interceptors)
            return self._client
