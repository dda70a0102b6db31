"""``recoup codec``: the server through which the Temporal UI shows encrypted payloads."""

from __future__ import annotations

import click


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8789, show_default=True, help="0 takes a free one."
)
@click.option("--new-key", is_flag=True, help="Print a new key for temporal.payload_keys, and end.")
def codec(host: str, port: int, new_key: bool) -> None:
    """Decrypt payloads for the Temporal UI and the temporal command (docs/encryption.md)."""
    from recoup.commands._codec import print_key, serve_codec

    if new_key:
        print_key()
    else:
        serve_codec(host, port)
