"""Which version of the code a worker runs, as it tells Temporal."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import WorkerDeploymentConfig

from recoup import __version__

BUILD_ID = f"recoup-{__version__}"
"""Told to Temporal with each task; left to itself, the SDK hashes every loaded module, which takes seconds."""


class Told(TypedDict):
    """What a worker is made with: one of the two."""

    build_id: NotRequired[str]
    deployment_config: NotRequired[WorkerDeploymentConfig]


def told(deployment: str | None) -> Told:
    """A worker of this deployment, or one of none.

    In a deployment Temporal gives new cases to the version that an operator made current, and moves running ones to it at their
    next step: they last for weeks, and the code of every version carries on what an older one began.
    """
    if deployment is None:
        return Told(build_id=BUILD_ID)
    return Told(
        deployment_config=WorkerDeploymentConfig(
            version=WorkerDeploymentVersion(deployment, __version__),
            use_worker_versioning=True,
            default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
        )
    )
