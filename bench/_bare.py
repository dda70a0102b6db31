"""The baseline of the webhooks: a FastAPI route that reads JSON and makes the same call to Temporal, and nothing else."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI, Request
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.contracts import TASK_QUEUE, StartCase
from recoup.clock import SystemClock
from recoup.temporal.ids import recovery_workflow_id


def main(temporal: str, port: int) -> None:
    """Serve until the process is told to stop."""
    app, clients = FastAPI(), list[Client]()

    @app.post("/webhooks/stripe")
    async def take(request: Request) -> dict[str, bool]:
        if not clients:
            clients.append(await Client.connect(temporal, data_converter=pydantic_data_converter))
        invoice = (await request.json())["data"]["object"]["id"]
        start = StartCase(invoice=invoice, at=SystemClock().now())
        await clients[0].start_workflow(
            "RecoveryCase", start, id=recovery_workflow_id(invoice), task_queue=TASK_QUEUE
        )
        return {"received": True}

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
