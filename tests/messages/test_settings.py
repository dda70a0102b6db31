"""The settings of mail: strict, complete, and the right sender for each kind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from recoup.errors import ConfigurationError
from recoup.messages import Composer, MailSettings, OutboxSender, SmtpSender, sample_facts, sender_from
from recoup.messages.ses import SesSender
from recoup.rules.case import Template

OWN = {"company": "Northwind", "sender": "billing@northwind.example", "support": "help@northwind.example"}


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({}, OutboxSender),
        ({"kind": "smtp", "smtp": {"host": "127.0.0.1"}, **OWN}, SmtpSender),
        ({"kind": "ses", "ses": {"region": "eu-central-1"}, **OWN}, SesSender),
    ],
)
def test_each_kind_has_its_sender(
    settings: dict[str, Any], kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kind decides where messages go; without any settings they go into files."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    assert isinstance(sender_from(MailSettings.model_validate(settings)), kind)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"kind": "smtp", **OWN}, "smtp.host must be set"),
        ({"kind": "ses"}, "sender must be set to an address of your own"),
        ({"kind": "sms"}, "'outbox', 'smtp' or 'ses'"),
        ({"sendr": "a@b.example"}, "Extra inputs"),
        ({"smtp": {"host": "h", "pasword": "x"}}, "Extra inputs"),
        ({"sender": "Northwind"}, "not a mail address"),
        ({"default_timezone": "Warsaw"}, "no time zone 'Warsaw'"),
        ({"company": ""}, "at least 1 character"),
    ],
)
def test_a_mistake_is_told(settings: dict[str, Any], says: str) -> None:
    """Missing, misspelt and impossible settings are refused with what is wrong."""
    with pytest.raises(ValidationError, match=says):
        MailSettings.model_validate(settings)


def test_a_password_is_not_shown() -> None:
    """Neither the settings nor an error in them print the password."""
    settings = MailSettings.model_validate({"smtp": {"host": "h", "username": "u", "password": "hush-hush"}})
    assert "hush-hush" not in repr(settings)
    assert settings.smtp is not None
    assert settings.smtp.password is not None
    assert settings.smtp.password.get_secret_value() == "hush-hush"


def test_who_writes_comes_from_the_settings(tmp_path: Path) -> None:
    """From, Reply-To, the domain of Message-IDs and what messages say of the company are one set of settings."""
    settings = MailSettings.model_validate({**OWN, "outbox": tmp_path})
    assert (settings.mailbox.name, settings.mailbox.address) == ("Northwind", "billing@northwind.example")
    assert settings.mailbox.reply_to == settings.about_company.support == "help@northwind.example"
    assert settings.domain == "northwind.example"


def test_boto3_waits_until_it_is_needed() -> None:
    """Importing messages does not import boto3, which would slow down every command."""
    code = "import sys, recoup.messages; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_default_language_that_nobody_speaks_is_refused() -> None:
    """With a misspelt default every customer whose language is unknown would read English without a word of it."""
    with pytest.raises(ConfigurationError, match=r"mail.default_locale is 'po', and there are en, pl"):
        Composer(default_locale="po")
    assert Composer(default_locale="pl-PL").compose(sample_facts(Template.REMINDER, "fi")).language == "pl-PL"
