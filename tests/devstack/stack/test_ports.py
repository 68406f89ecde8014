"""DREAM_PORT_OFFSET moves all ports, and an error names the port that is in use."""

from __future__ import annotations

import socket
from dataclasses import astuple, replace

import pytest

from devstack.stack.ports import HOST, Ports, PortTaken


def test_an_offset_moves_every_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAM_PORT_OFFSET", "100")
    assert astuple(Ports.from_environment()) == tuple(port + 100 for port in astuple(Ports()))


def test_free_ports_are_all_different() -> None:
    assert len(set(astuple(Ports.free()))) == len(astuple(Ports()))


def test_a_port_in_use_is_named_with_its_service_and_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAM_PORT_OFFSET", "100")
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"port {port} of oauth-api is in use\..*DREAM_PORT_OFFSET=200"):
            replace(Ports.free(), oauth_api=port).check()
