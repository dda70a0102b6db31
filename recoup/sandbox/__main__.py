"""``python -m recoup.sandbox``: start the sandbox as a process of its own."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from recoup.errors import ConfigurationError, RecoupError
from recoup.sandbox.resources.events import make_endpoint
from recoup.sandbox.sandbox import Options, Sandbox
from recoup.sandbox.server import Server
from recoup.sandbox.switches import parse_switch
from recoup.worlds import World, WorldError, load_world


def main(arguments: list[str] | None = None) -> int:
    """Run until stopped; 0 after a clean stop, 2 when it cannot start, with one sentence on standard error."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        _run(given)
    except (RecoupError, WorldError) as error:
        sys.stderr.write(f"recoup sandbox: {error}\n")
        return 2
    except KeyboardInterrupt:
        pass
    return 0


def _run(given: argparse.Namespace) -> None:
    switches = dict(parse_switch(text) for text in given.switch)
    world = _world(given.world)
    if bool(given.webhook_url) != bool(given.webhook_secret):
        raise ConfigurationError("--webhook-url and --webhook-secret belong together; give both or neither")
    if given.webhook_url and not given.webhook_url.startswith(("http://", "https://")):
        raise ConfigurationError(
            f"--webhook-url {given.webhook_url}: write the whole address, with http:// or https://"
        )
    if not 0 <= given.port <= 65_535:
        raise ConfigurationError(f"--port {given.port}: a port is a number from 0 to 65535")

    def build(address: str) -> Sandbox:
        sandbox = Sandbox(Options(given.data, address, given.clock_file, world))
        for name, value in switches.items():
            sandbox.switches.set(name, value)
        if given.webhook_url:
            _ensure_endpoint(sandbox, given.webhook_url, given.webhook_secret)
        return sandbox

    try:
        Server(build, given.port).run(_announce)
    except OSError as error:
        raise ConfigurationError(
            f"The sandbox cannot start on port {given.port} with {given.data}: {error}"
        ) from error


def _announce(address: str) -> None:
    sys.stdout.write(f"Recoup sandbox listens on {address}\n")
    sys.stdout.flush()


def _world(path: Path | None) -> World | None:
    if path is None:
        return None
    try:
        return load_world(path)
    except OSError as error:
        raise ConfigurationError(f"World file {path} cannot be read: {error.strerror}") from error


def _ensure_endpoint(sandbox: Sandbox, url: str, secret: str) -> None:
    with sandbox.work() as work:
        endpoint = work.first("webhook_endpoint", {"url": url}) or make_endpoint(work, url, ["*"], secret)
        endpoint["_secret"] = secret


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m recoup.sandbox", description="A Stripe on this machine.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one (default)")
    parser.add_argument("--data", type=Path, required=True, help="directory of its SQLite file")
    parser.add_argument("--clock-file", type=Path, help="file that the virtual clock's offset is written to")
    parser.add_argument("--world", type=Path, help="world file with issuers and customers")
    parser.add_argument("--webhook-url", help="endpoint that gets every event")
    parser.add_argument("--webhook-secret", help="the secret that its deliveries are signed with")
    parser.add_argument(
        "--switch", action="append", default=[], metavar="NAME=VALUE", help="see docs/sandbox.md"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
