"""Telling a case an operator's word."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click
from pydantic import ValidationError

from activities.contracts import WhatWillHappen
from activities.people_contracts import Word
from recoup.clock import clock_for
from recoup.errors import ConfigurationError
from recoup.settings import load_settings
from recoup.temporal.connection import connect
from recoup.temporal.gateway import CaseGateway
from recoup.temporal.words import Payload, request_for

_NEEDS = {
    "refuse-suspension": "days",
    "extend-grace": "days",
    "pause-until": "until",
    "promise-to-pay": "until",
    "send-message": "template",
}


def payload(word: str, said: Mapping[str, Any], at: datetime) -> Payload:
    """What the update of this word takes.

    Raises:
        ConfigurationError: something that the word needs is missing, or is not what it takes.
    """
    needed = ["reason", *([_NEEDS[word]] if word in _NEEDS else [])]
    if missing := [f"--{name}" for name in needed if said.get(name) in (None, "")]:
        raise ConfigurationError(f"`{word}` needs {' and '.join(missing)}")
    data = {name: value for name, value in said.items() if value is not None}
    if isinstance(until := data.get("until"), datetime):
        data["until"] = until.replace(tzinfo=UTC)
    # Checked as an account name by hand, where the payload itself takes any text.
    who = said.get("operator") or getpass.getuser()
    try:
        Word(at=at, reason=str(said["reason"]), operator=who)
        return request_for(word.replace("-", "_"), **data | {"at": at, "operator": who})
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigurationError(f"--{first['loc'][-1]} cannot be used: {first['msg']}") from error


def tell_case(case_id: str, word: str, said: Mapping[str, Any], *, as_json: bool) -> None:
    """Say it, and print what will happen."""
    settings = load_settings()
    request = payload(word, said, clock_for(settings.clock_file).now())

    async def told() -> WhatWillHappen:
        gateway = CaseGateway(await connect(settings.temporal))
        return await gateway.update(case_id, word.replace("-", "_"), request)

    answer = asyncio.run(told())
    if as_json:
        click.echo(answer.model_dump_json(indent=2))
        return
    when = f"{answer.next.due_at:%Y-%m-%d %H:%M} UTC" if answer.next.due_at else "no date"
    click.echo(
        f"{case_id} is {answer.stage}. Next: {answer.next.kind} ({when}), because {answer.next.because}."
    )
