"""Preparing a Temporal namespace: its retention, and the search attributes that the cases carry."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import temporalio.api.operatorservice.v1 as operator_api
import temporalio.api.workflowservice.v1 as workflow_api
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from recoup.errors import ConfigurationError, ConnectionFailed
from recoup.temporal.attributes import SEARCH_ATTRIBUTES, STAGE

RETENTION = timedelta(days=90)
"""How long a new namespace keeps closed cases for the Temporal UI; the ledger keeps their outcomes for ever."""

READY_SECONDS = 20.0
"""Servers cache namespaces: what was just made is known everywhere only some seconds later."""

_NOT_OURS_TO_CHANGE = (
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNIMPLEMENTED,
    RPCStatusCode.UNAUTHENTICATED,
)


async def prepare(client: Client, retention: timedelta = RETENTION) -> tuple[str, ...]:
    """Make the client's namespace and register the search attributes, whatever of them is missing.

    Returns what was made, in words; nothing where all was there.

    Raises:
        ConfigurationError: something is missing and this client may not make it, or it is there in another shape.
        ConnectionFailed: Temporal did not answer.
    """
    made: list[str] = []
    if not await has_namespace(client):
        await _make_namespace(client, retention)
        made.append(f"namespace {client.namespace}, which keeps closed cases for {retention.days} days")
    made += [f"search attribute {name}" for name in await ensure_search_attributes(client)]
    return tuple(made)


async def has_namespace(client: Client) -> bool:
    """Whether the client's namespace is there.

    Raises:
        ConnectionFailed: Temporal did not answer.
    """
    request = workflow_api.DescribeNamespaceRequest(namespace=client.namespace)
    try:
        await client.workflow_service.describe_namespace(request)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        if error.status in _NOT_OURS_TO_CHANGE:
            raise ConfigurationError(
                f"Temporal does not let this client into the namespace {client.namespace}: correct temporal.namespace"
                " or temporal.api_key"
            ) from error
        raise _away(error) from error
    return True


async def missing_search_attributes(client: Client) -> tuple[str, ...]:
    """The names of the search attributes that the namespace does not know yet.

    Raises:
        ConfigurationError: one is there with another type, or the namespace does not exist.
        ConnectionFailed: Temporal did not answer.
    """
    request = operator_api.ListSearchAttributesRequest(namespace=client.namespace)
    try:
        known = (await client.operator_service.list_search_attributes(request)).custom_attributes
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise ConfigurationError(
                f"Temporal has no namespace {client.namespace}: run `recoup bootstrap`, or correct temporal.namespace"
            ) from error
        if error.status in _NOT_OURS_TO_CHANGE:
            return await _missing_by_asking(client)
        raise _away(error) from error
    for key in SEARCH_ATTRIBUTES:
        if key.name in known and int(known[key.name]) != int(key.indexed_value_type):
            raise ConfigurationError(
                f"The namespace {client.namespace} has a search attribute {key.name} of another type than"
                f" {key.indexed_value_type.name.title()}: remove it, then run `recoup bootstrap`"
            )
    return tuple(key.name for key in SEARCH_ATTRIBUTES if key.name not in known)


async def ensure_search_attributes(client: Client) -> tuple[str, ...]:
    """Register the search attributes that are missing, and wait until they can be used; returns their names.

    Raises:
        ConfigurationError: this client may not register them; the sentence lists what somebody else must add.
        ConnectionFailed: Temporal did not answer.
    """
    missing = await missing_search_attributes(client)
    if not missing:
        return ()
    wanted = {key.name: key.indexed_value_type for key in SEARCH_ATTRIBUTES if key.name in missing}
    request = operator_api.AddSearchAttributesRequest(
        namespace=client.namespace,
        search_attributes={name: type_.value for name, type_ in wanted.items()},  # type: ignore[misc]  # the enum's numbers
    )
    try:
        await client.operator_service.add_search_attributes(request)
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:  # another worker was faster
            listed = ", ".join(f"{name}={type_.name.title()}" for name, type_ in wanted.items())
            raise ConfigurationError(
                f"The namespace {client.namespace} lacks search attributes, and they could not be added"
                f" ({error.status.name.lower()}); add them with its own tools: {listed}"
            ) from error
    await _until(lambda: _answers_for(client, STAGE.name), f"the search attributes of {client.namespace}")
    return missing


async def _make_namespace(client: Client, retention: timedelta) -> None:
    request = workflow_api.RegisterNamespaceRequest(
        namespace=client.namespace, description="Recovery of failed payments"
    )
    request.workflow_execution_retention_period.FromTimedelta(retention)
    try:
        await client.workflow_service.register_namespace(request)
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise ConfigurationError(
                f"The namespace {client.namespace} does not exist and could not be made"
                f" ({error.status.name.lower()}): make it with Temporal's own tools, or correct temporal.namespace"
            ) from error
    await _until(lambda: _answers_for(client, "WorkflowId"), f"the namespace {client.namespace}")


async def _missing_by_asking(client: Client) -> tuple[str, ...]:
    """For services that do not list search attributes to everybody: ask a question with each of them."""
    return tuple([key.name for key in SEARCH_ATTRIBUTES if not await _answers_for(client, key.name)])


async def _answers_for(client: Client, attribute: str) -> bool:
    try:
        await client.count_workflows(f"{attribute} IS NULL")
    except RPCError as error:
        if error.status in (RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.NOT_FOUND):
            return False
        raise _away(error) from error
    return True


async def _until(ready: Callable[[], Awaitable[bool]], what: str) -> None:
    try:
        async with asyncio.timeout(READY_SECONDS):
            while not await ready():  # noqa: ASYNC110 - Temporal tells nobody when it is
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise ConnectionFailed(f"Temporal was slow to make {what} known; try again in a minute") from None


def _away(error: RPCError) -> ConnectionFailed:
    return ConnectionFailed(f"Temporal did not answer: {error.status.name.lower()}, {error.message[:200]}")
