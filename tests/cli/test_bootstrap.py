"""``recoup bootstrap``: the namespace and the search attributes are made where they are missing, and left alone where not."""

from __future__ import annotations

import uuid

import pytest
import temporalio.api.workflowservice.v1 as workflow_api
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from recoup.errors import ConfigurationError
from recoup.temporal import SEARCH_ATTRIBUTES
from recoup.temporal.bootstrap import RETENTION, has_namespace, missing_search_attributes, prepare


async def _client(environment: WorkflowEnvironment, namespace: str) -> Client:
    return await Client.connect(environment.client.service_client.config.target_host, namespace=namespace)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_new_namespace_is_made_ready(time_skipping_env: WorkflowEnvironment) -> None:
    """It gets its retention and every search attribute, can be used at once, and a second run makes nothing."""
    client = await _client(time_skipping_env, f"fresh-{uuid.uuid4().hex[:8]}")
    assert not await has_namespace(client)
    with pytest.raises(ConfigurationError, match="recoup bootstrap"):
        await missing_search_attributes(client)
    made = await prepare(client)
    assert len(made) == 1 + len(SEARCH_ATTRIBUTES)
    assert await missing_search_attributes(client) == ()
    assert (await client.count_workflows("RecoupStage = 'open'")).count == 0
    request = workflow_api.DescribeNamespaceRequest(namespace=client.namespace)
    told = await client.workflow_service.describe_namespace(request)
    assert told.config.workflow_execution_retention_ttl.ToTimedelta() == RETENTION
    assert await prepare(client) == ()
