"""Addresses to which secrets may go."""

from __future__ import annotations

from urllib.parse import urlsplit

_HERE = ("127.0.0.1", "localhost", "::1")


def travels_safely(address: str) -> bool:
    """Whether nobody in between can read what goes there: https, or this machine itself."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in _HERE))
