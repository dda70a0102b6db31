"""What the doctor says of bounces and text messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recoup.doctor._channels import bounces, texts
from recoup.doctor._findings import Finding
from recoup.settings import load_settings

TOPIC = "arn:aws:sns:eu-central-1:123456789012:recoup-mail"
SES = {"kind": "ses", "sender": "billing@northwind.example", "support": "help@northwind.example"}
AWS = {"kind": "aws", "origin": "NORTHWIND", "region": "eu-central-1"}


def _settings(folder: Path, templates: str = "[]", **more: Any) -> Any:
    policy = folder / "policy.yaml"
    policy.write_text(
        f"version: 1\ncontact: {{sms: {{templates: {templates}}}}}\ncampaigns: [{{name: everybody}}]\n"
    )
    return load_settings(policy_file=policy, **more)


def _said(found: list[Finding]) -> list[str]:
    return [f"{each.grade}: {each.says}" for each in found]


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_bounces_that_nobody_tells_of_are_noted(tmp_path: Path) -> None:
    """With SES and no topic; with one it is well, and without SES there is nothing to say."""
    assert bounces(_settings(tmp_path)) == []
    (silent,) = _said(bounces(_settings(tmp_path, mail=SES)))
    assert silent.startswith("note: mail.ses.topics is empty")
    (heard,) = _said(bounces(_settings(tmp_path, mail=SES | {"ses": {"topics": [TOPIC]}})))
    assert heard == "ok: 1 topic(s) are listened to"


def test_text_messages_need_both_the_settings_and_the_policy(tmp_path: Path) -> None:
    """Whichever of the two is missing is named."""
    assert texts(_settings(tmp_path)) == []
    (no_way,) = _said(texts(_settings(tmp_path, "[last_notice]")))
    assert "sms.kind is none" in no_way
    (no_words,) = _said(texts(_settings(tmp_path, sms=AWS)))
    assert "contact.sms.templates" in no_words
