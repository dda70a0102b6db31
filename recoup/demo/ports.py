"""Ports for the processes of a stack.

A port is looked for before the process that listens on it has started. In between nobody may take it: neither another
stack on this machine, nor an outgoing connection of any process, which the system gives a port of its own choice. So
ports are drawn at random from below the range that outgoing connections get.
"""

from __future__ import annotations

import contextlib
import random
import socket
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST = 15_000
_OUTGOING = 32_768
"""Where outgoing ports begin on Linux unless it was told otherwise; other systems begin higher."""
_TRIES = 1_000


def free_ports(count: int) -> list[int]:
    """So many different ports on which nobody listens on 127.0.0.1.

    Raises:
        OSError: no free ones were found.
    """
    held: dict[int, socket.socket] = {}
    with contextlib.ExitStack() as sockets:
        for port in random.sample(range(LOWEST, outgoing()), _TRIES):
            probe = sockets.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                held[port] = probe
            if len(held) == count:
                return list(held)
    raise OSError(f"no {count} free ports were found on 127.0.0.1 from {LOWEST} to {outgoing()}")


def outgoing() -> int:
    """The first port of those that outgoing connections get; the usual one where that leaves too few below it."""
    try:
        first = int(_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _OUTGOING
    return first if first > LOWEST + _TRIES else _OUTGOING
