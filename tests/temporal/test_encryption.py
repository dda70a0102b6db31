"""Encrypted payloads: what Temporal keeps, changing keys while cases sleep, and the codec server for those who may read."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from recoup.errors import ConfigurationError
from recoup.temporal.encryption import CannotDecrypt, Encryption, converter
from recoup.temporal.payloads import plain_converter
from recoup.web.codec import MOST_BYTES, codec_app
from tests.workflows.shop import CHOSEN, Shop, play
from workflows.card_update import CardUpdate

OLD = "2026-01-01:" + base64.b64encode(b"o" * 32).decode()
NEW = "2026-11-28:" + base64.b64encode(b"n" * 32).decode()
TOKEN = "a token of the operators"
UI = "http://127.0.0.1:8233"
PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=b'{"customer":"cus_1"}')


def _under(env: WorkflowEnvironment, keys: Sequence[str]) -> WorkflowEnvironment:
    """The same Temporal through a client that has these keys."""
    service = env.client.service_client
    client = Client(service, namespace=env.client.namespace, data_converter=converter(keys))
    return cast(WorkflowEnvironment, SimpleNamespace(client=client))


async def test_temporal_keeps_what_it_cannot_read(time_skipping_env: WorkflowEnvironment) -> None:
    """A workflow runs as ever, and every payload of its history is encrypted: no id and no reason can be read in it."""
    handle = await play(_under(time_skipping_env, [OLD]), Shop(), CHOSEN)
    kept = await time_skipping_env.client.get_workflow_handle(handle.id).fetch_history()
    raw = b"".join(event.SerializeToString() for event in kept.events)
    assert CHOSEN.method.encode() not in raw
    assert b"the customer chose it" not in raw
    assert raw.count(b"binary/encrypted-aes256gcm") >= 6
    plain = await play(time_skipping_env, Shop(), CHOSEN)
    raw = b"".join(event.SerializeToString() for event in (await plain.fetch_history()).events)
    assert CHOSEN.method.encode() in raw


async def test_keys_change_while_cases_sleep(
    time_skipping_env: WorkflowEnvironment, caplog: pytest.LogCaptureFixture
) -> None:
    """What began under an old key, or under none, goes on under a new one; without the old key it does not, and the log says which is missing."""
    histories = []
    for began in ([], [OLD]):
        handle = await play(_under(time_skipping_env, began), Shop(), CHOSEN)
        histories.append(await handle.fetch_history())
        replayer = Replayer(workflows=[CardUpdate], data_converter=converter([OLD, NEW]))
        await replayer.replay_workflow(histories[-1])
    forgetful = Replayer(workflows=[CardUpdate], data_converter=converter([NEW]))
    with pytest.raises(RuntimeError):
        await forgetful.replay_workflow(histories[-1])
    assert "the key 2026-01-01, which temporal.payload_keys does not hold" in caplog.text


async def test_the_newest_key_encrypts_and_all_decrypt() -> None:
    """Each payload names its key; two encryptions of the same are not alike."""
    both = Encryption([OLD, NEW])
    old, new = Encryption([OLD]).encrypted(PLAIN), both.encrypted(PLAIN)
    assert (old.metadata["recoup-key"], new.metadata["recoup-key"]) == (b"2026-01-01", b"2026-11-28")
    assert await both.decode([old, new, PLAIN]) == [PLAIN] * 3
    assert both.encrypted(PLAIN).data != new.data


def test_what_was_changed_is_not_taken() -> None:
    """A single bit, another key of the same name, or another name: refused."""
    sealed = Encryption([NEW]).encrypted(PLAIN)
    changed = Payload(metadata=sealed.metadata, data=sealed.data[:-1] + bytes([sealed.data[-1] ^ 1]))
    same_name = "2026-11-28:" + base64.b64encode(b"x" * 32).decode()
    for keys, payload in (([NEW], changed), ([same_name], sealed), ([OLD], sealed)):
        with pytest.raises(CannotDecrypt):
            Encryption(keys).decrypted(payload)
    renamed = Payload(metadata=dict(sealed.metadata) | {"recoup-key": b"2026-01-01"}, data=sealed.data)
    with pytest.raises(CannotDecrypt):
        Encryption([OLD, NEW]).decrypted(renamed)


@pytest.mark.parametrize(
    "keys", [["short:AAAA"], ["no colon"], [OLD, OLD], [":" + NEW.partition(":")[2]], ["a:%"]]
)
def test_keys_that_cannot_be_used_are_refused(keys: list[str]) -> None:
    """One sentence that says what a key looks like, and shows none."""
    with pytest.raises(ConfigurationError, match="NAME:KEY") as raised:
        converter(keys)
    assert "AAAA" not in str(raised.value)


def test_without_keys_nothing_changes() -> None:
    """The converter is the plain one."""
    assert converter([]) is plain_converter


@pytest.fixture
def codec() -> TestClient:
    return TestClient(codec_app(Encryption([OLD, NEW]), TOKEN, UI, "http://127.0.0.1"))


def _body(*payloads: Payload) -> str:
    return json_format.MessageToJson(Payloads(payloads=payloads))


def _read(text: str) -> list[Any]:
    return list(json_format.Parse(text, Payloads()).payloads)


@pytest.mark.parametrize("by", ["header", "path"])
def test_the_codec_server_decrypts_for_who_has_its_token(codec: TestClient, by: str) -> None:
    """As the UI and the command ask: encrypted payloads come back plain, plain ones as they are, and the other way round."""
    path, headers = ("", {"Authorization": f"Bearer {TOKEN}"}) if by == "header" else (f"/t/{TOKEN}", {})
    sealed = Encryption([OLD]).encrypted(PLAIN)
    answer = codec.post(f"{path}/decode", content=_body(sealed, PLAIN), headers=headers | {"Origin": UI})
    assert answer.status_code == 200
    assert _read(answer.text) == [PLAIN, PLAIN]
    assert answer.headers["access-control-allow-origin"] == UI
    back = codec.post(f"{path}/encode", content=_body(PLAIN), headers=headers)
    assert Encryption([NEW]).decrypted(_read(back.text)[0]) == PLAIN
    assert "access-control-allow-origin" not in back.headers


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/decode", {}),
        ("/decode", {"Authorization": "Bearer wrong"}),
        ("/decode", {"Authorization": TOKEN}),
        ("/t/wrong/decode", {}),
        ("/t/wrong/encode", {}),
    ],
)
def test_nobody_else_is_answered(codec: TestClient, path: str, headers: dict[str, str]) -> None:
    """No token, a wrong one, one in another form: 401, and nothing is decrypted."""
    answer = codec.post(path, content=_body(Encryption([OLD]).encrypted(PLAIN)), headers=headers)
    assert answer.status_code == 401
    assert "cus_1" not in answer.text


def test_the_codec_server_says_what_it_cannot_do(codec: TestClient) -> None:
    """A key that it has not, and a body that is none: 400 with a sentence."""
    unknown = Encryption(["other:" + NEW.partition(":")[2]]).encrypted(PLAIN)
    told = codec.post(f"/t/{TOKEN}/decode", content=_body(unknown))
    assert (told.status_code, "other" in told.json()["error"]) == (400, True)
    assert codec.post(f"/t/{TOKEN}/decode", content=b"\xff{").status_code == 400


def test_the_codec_server_takes_no_more_than_temporal_would(codec: TestClient) -> None:
    """A body larger than Temporal's own limit is refused before it is read as payloads."""
    told = codec.post(f"/t/{TOKEN}/decode", content=b" " * (MOST_BYTES + 1))
    assert told.status_code == 413


def test_a_browser_may_ask_from_the_ui_alone(codec: TestClient) -> None:
    """The question before the question names the UI's origin, and no other."""
    asked = codec.options(f"/t/{TOKEN}/decode", headers={"Origin": UI})
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, UI)
    other = codec.options(f"/t/{TOKEN}/decode", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
