"""Ports for processes that have not started yet."""

from __future__ import annotations

import random
import socket

import pytest

from recoup.demo.ports import LOWEST, free_ports, outgoing


def test_no_outgoing_connection_can_take_them() -> None:
    """They differ, and stand below the range from which the system gives ports to connections."""
    ports = free_ports(40)
    assert len(set(ports)) == 40
    assert all(LOWEST <= port < outgoing() for port in ports)


def test_a_port_that_is_taken_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where somebody listens another one is drawn."""
    taken, free = free_ports(2)
    monkeypatch.setattr(random, "sample", lambda *_: [taken, free])
    with socket.create_server(("127.0.0.1", taken)):
        assert free_ports(1) == [free]


def test_none_left_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all are taken one sentence says so."""
    (taken,) = free_ports(1)
    monkeypatch.setattr(random, "sample", lambda *_: [taken])
    with socket.create_server(("127.0.0.1", taken)), pytest.raises(OSError, match="no 1 free ports"):
        free_ports(1)
