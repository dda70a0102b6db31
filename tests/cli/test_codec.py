"""``recoup codec``: keys, and what it needs before it serves."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from recoup.cli import cli
from recoup.errors import ConfigurationError
from recoup.temporal.encryption import Encryption


def test_a_new_key_can_be_used_and_is_new() -> None:
    """Printed in the form that the setting takes, another one each time."""
    keys = [CliRunner().invoke(cli, ["codec", "--new-key"]).output.strip() for _ in range(2)]
    assert keys[0] != keys[1]
    for key in keys:
        Encryption([key])


@pytest.mark.parametrize(("with_key", "missing"), [(False, "payload_keys"), (True, "CODEC_TOKEN")])
def test_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object, with_key: bool, missing: str
) -> None:
    """Without keys there is nothing to decrypt; without a token everybody could."""
    monkeypatch.chdir(str(tmp_path))
    if with_key:
        key = CliRunner().invoke(cli, ["codec", "--new-key"]).output.strip()
        monkeypatch.setenv("RECOUP_TEMPORAL__PAYLOAD_KEYS", f'["{key}"]')
    told = CliRunner().invoke(cli, ["codec", "--port", "0"])
    assert isinstance(told.exception, ConfigurationError)
    assert missing in str(told.exception)
