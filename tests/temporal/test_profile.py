"""Connecting by a profile of Temporal's own configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from recoup.errors import ConfigurationError, ConnectionFailed
from recoup.settings import TemporalSettings
from recoup.temporal.connection import connect

Write = Callable[[str], object]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes Temporal's configuration file; nothing of it is in the environment."""
    for name in ("TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "temporal.toml"
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(path))
    return path.write_text


async def test_a_profile_says_where_and_as_whom(write: Write, time_skipping_env: WorkflowEnvironment) -> None:
    """Address and namespace are the profile's, whatever the other settings say; the environment stands over the file."""
    address = time_skipping_env.client.service_client.config.target_host
    write(f'[profile.ours]\naddress = "{address}"\nnamespace = "default"\n')
    client = await connect(TemporalSettings(profile="ours", address="127.0.0.1:9", namespace="elsewhere"))
    assert (client.service_client.config.target_host, client.namespace) == (address, "default")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[profile.other]\naddress = "127.0.0.1:9"\n', "the profile ours of Temporal's configuration"),
        ('[profile.ours]\nnamespace = "default"\n', "has no address"),
        ("[profile.ours\n", "cannot be used"),
    ],
    ids=["no such profile", "no address", "no TOML"],
)
async def test_a_profile_that_cannot_be_used_is_named(write: Write, text: str, sentence: str) -> None:
    """One sentence with the setting, the profile and what is wrong with it."""
    write(text)
    with pytest.raises(ConfigurationError, match=sentence) as raised:
        await connect(TemporalSettings(profile="ours"))
    assert "temporal.profile" in str(raised.value)


async def test_a_profile_with_certificates_speaks_tls(write: Write, tmp_path: Path) -> None:
    """Client certificates are read from where the profile says; one that is not there is said before anybody is called."""
    write(
        f'[profile.ours]\naddress = "127.0.0.1:9"\ntls = {{ client_cert_path = "{tmp_path}/no.pem", client_key_path = "{tmp_path}/no.key" }}\n'
    )
    with pytest.raises((ConfigurationError, ConnectionFailed)) as raised:
        await connect(TemporalSettings(profile="ours"))
    assert "ours" in str(raised.value)
