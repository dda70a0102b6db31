"""Serving the codec, and making keys."""

from __future__ import annotations

import asyncio
import base64
import secrets
from urllib.parse import urlsplit

import click

from recoup.clock import SystemClock
from recoup.errors import ConfigurationError
from recoup.logs import configure_logs
from recoup.settings import Settings, load_settings
from recoup.temporal.encryption import KEY_BYTES, Encryption
from recoup.web.codec import SHORTEST_TOKEN, codec_app
from recoup.web.serving import serve


def print_key() -> None:
    """A key that nobody has had, named after today."""
    key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    click.echo(f"{SystemClock().now():%Y-%m-%d}:{key}")


def serve_codec(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    configure_logs()
    settings = load_settings()
    temporal, token = settings.temporal, settings.temporal.codec_token.get_secret_value()
    if not temporal.payload_keys:
        raise ConfigurationError("There is nothing to decrypt: temporal.payload_keys is not set")
    if len(token) < SHORTEST_TOKEN:
        raise ConfigurationError(
            f"The codec server needs RECOUP_TEMPORAL__CODEC_TOKEN, a secret of at least {SHORTEST_TOKEN} characters"
        )
    app = codec_app(Encryption(temporal.payload_keys), token, _origin(settings), f"http://{host}")
    asyncio.run(serve(app, host, port))


def _origin(settings: Settings) -> str | None:
    if settings.temporal.ui_url is None:
        return None
    parts = urlsplit(settings.temporal.ui_url)
    return f"{parts.scheme}://{parts.netloc}"
