"""The operators' console: a private web process in which operators see every case and act on it."""

from recoup.web.console.app import assemble_console, build_console, serve_console
from recoup.web.console.passwords import hashed

__all__ = ["assemble_console", "build_console", "hashed", "serve_console"]
